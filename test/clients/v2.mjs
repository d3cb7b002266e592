// A provider for rooms with update_version 2: y-protocols' messages with V2 updates in them, which no stock client
// speaks. It has as much of the face of y-websocket's as the stage needs.

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebSocket } from 'ws'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'

const sync = { step1: [0, 0], step2: [0, 1], update: [0, 2] }
const presence = [1]

export class WebsocketProvider {
  synced = false
  wsconnected = false

  constructor (server, room, doc, { params = {}, protocols = [], connect = true, awareness = new Awareness(doc), resyncInterval = 0 }) {
    this.doc = doc
    this.awareness = awareness
    this.onClose = () => {}
    this.dial = () => new WebSocket(`${server}/${room}?${new URLSearchParams(params)}`, protocols)
    doc.on('updateV2', (update, origin) => {
      if (origin !== this) this.send(sync.update, update)
    })
    this.awareness.on('update', ({ added, updated, removed }, origin) => {
      // If the server removes this client's own state, the clock has been raised, and the state is sent again.
      if (origin !== this || removed.includes(doc.clientID)) this.send(presence, encodeAwarenessUpdate(this.awareness, [...added, ...updated, ...removed]))
    })
    if (connect) this.connect()
    if (resyncInterval > 0) this.resync = setInterval(() => this.send(sync.step1, Y.encodeStateVector(doc)), resyncInterval)
  }

  // The one event is connection-close.
  on (event, listener) { this.onClose = listener }

  connect () {
    this.shouldConnect = true
    const ws = this.ws = this.dial()
    ws.on('open', () => {
      this.wsconnected = true
      this.send(sync.step1, Y.encodeStateVector(this.doc))
      if (this.awareness.getLocalState()) this.send(presence, encodeAwarenessUpdate(this.awareness, [this.doc.clientID]))
    })
    ws.on('message', data => this.receive(new Uint8Array(data)))
    ws.on('error', () => {}) // close follows
    ws.on('close', () => {
      this.wsconnected = this.synced = false
      const others = [...this.awareness.getStates().keys()].filter(id => id !== this.doc.clientID)
      removeAwarenessStates(this.awareness, others, this)
      this.onClose()
      if (this.shouldConnect) setTimeout(() => this.shouldConnect && this.connect(), 100)
    })
  }

  disconnect () {
    this.shouldConnect = false
    this.ws?.close()
  }

  destroy () {
    clearInterval(this.resync)
    this.disconnect()
  }

  send (kind, data) {
    if (!this.wsconnected) return
    const message = encoding.createEncoder()
    for (const number of kind) encoding.writeVarUint(message, number)
    encoding.writeVarUint8Array(message, data)
    this.ws.send(encoding.toUint8Array(message))
  }

  receive (frame) {
    const message = decoding.createDecoder(frame)
    const kind = [decoding.readVarUint(message)]
    if (kind[0] === 0) kind.push(decoding.readVarUint(message))
    const data = decoding.readVarUint8Array(message)
    if (kind[0] === 1) applyAwarenessUpdate(this.awareness, data, this)
    else if (kind[1] === 0) this.send(sync.step2, Y.encodeStateAsUpdateV2(this.doc, data))
    else Y.applyUpdateV2(this.doc, data, this)
    if (kind[1] === 1) this.synced = true
  }
}
