import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'

const doc = new Y.Doc()
new WebsocketProvider('ws://127.0.0.1:8000/ws', 'my-room', doc)

const form = doc.getMap('form')
const input = document.querySelector('input')
input.oninput = () => form.set('title', input.value)
form.observe(() => { input.value = form.get('title') ?? '' })
