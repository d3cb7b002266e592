import { baseKeymap } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { ySyncPlugin, yCursorPlugin, yUndoPlugin } from 'y-prosemirror'
import { caret, selectionStyle, withClients } from '../../shared/caret.js'
import { emptyHint } from '../../shared/hint.js'
import { enter } from '../../shared/room.js'
import { websocket } from '../../shared/websocket.js'
import { asXML } from '../../shared/xml.js'
import { keys } from './commands.js'
import { rules } from './rules.js'
import { schema } from './schema.js'
import { tools } from './toolbar.js'
import { caretAfterUndo } from './undo.js'

const root = 'prosemirror'
const { doc, awareness, readonly, connect } = enter(websocket, doc => asXML(doc.getXmlFragment(root)))

new EditorView(document.getElementById('frame'), {
  state: EditorState.create({
    schema,
    plugins: [
      ySyncPlugin(doc.getXmlFragment(root)),
      yCursorPlugin(withClients(awareness), {
        cursorBuilder: caret,
        selectionBuilder: user => ({ class: 'selection', style: selectionStyle(user) })
      }),
      yUndoPlugin(),
      caretAfterUndo(),
      ...rules,
      keymap(keys),
      keymap(baseKeymap),
      emptyHint('Write something. Everyone who has the link sees it at once.'),
      tools(document.getElementById('toolbar'))
    ]
  }),
  editable: () => !readonly,
  attributes: {
    id: 'editor',
    role: 'textbox',
    'aria-multiline': 'true',
    'aria-label': 'Document',
    'aria-readonly': String(readonly),
    tabindex: '0'
  }
})
connect()
