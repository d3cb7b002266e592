// What a scenario is played on: providers of one version, and the rooms of one server.

import * as Y from 'yjs'
import { Awareness } from 'y-protocols/awareness'
import { hold, sleep, until } from '../clients/stage.mjs'
import { decode, frames } from './frames.mjs'
import { tapping } from './tap.mjs'

export { hold, sleep, until }

export class Stage {
  // A server has an address url for providers, or several of which each socket takes the next, control for questions
  // of the test and, if it is yroom, plain for y-websocket. It may have tokens of its own for the words "writer" and
  // "reader". denial is its reason to refuse any other.
  constructor (kit, server, room) {
    Object.assign(this, { kit, server, room })
    this.sockets = new Map() // the recordings of each socket, by its name
    this.open = []
    this.people = 0
  }

  url () {
    const urls = [this.server.url].flat()
    return urls[this.open.length % urls.length]
  }

  token (word) { return (this.server.tokens ?? {})[word] ?? word }

  // Opens a socket for providers. It has a name in the recording.
  socket (name, options = {}) {
    const socket = this.kit.socket(this.kit.module, { url: this.url(), WebSocketPolyfill: this.tap(name), ...options })
    socket.recordings = this.sockets.get(name)
    this.open.push(socket)
    return socket
  }

  // Opens a socket without a provider.
  raw (name) { return new Raw(this, this.tap(name)) }

  tap (name) {
    if (!this.sockets.has(name)) this.sockets.set(name, [])
    return tapping(this.sockets.get(name))
  }

  // A person with a document, on a socket of its own unless one is given.
  client (name, { socket = this.socket(name), ...options } = {}) {
    return new Client(this, name, socket, { room: this.room, id: 1000 + this.people++, ...options })
  }

  async synced (...names) {
    const clients = names.map(name => this.client(name))
    for (const client of clients) await client.synced()
    return clients
  }

  // Asks the server what it has stored of a room.
  async stored (room = this.room) {
    const response = await fetch(`${this.server.control}/stored?room=${encodeURIComponent(room)}`)
    hold(`the server says what it has stored, and not ${response.status}`, response.ok)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
    return doc
  }

  // Asks the server to do something with the store of the room.
  async ask (what) {
    const response = await fetch(`${this.server.control}${what}?room=${encodeURIComponent(this.room)}`)
    hold(`the server does ${what}`, response.ok)
  }

  async converge (...clients) {
    await until(`${clients.map(c => c.name)} have the same document`, () =>
      clients.every(client => client.clocks() !== '[]' && client.clocks() === clients[0].clocks() && client.shown === clients[0].shown), 20)
  }

  // Waits until nothing crosses the sockets any more.
  async quiet () {
    const count = () => [...this.sockets.values()].flat().reduce((sum, { frames }) => sum + frames.length, 0)
    for (let before = -1; before !== count();) {
      before = count()
      await sleep(1000)
    }
  }

  end () {
    for (const socket of this.open) socket.destroy()
  }
}

class Client {
  constructor (stage, name, socket, { room, id, token = 'writer', ...options }) {
    Object.assign(this, { stage, name, socket, room, kit: stage.kit })
    this.doc = new Y.Doc()
    this.doc.clientID = id
    this.heard = [] // the texts of stateless messages
    this.scopes = []
    this.denials = []
    this.closes = []
    this.samples = []
    this.question = null
    this.answer = Promise.resolve()
    this.recounts = false // the provider has counted all its edits as one change, as it does when it connects
    this.provider = this.kit.provider(this.kit.module, {
      websocketProvider: socket,
      name: room,
      document: this.doc,
      awareness: new Awareness(this.doc),
      token: typeof token === 'string' ? stage.token(token) : token,
      onStateless: ({ payload }) => this.heard.push(payload),
      onAuthenticated: () => this.scopes.push(this.provider.authorizedScope),
      onAuthenticationFailed: ({ reason }) => this.denials.push(reason),
      onClose: ({ event }) => this.closes.push(event.reason),
      ...options
    })
  }

  // What the client or the server has sent of a type for this document.
  frames (from, type) {
    const address = this.provider.effectiveName ?? this.room
    return this.socket.recordings.flatMap(({ frames }) => frames)
      .filter(frame => frame.from === from).map(({ data }) => decode(from, data))
      .filter(frame => frame.address === address && frame.type === type)
  }

