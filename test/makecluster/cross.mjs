// Stock clients of both consumers edit one room through the proxy: node cross.mjs URL ROOM.
// Says on stdout which consumers they were connected to and what they have, as JSON.

import { kits, WebSocket } from '../clients/kits.mjs'
import { hold, Stage, until } from '../clients/stage.mjs'

// Reads the cookie with the name of the consumer.
class Named extends WebSocket {
  constructor (...args) {
    super(...args)
    this.on('upgrade', ({ headers }) => { this.consumer = /^yroom-consumer-\w+=([^;]+)/.exec(headers['set-cookie'])?.[1] })
  }
}

const [url, room] = process.argv.slice(2)
const consumers = new Map() // the clients, by the name of their consumer
const stages = []
const connect = async name => {
  const stage = new Stage(await kits[name](), url, room)
  stages.push(stage)
  const client = stage.client(name, { WebSocketPolyfill: Named, params: { tab: 'test' } })
  await client.synced()
  const { consumer } = client.provider.ws
  hold(`${name} is told its consumer`, consumer)
  consumers.set(consumer, [...consumers.get(consumer) ?? [], client])
}
for (const name of ['y-websocket 1', 'y-websocket 2', 'y-websocket 3', '@y/websocket 4']) await connect(name)
// The proxy leaves out a consumer that didn't answer, for ten seconds.
for (let more = 0; consumers.size < 2 && more < 10; more++) {
  await new Promise(resolve => setTimeout(resolve, 2000))
  await connect('y-websocket 3')
}
hold(`the proxy uses both consumers, not ${[...consumers.keys()]}`, consumers.size === 2)

const clients = [...consumers.values()].flat()
for (const client of clients) {
  client.type(`${client.name}. `)
  client.present('user', { name: client.name })
}
await until('all have the same', () => clients.every(one => one.shown === clients[0].shown && clients.every(other => one.shown.includes(`${other.name}. `))))
await until('each sees all the others', () => clients.every(one => clients.every(other => one.sees(other)?.user.name === other.name)))
console.log(JSON.stringify({ consumers: [...consumers.keys()].sort(), text: clients[0].shown }))
for (const stage of stages) stage.end()
process.exit(0)
