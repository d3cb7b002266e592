// Typists in rooms, by providers of all versions: each version has one socket for all its documents. It reads commands
// from stdin, a JSON object in each line, and answers each with a line of JSON:
//
//   {"do": "join", "rooms": […], "addresses": […]}   a typist of each version joins each room
//   {"do": "type", "on": true}   they begin to type and to move their cursors, or stop
//   {"do": "claim"}       notes which edits the server has acknowledged
//   {"do": "unstored", "room": …, "stored": …}   which of the noted edits are not in the stored updates of a room, merged
//                         and in base64
//   {"do": "pending"}     why the typists of a room don't have the same document and know that it is stored, or ""
//   {"do": "absent"}      why the typists of a room don't see each other, or ""
//   {"do": "faults"}      what the server must not do and has done
//   {"do": "closed"}      how often sockets and documents were closed, by code and reason
//   {"do": "read", "on": false}  the sockets stop to read, or go on
//   {"do": "burst", "edits": N}  each typist makes a number of edits at once
//   {"do": "count"}       how many edits were typed and acknowledged

import { createInterface } from 'node:readline'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { decode, made } from './frames.mjs'
import { kits } from './kits.mjs'
import { clocksOf } from './stage.mjs'
import { tapping } from './tap.mjs'

const versions = await Promise.all(Object.values(kits).map(load => load()))
const typists = []
const faults = []
const closed = {}
let typing = false
let acknowledged = 0

const note = what => { closed[what] = (closed[what] ?? 0) + 1 }

// A connection of a provider of one version, with a document in each room.
class Socket {
  constructor (kit, url) {
    this.kit = kit
    this.typists = new Map() // by address
    this.current = null // the recording of the open connection
    this.provider = kit.socket(kit.module, {
      url,
      WebSocketPolyfill: tapping([], (recording, frame) => this.note(recording, frame)),
      onClose: ({ event }) => note(`socket: ${event.code} ${event.reason}`)
    })
  }

  note (recording, { from, data }) {
    recording.frames.length = 0 // they are not looked at again
    if (recording !== this.current) {
      this.current = recording
      for (const typist of this.typists.values()) typist.sent = []
    }
    const frame = decode(from, data)
    if (frame.type === 'unknown') faults.push(`${this.kit.version}: a frame that can't be read: ${data}`)
    this.typists.get(frame.address)?.note(from, frame)
  }

  read (on) {
    const socket = this.provider.webSocket?._socket
    if (on) socket?.resume()
    else socket?.pause()
  }
}

class Typist {
  constructor (socket, room) {
    Object.assign(this, { socket, room })
    this.doc = new Y.Doc()
    this.text = this.doc.getText('text')
    this.sent = [] // for each update that waits for its ack, the clock up to which it has edits of this typist
    this.counts = null // the clocks of the newest SyncStep1, until SyncStep2
    this.claimed = 0 // the edits that are acknowledged
    this.saved = 0 // the edits of which the provider says that they are
    this.steps = 0
    const { kit, provider } = socket
    socket.typists.set(room, this)
    this.provider = kit.provider(kit.module, {
      websocketProvider: provider,
      name: room,
      document: this.doc,
      awareness: new Awareness(this.doc),
      token: 'writer',
      onAuthenticationFailed: ({ reason }) => faults.push(`${this}: denied: ${reason}`)
    })
    this.provider.on('unsyncedChanges', () => {
      if (this.provider.unsyncedChanges === 0) this.saved = this.clock
      if (this.provider.unsyncedChanges < 0) faults.push(`${this}: ${this.provider.unsyncedChanges} unsynced changes`)
    })
    typists.push(this)
  }

  toString () { return `${this.room}, provider ${this.socket.kit.version}` }

  get id () { return this.doc.clientID }

  get clock () { return Y.getState(this.doc.store, this.id) }

