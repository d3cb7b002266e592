// A stock client with yjs 13 in the room at the address of the first argument. For each line of standard input it inserts the text in
// that, a JSON string, at the end of the text "t", and prints what it shows then.
import { createInterface } from 'node:readline'
import { WebsocketProvider } from 'y-websocket'
import WebSocket from 'ws'
import * as Y from 'yjs'

const [, , host, room] = process.argv
const doc = new Y.Doc()
const provider = new WebsocketProvider(`ws://${host}/ws`, room, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
await new Promise(resolve => provider.once('sync', resolve))
for await (const line of createInterface({ input: process.stdin })) {
  const text = doc.getText('t')
  text.insert(text.length, JSON.parse(line))
  console.log(JSON.stringify(text.toString()))
}
process.exit()
