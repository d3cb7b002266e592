// The editor of a room: TipTap. The page says which room it is, and what the user may do.
import { Editor } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import CollaborationCaret from '@tiptap/extension-collaboration-caret'
import StarterKit from '@tiptap/starter-kit'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const element = document.querySelector('#editor')
const { room, user } = element.dataset
const writes = element.dataset.writes === 'true'

const doc = new Y.Doc()
// The browser sends the cookie of the login by itself.
const provider = new WebsocketProvider(`${location.origin.replace(/^http/, 'ws')}/ws`, encodeURIComponent(room), doc)

const connection = document.querySelector('#connection')
provider.on('status', ({ status }) => { connection.textContent = status })
provider.on('connection-error', () => { connection.textContent = 'not connected: is the server running, and are you still logged in?' })

const colours = ['#2c74c9', '#ba5601', '#0c826c', '#9e57af']
const number = [...user].reduce((sum, letter) => sum + letter.codePointAt(0), 0)

new Editor({
  element,
  // The server ignores edits of a reader. So the editor accepts none: only the reader would see them.
  editable: writes,
  editorProps: { attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': room, 'aria-readonly': String(!writes) } },
  extensions: [
    StarterKit.configure({ undoRedo: false, trailingNode: false }), // Collaboration has its own undo
    Collaboration.configure({ document: doc }),
    CollaborationCaret.configure({ provider, user: { name: user, color: colours[number % colours.length] } })
  ]
})
