// Plays in two rooms of one server: node versions.mjs URL VERSION VERSION SHOWN. Each room has an update version. SHOWN
// is what an earlier play, whose documents the server has, said on stdout; it is [] for the first.

import { WebSocket, kits } from './kits.mjs'
import { hold, Stage } from './stage.mjs'

const [url, ...args] = process.argv.slice(2)
const [first, second, shown] = args.map(arg => JSON.parse(arg))
const versions = {
  1: { kit: await kits['y-websocket 3'](), encode: 'encodeStateAsUpdate' },
  2: { kit: await kits['V2 updates'](), encode: 'encodeStateAsUpdateV2' }
}

// People find the document that others have left, edit it, and find each other's edits.
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
  hold('no connection was closed', clients.every(client => client.closes === 0))
  stage.end()
  return show()
}

// A client of the other version is closed.
async function stranger ({ kit, encode }, room) {
  const doc = new kit.Y.Doc()
  kit.text(doc).insert(0, 'in another language')
  const update = kit.Y[encode](doc)
  const ws = new WebSocket(`${url}/ws/${room}`)
  ws.on('open', () => ws.send(new Uint8Array([0, 2, update.length, ...update])))
  const code = await new Promise((resolve, reject) => ws.on('close', resolve).on('error', reject))
  hold(`the stranger is closed with 1007, not ${code}`, code === 1007)
}

const rooms = { 'first.room': first, 'second.room': second }
const now = []
for (const [i, [room, version]] of Object.entries(rooms).entries()) {
  now.push(await meet(versions[version].kit, room, shown[i]))
  await stranger(versions[3 - version], room)
}
process.stdout.write(JSON.stringify(now), () => process.exit())
