import * as Y from 'yjs'

// Acknowledged tracks which of the user's edits the server has stored, for a Hocuspocus
// provider. The server acknowledges each message with edits once they are durable, and
// the provider counts the messages that are not acknowledged yet.
export class Acknowledged {
  // document holds what the server has sent on this connection or acknowledged: the
  // document as stored by the server. It is replaced at each connection.
  document = new Y.Doc()
  // loaded reports whether the server has ever sent the whole document.
  loaded = false

  #provider
  #waiting = [] // updates made here that are not acknowledged
  #listeners = new Set()

  // provider must not have been connected yet.
  constructor (provider) {
    this.#provider = provider
    provider.on('open', () => this.#begin())
    provider.on('synced', () => {
      this.loaded = true
      this.#changed()
    })
    provider.on('unsyncedChanges', () => this.#changed())
    provider.document.on('update', (update, origin) => {
      if (origin === provider) Y.applyUpdate(this.document, update)
      else this.#waiting.push(update)
      this.#changed()
    })
  }

  onChange (listener) {
    this.#listeners.add(listener)
  }

  // all reports whether the server has every edit that was made here.
  get all () {
    return this.#waiting.length === 0 || !this.#provider.hasUnsyncedChanges
  }

  // A new connection may be to another server, or to one that has lost data. The provider
  // counts from 1 again, for one message with everything that the server lacks. It would
  // also send each edit that was made without a connection, without counting it, and take
  // its acknowledgement for that of the one message. So these edits are not sent.
  #begin () {
    const { document, configuration: { websocketProvider: socket } } = this.#provider
    socket.messageQueue = []
    this.document = new Y.Doc()
    this.#waiting = document.store.clients.size > 0 ? [Y.encodeStateAsUpdate(document)] : []
  }

  #changed () {
    if (this.loaded && !this.#provider.hasUnsyncedChanges) {
      for (const update of this.#waiting) Y.applyUpdate(this.document, update)
      this.#waiting = []
    }
    for (const listener of this.#listeners) listener()
  }
}
