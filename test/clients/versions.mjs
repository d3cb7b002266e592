// Plays with rooms of both update versions on one server: node versions.mjs URL FIRST SECOND, which are the names of
// the rooms. The server restarts with what it has stored when it is asked to, and may exchange the rooms' versions.

import { WebSocket, kits } from './kits.mjs'
import { hold, Stage } from './stage.mjs'

const [url, ...rooms] = process.argv.slice(2)
const v1 = await kits['y-websocket 3']()
const v2 = await kits['V2 updates']()

// People edit a room, after others whose document they have to find there, and find each other's edits.
async function meet (kit, room, before) {
  const stage = new Stage(kit, url, room)
  const clients = await stage.synced('ann', 'bob')
  const show = () => kit.show(clients[0].doc)
  if (before) hold(`${room} has what it had: ${show()}, not ${before}`, show() === before)
  for (let i = 0; i < 12; i++) {
    for (const { doc, name } of clients) for (const edit of Object.values(kit.edits)) edit(doc, name)
    await stage.converge(...clients)
  }
  const [late] = await stage.synced('late')
  await stage.converge(...clients, late)
  hold('nobody was thrown out', clients.every(client => client.closes === 0))
  stage.end()
  return show()
}

// Who speaks the other version is closed.
async function stranger (room, encode) {
  const doc = new v1.Y.Doc()
  v1.text(doc).insert(0, 'in another language')
  const update = encode(doc)
  const ws = new WebSocket(`${url}/ws/${room}`)
  ws.on('open', () => ws.send(new Uint8Array([0, 2, update.length, ...update])))
  const code = await new Promise((resolve, reject) => ws.on('close', resolve).on('error', reject))
  hold(`the stranger is closed with 1007, not ${code}`, code === 1007)
}

let shown = [await meet(v1, rooms[0]), await meet(v2, rooms[1])]
await stranger(rooms[0], v1.Y.encodeStateAsUpdateV2)
await stranger(rooms[1], v1.Y.encodeStateAsUpdate)
const stage = new Stage(v1, url)
await stage.ask('/restart')
shown = [await meet(v1, rooms[0], shown[0]), await meet(v2, rooms[1], shown[1])]
await stage.ask('/exchange')
await meet(v2, rooms[0], shown[0])
await meet(v1, rooms[1], shown[1])
process.exit(0)