  // Waits until the client or the server has sent a number of frames of a type.
  async has (from, type, count) {
    await until(`the ${from} sends ${type} to ${this.name}`, () => this.frames(from, type).length >= count, 20)
  }

  // Begins to take samples of unsyncedChanges.
  watch () { this.provider.on('unsyncedChanges', () => this.sample()) }

  get awareness () { return this.provider.awareness }

  get text () { return this.doc.getText('text') }

  get shown () { return this.text.toString() }

  get unsynced () { return this.provider.unsyncedChanges }

  // Notes unsyncedChanges, and compares it with what the server says later that it has stored. What isn't stored
  // then was not stored now.
  sample () {
    const { unsynced } = this
    const typed = this.clock
    this.samples.push(this.storedLater().then(doc => {
      const missing = Math.max(0, typed - Y.getState(doc.store, this.doc.clientID))
      const enough = this.recounts ? unsynced > 0 || missing === 0 : unsynced >= missing
      return enough ? '' : `${this.name} has ${unsynced} unsynced changes, and the server lacks ${missing}`
    }))
  }

  // Asks the server what it has stored, once it has answered the question before. The samples that are taken until
  // then share the answer.
  storedLater () {
    this.question ??= this.answer.then(() => {
      this.question = null
      return (this.answer = this.stage.stored(this.room))
    })
    return this.question
  }

  // Checks all samples: each character is an edit.
  async honest () {
    const lies = (await Promise.all(this.samples)).filter(why => why)
    hold(`unsyncedChanges is never below the truth: ${lies}`, lies.length === 0)
  }

  get clock () { return Y.getState(this.doc.store, this.doc.clientID) }

  type (text) { this.text.insert(this.text.length, text) }

  async synced () {
    await until(`${this.name} is synced`, () => this.provider.synced && this.scopes.length > 0, 20)
    await this.settled()
  }

  // Waits until everything is stored, as the provider knows.
  async settled () {
    await until(`${this.name} has no unsynced changes, but ${this.unsynced}`, () => !this.provider.hasUnsyncedChanges, 20)
  }

  present (value) { this.awareness.setLocalStateField('at', value) }

  // Waits until this person sees another at a place, or doesn't see it at all.
  async sees (other, at) {
    await until(`${this.name} sees ${other.name} at ${at}`, () => this.awareness.getStates().get(other.doc.clientID)?.at === at, 20)
  }

  attach () { this.kit.attach(this.provider) }

  detach () { this.kit.detach(this.provider) }

  destroy () { this.provider.destroy() }

  async disconnect () {
    this.socket.disconnect()
    await until(`${this.name} is disconnected`, () => this.socket.status === 'disconnected', 20)
  }

  connect () { this.socket.connect() }

  // Breaks the connection without a close frame. The provider comes back by itself.
  break () { this.socket.webSocket._socket.destroy() }

  clocks () { return clocksOf(this.doc) }
}

export function clocksOf (doc) {
  return JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b))
}

// Opens a socket and, on it, the document of the stage.
export async function opened (stage, name = 'raw') {
  const raw = await stage.raw(name).opened()
  raw.send(frames.token(stage.room, 'writer', '4.8.0'))
  await raw.receive({ address: stage.room, type: 'authenticated' })
  return raw
}

// A socket of which the test sends each frame itself.
class Raw {
  constructor (stage, Socket) {
    this.ws = new Socket(stage.url())
    this.ws.binaryType = 'arraybuffer'
    this.ws.on('error', () => {})
    stage.open.push({ destroy: () => this.ws.terminate() })
  }

  async opened () {
    await until('the socket is open', () => this.ws.readyState === 1, 20)
    return this
  }

  send (...frames) { for (const frame of frames) this.ws.send(frame) }

  get closed () { return this.ws.recording.closed }

  // What the server has sent so far.
  get received () {
    return this.ws.recording.frames.filter(({ from }) => from === 'server').map(({ data }) => decode('server', data))
  }

  // Waits for a frame with these members, and returns it.
  async receive (members) {
    const matches = frame => Object.entries(members).every(([key, value]) => frame[key] === value)
    await until(`the server sends ${JSON.stringify(members)}`, () => this.received.some(matches), 5)
    return this.received.find(matches)
  }
}
