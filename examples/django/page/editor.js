// The editor of a note: ProseMirror. The page says which note it is. Its room has the same name
// at Django and at yroom.
import { baseKeymap } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { schema } from 'prosemirror-schema-basic'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { redo, undo, ySyncPlugin, yUndoPlugin } from 'y-prosemirror'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const element = document.querySelector('#editor')
const doc = new Y.Doc()
new WebsocketProvider(`${location.origin.replace(/^http/, 'ws')}/ws`, `note.${element.dataset.note}`, doc)

new EditorView(element, {
  attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': element.dataset.note },
  state: EditorState.create({
    schema,
    plugins: [
      ySyncPlugin(doc.getXmlFragment('prosemirror')),
      yUndoPlugin(),
      keymap({ 'Mod-z': undo, 'Mod-y': redo, 'Mod-Shift-z': redo }),
      keymap(baseKeymap)
    ]
  })
})
