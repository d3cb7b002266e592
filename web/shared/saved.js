import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import { messageSync } from 'y-websocket'

// Saved tracks which of the user's edits the server has stored. The server sends
// each edit back to its author once it is durable, and not before. So Saved keeps
// what came from the server in a document of its own and compares.
export class Saved {
  // document holds what the server has sent on this connection: the document as
  // stored by the server. It is replaced at each connection.
  document = new Y.Doc()
  // loaded reports whether the server has ever sent the whole document.
  loaded = false

  #there = nothing()
  #wanted = nothing()
  #doc
  #listeners = new Set()

  // provider must not have been connected yet.
  constructor (provider) {
    this.#doc = provider.doc
    const handle = provider.messageHandlers[messageSync]
    provider.messageHandlers[messageSync] = (encoder, decoder, ...rest) => {
      const message = decoding.clone(decoder)
      handle(encoder, decoder, ...rest)
      const type = decoding.readVarUint(message)
      if (type !== sync.messageYjsSyncStep1) {
        this.loaded ||= type === sync.messageYjsSyncStep2
        this.#receive(decoding.readVarUint8Array(message))
      }
    }
    provider.on('status', ({ status }) => {
      if (status === 'connected') this.#begin(provider)
    })
    this.#doc.on('update', (update, origin) => {
      if (origin !== provider) this.#want(update)
    })
  }

  onChange (listener) {
    this.#listeners.add(listener)
  }

  // all reports whether the server has every edit that was made here.
  get all () {
    for (const [client, clock] of this.#wanted.clocks) {
      if ((this.#there.clocks.get(client) ?? 0) < clock) return false
    }
    const both = Y.mergeDeleteSets([this.#there.deleted, this.#wanted.deleted])
    return Y.equalDeleteSets(both, this.#there.deleted)
  }

  // A new connection may be to another server, or to one that has lost data. So it
  // requests the whole document, and expects everything in the local one in it.
  #begin (provider) {
    this.document = new Y.Doc()
    this.#there = nothing()
    const { sv, ds } = Y.snapshot(this.#doc)
    this.#wanted = { clocks: sv, deleted: ds }
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, messageSync)
    sync.writeSyncStep1(encoder, this.document)
    provider.ws.send(encoding.toUint8Array(encoder))
    this.#changed()
  }

  #receive (update) {
    Y.applyUpdate(this.document, update)
    this.#there.clocks = Y.decodeStateVector(Y.encodeStateVector(this.document))
    // A document deletes redundant formats by itself, so its delete set may have
    // more in it than the server has sent.
    this.#there.deleted = Y.mergeDeleteSets([this.#there.deleted, Y.decodeUpdate(update).ds])
    if (this.all) this.#wanted = nothing()
    this.#changed()
  }

  #want (update) {
    for (const [client, clock] of Y.parseUpdateMeta(update).to) this.#wanted.clocks.set(client, clock)
    this.#wanted.deleted = Y.mergeDeleteSets([this.#wanted.deleted, Y.decodeUpdate(update).ds])
    this.#changed()
  }

  #changed () {
    for (const listener of this.#listeners) listener()
  }
}

const nothing = () => ({ clocks: new Map(), deleted: Y.createDeleteSet() })