  note (from, frame) {
    if (from === 'client' && frame.type === 'token') this.sent = []
    if (from === 'client' && frame.type === 'step1') this.counts = frame.clocks
    if (from === 'client' && frame.type === 'step2') this.counts = null
    // What it has made before SyncStep1, it doesn't count, and the server doesn't acknowledge.
    if (from === 'client' && frame.type === 'update' && this.counts && made(this.counts, frame.update)) return
    if (from === 'client' && (frame.type === 'update' || frame.type === 'step2')) {
      this.sent.push(Y.parseUpdateMeta(frame.update).to.get(this.id) ?? 0)
    }
    if (from === 'server' && frame.type === 'close') note(`document: ${frame.text}`)
    if (from !== 'server' || frame.type !== 'status') return
    if (this.sent.length === 0) faults.push(`${this}: an ack for nothing`)
    if (frame.applied !== 1) faults.push(`${this}: an edit was refused`)
    this.claimed = Math.max(this.claimed, this.sent.shift() ?? 0)
    acknowledged++
  }

  type () {
    const at = Math.floor(Math.random() * (this.text.length + 1))
    // If a provider deletes something without a connection, it takes an ack too many for one of a later edit.
    const connected = this.socket.provider.webSocket?.readyState === 1
    if (connected && this.text.length > 0 && Math.random() < 0.1) this.text.delete(Math.min(at, this.text.length - 1), 1)
    else this.text.insert(at, String.fromCharCode(97 + this.steps++ % 26))
    if (this.provider.unsyncedChanges <= 0) faults.push(`${this}: an edit that doesn't count`)
  }

  present () { this.provider.awareness.setLocalStateField('steps', this.steps) }

  // Whether the provider knows that everything is stored.
  get settled () { return this.sent.length === 0 && this.provider.unsyncedChanges === 0 }
}

const sockets = []

const commands = {
  join ({ rooms, addresses }) {
    versions.forEach((kit, i) => {
      const socket = new Socket(kit, addresses[i % addresses.length])
      sockets.push(socket)
      for (const room of rooms) new Typist(socket, room)
    })
    setInterval(() => {
      if (!typing) return
      for (const typist of typists) {
        typist.type()
        if (Math.random() < 0.1) typist.present()
      }
    }, 20)
  },

  type ({ on }) { typing = on },

  claim () { for (const typist of typists) typist.noted = { claimed: typist.claimed, saved: typist.saved } },

  // An edit may be stored before those that it depends on. What is saved is stored with all that is before it.
  unstored ({ room, stored }) {
    const { structs } = Y.decodeUpdate(Buffer.from(stored, 'base64'))
    return typists.filter(typist => typist.room === room).flatMap(typist => {
      const runs = structs.filter(({ id, constructor }) => id.client === typist.id && constructor.name !== 'Skip')
      const { claimed, saved } = typist.noted
      const held = claimed === 0 || runs.some(({ id, length }) => id.clock < claimed && claimed <= id.clock + length)
      const all = runs.reduce((end, { id, length }) => id.clock === end ? end + length : end, 0)
      return [
        held ? '' : `${typist}: edit ${claimed} of client ${typist.id} is acknowledged, and is not stored`,
        all >= saved ? '' : `${typist}: the provider has said that ${saved} edits are saved, and ${all} are stored`
      ].filter(fault => fault)
    })
  },

  pending () {
    for (const typist of typists) {
      const first = typists.find(({ room }) => room === typist.room)
      if (!typist.provider.synced) return `${typist}: not synced`
      if (!typist.settled) return `${typist}: ${typist.provider.unsyncedChanges} unsynced changes, ${typist.sent.length} without an ack`
      if (clocksOf(typist.doc) !== clocksOf(first.doc)) return `${typist} and ${first} have different documents`
      if (typist.text.toString() !== first.text.toString()) return `${typist} and ${first} show different texts`
    }
    return ''
  },

  absent () {
    for (const typist of typists) {
      for (const other of typists.filter(({ room }) => room === typist.room)) {
        const steps = typist.provider.awareness.getStates().get(other.id)?.steps
        if (steps !== other.steps) return `${typist} sees ${other} at ${steps}, not ${other.steps}`
      }
    }
    return ''
  },

  move () { for (const typist of typists) typist.present() },

  faults () { return faults },

  closed () { return closed },

  read ({ on }) { for (const socket of sockets) socket.read(on) },

  burst ({ edits }) {
    for (const typist of typists) for (let i = 0; i < edits; i++) typist.type()
  },

  count () { return { typists: typists.length, typed: typists.reduce((sum, { steps }) => sum + steps, 0), acknowledged } }
}

for await (const line of createInterface(process.stdin)) {
  const command = JSON.parse(line)
  process.stdout.write(JSON.stringify(commands[command.do](command) ?? null) + '\n')
}
process.exit()
