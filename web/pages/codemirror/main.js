import { defaultKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { UndoManager } from 'yjs'
import { enter } from '../../shared/room.js'
import { websocket } from '../../shared/websocket.js'
import { carets } from './carets.js'
import { code } from './code.js'

const root = 'codemirror'
const { room, doc, awareness, readonly, connect } = enter(websocket, doc => doc.getText(root).toString())
const text = doc.getText(root)
const { extension, load } = code(room, readonly)

const view = new EditorView({
  parent: document.getElementById('frame'),
  state: EditorState.create({
    doc: text.toString(),
    extensions: [
      EditorView.cspNonce.of(document.querySelector('meta[name=style-nonce]').content),
      EditorView.contentAttributes.of({ id: 'editor', 'aria-label': 'Text' }),
      EditorView.lineWrapping,
      EditorState.readOnly.of(readonly),
      EditorView.editable.of(!readonly),
      lineNumbers(),
      highlightActiveLine(),
      drawSelection(),
      readonly ? [] : placeholder('Write something. Everyone who has the link sees it at once.'),
      keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
      yCollab(text, null, { undoManager: new UndoManager(text) }),
      carets(text, awareness),
      extension
    ]
  })
})
load(view)
connect()
