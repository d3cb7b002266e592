// What the scenarios are played on: clients of one kit in rooms of one server.

import * as encoding from 'lib0/encoding'
import { WebSocket } from './kits.mjs'

const polling = 10 // milliseconds

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

// Waits for a condition, which may be asynchronous.
export async function until (what, condition, seconds = 60) {
  const deadline = Date.now() + 1000 * seconds
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(polling)
  }
}

// Connects to the room as a reader that sends any awareness.
export async function impostor ({ url, room }) {
  const ws = new WebSocket(`${url}/ws/${room}?readonly`)
  let answers = 0
  ws.on('message', data => { if (data[0] === 0 && data[1] === 1) answers++ })
  await new Promise((resolve, reject) => ws.on('open', resolve).on('error', reject))
  return {
    present (id, clock, state) {
      const update = encoding.createEncoder()
      for (const number of [1, id, clock]) encoding.writeVarUint(update, number)
      encoding.writeVarString(update, state)
      const message = encoding.createEncoder()
      encoding.writeVarUint(message, 1)
      encoding.writeVarUint8Array(message, encoding.toUint8Array(update))
      ws.send(encoding.toUint8Array(message))
    },
    // Waits until the room has handled what was sent: it answers in order.
    async settled () {
      const before = answers
      ws.send(new Uint8Array([0, 0, 1, 0])) // SyncStep1
      await until('the room answers the impostor', () => answers > before)
      await sleep(100)
    },
    close: () => ws.close()
  }
}

export function hold (what, condition) {
  if (!condition) throw new Error(`does not hold: ${what}`)
}

// One scenario's stage.
export class Stage {
  constructor (kit, url, name) {
    this.kit = kit
    this.url = url
    this.room = name
    this.clients = []
  }

  // A client with a name, which connects unless told otherwise.
  client (name, { room = this.room, doc = new this.kit.Y.Doc(), ...options } = {}) {
    const client = new Client(this.kit, name, this.url, room, doc, options)
    this.clients.push(client)
    return client
  }

  // Clients that have the server's document.
  async synced (...names) {
    const clients = names.map(name => this.client(name))
    for (const client of clients) await client.synced()
    return clients
  }

  async ask (path) {
    return (await fetch(this.url.replace('ws:', 'http:') + path)).json()
  }

  // Waits until all have the same document, and something in it.
  async converge (...clients) {
    const show = client => this.kit.show(client.doc)
    await until(`${clients.map(c => c.name)} have the same document`, () =>
      clients.every(client => client.clocks() === clients[0].clocks() && show(client) === show(clients[0])))
    hold('the document is not empty', clients[0].clocks() !== '[]')
  }

  end () {
    for (const client of this.clients) client.destroy()
  }
}

class Client {
  constructor (kit, name, url, room, doc, options) {
    this.kit = kit
    this.name = name
    this.doc = doc
    this.closes = 0
    this.provider = new kit.WebsocketProvider(url + '/ws', room, doc, { WebSocketPolyfill: WebSocket, disableBc: true, ...options })
    this.provider.on('connection-close', () => this.closes++)
  }

  get awareness () { return this.provider.awareness }

  get socket () { return this.provider.ws._socket }

  get shown () { return this.kit.text(this.doc).toString() }

  type (text) {
    const shared = this.kit.text(this.doc)
    shared.insert(shared.length, text)
  }

  async synced () {
    await until(`${this.name} is synced`, () => this.provider.synced)
  }

  // Leaves the room for a while, with a word.
  async disconnect () {
    this.provider.disconnect()
    await until(`${this.name} is disconnected`, () => !this.provider.wsconnected)
  }

  // Breaks the connection without a close frame, and doesn't reconnect.
  async lose () {
    this.provider.shouldConnect = false
    this.socket.destroy()
    await until(`${this.name} has lost the connection`, () => !this.provider.wsconnected)
  }

  // Cuts the connection without a sign: neither end learns of it, and nothing arrives any more.
  sever () {
    this.socket.pause()
    this.provider.ws.send = () => {}
    this.provider.shouldConnect = false
  }

  async reconnect () {
    this.provider.connect()
    await this.synced()
  }

  present (field, value) {
    this.awareness.setLocalStateField(field, value)
  }

  // What this client sees of another's presence.
  sees (other) {
    return this.awareness.getStates().get(other.doc.clientID)
  }

  // The state vector, in an order that doesn't depend on how it came about.
  clocks () {
    const { decodeStateVector, encodeStateVector } = this.kit.Y
    return JSON.stringify([...decodeStateVector(encodeStateVector(this.doc))].sort(([a], [b]) => a - b))
  }

  destroy () {
    this.provider.destroy()
    this.doc.destroy()
    this.awareness.destroy()
  }
}
