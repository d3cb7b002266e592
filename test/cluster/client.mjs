// A stock client that types, or only reads, in a room that all its clients watch.

import { WebSocket } from '../clients/kits.mjs'
import { tokens, width } from './tokens.mjs'

// The state vector of a document, in the order of the ids.
export function clocksOf (Y, doc) {
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b)
}

export class Client {
  constructor (room, author, kit, address, writes) {
    Object.assign(this, { room, author, kit, address, writes })
    this.doc = new kit.Y.Doc()
    this.text = kit.text(this.doc)
    author.client = this
    author.id = this.doc.clientID
    this.steps = 0
    this.doc.on('update', (_, origin) => {
      if (origin !== null && origin === this.provider) this.note()
    })
    this.provider = new kit.WebsocketProvider(address + '/ws', room.name, this.doc, {
      WebSocketPolyfill: WebSocket,
      disableBc: true,
      params: writes ? {} : { readonly: 'yes' }
    })
    this.provider.on('connection-close', event => {
      // An attempt to connect that fails closes a socket that wasn't open.
      if (this.provider.wsconnected && !this.left) room.closed(this, event)
    })
    this.provider.awareness.setLocalState({ name: author.name, step: 0 })
  }

  // Tells the room what this client has received.
  note () {
    for (const [id, clock] of this.clocks()) {
      if (id !== this.doc.clientID) this.room.see(id, clock)
    }
  }

  clocks () { return clocksOf(this.kit.Y, this.doc) }

  get shown () { return this.text.toString() }

  // Inserts a token, or now and then deletes one that this client has inserted before.
  type (random) {
    const typed = this.author.edits
    if (typed.length > 0 && random() < 0.1) {
      const edit = typed[Math.floor(random() * typed.length)]
      const at = tokens(this.shown).indexOf(edit.token)
      if (at < 0) return // it is deleted
      edit.deleted = true
      this.text.delete(at * width, width)
      return
    }
    const places = this.text.length / width
    const at = random() < 0.5 ? places : Math.floor(random() * (places + 1))
    const edit = { token: this.author.next(), at: Date.now(), deleted: false }
    this.text.insert(at * width, edit.token)
    edit.end = new Map(this.clocks()).get(this.doc.clientID)
    typed.push(edit)
  }

  // Moves the cursor, as far as the others can see.
  move () {
    this.provider.awareness.setLocalStateField('step', ++this.steps)
  }

  get synced () { return this.provider.wsconnected && this.provider.synced }

  // Leaves as a page that is closed, or as a machine that loses its power.
  leave (politely) {
    this.left = true
    this.author.client = null
    if (!politely) {
      this.provider.shouldConnect = false
      this.provider.ws?._socket?.destroy()
      this.provider.wsconnected = false // so that it doesn't announce that it leaves
    }
    this.provider.destroy()
    this.doc.destroy()
    this.provider.awareness.destroy()
  }
}
