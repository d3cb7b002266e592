// A room: its clients, everyone who has written in it, and what others have seen of that.

import * as Y from 'yjs'
import { Client, clocksOf } from './client.mjs'
import { token, tokens, width } from './tokens.mjs'

let authors = 0

class Author {
  constructor () {
    this.number = authors++
    this.name = `client ${this.number}`
    this.edits = []
    this.client = null // once it has left
  }

  next () { return token(this.number, this.edits.length) }
}

export class Room {
  constructor (name, report) {
    Object.assign(this, { name, report })
    this.clients = []
    this.authors = []
    this.seen = new Map() // how many elements of each Yjs client others have received
  }

  join (kit, address, writes) {
    const author = new Author()
    this.authors.push(author)
    this.clients.push(new Client(this, author, kit, address, writes))
  }

  // A moment in the life of the clients: some type, some move their cursors. Those that only read send nothing.
  live (random) {
    for (const client of this.clients) {
      if (client.writes && random() < 0.5) client.type(random)
      if (client.writes && random() < 0.1) client.move()
    }
  }

  // Some clients leave, and others come in their place.
  replace (some, random) {
    for (const client of some) {
      this.clients.splice(this.clients.indexOf(client), 1)
      client.leave(random() < 0.5)
    }
    for (const { kit, address, writes } of some) this.join(kit, address, writes)
  }

  see (id, clock) {
    if (clock > (this.seen.get(id) ?? 0)) this.seen.set(id, clock)
  }

  closed (client, event) {
    this.report({ at: Date.now(), room: this.name, address: client.address, client: client.author.name, code: event?.code ?? 0, reason: event?.reason ?? '' })
  }

  // Returns why the clients don't have the same document yet, or "".
  pending () {
    const [first] = this.clients
    for (const client of this.clients) {
      if (!client.synced) return `${this.name}: ${client.author.name} is not synced`
      if (JSON.stringify(client.clocks()) !== JSON.stringify(first.clocks()) || client.shown !== first.shown) {
        return `${this.name}: ${client.author.name} at ${client.address} and ${first.author.name} at ${first.address} have different documents: [${ahead(client, first)}] and [${ahead(first, client)}]`
      }
    }
    return ''
  }

  // Returns the age, in milliseconds, of the oldest edit of a connected author that a connected client lacks, and whose it is.
  lag () {
    let lag = { age: 0, lacks: '' }
    for (const client of this.clients.filter(({ synced }) => synced)) {
      const clocks = new Map(client.clocks())
      for (const author of this.authors) {
        if (!author.client?.synced) continue
        for (const edit of author.edits.toReversed()) {
          if (edit.end <= (clocks.get(author.id) ?? 0)) break
          const age = Date.now() - edit.at
          if (age > lag.age) {
            lag = { age, lacks: `${this.name}: ${client.author.name} at ${client.address} lacks an edit of ${author.name} at ${author.client.address}` }
          }
        }
      }
    }
    return lag
  }

  // Returns why the clients don't see each other's states yet, or "".
  absent () {
    for (const client of this.clients) {
      const why = present(client, this.clients)
      if (why) return `${this.name}: ${why}`
    }
    return ''
  }

  // Returns what is wrong with the stored document, an update.
  compare (stored) {
    const faults = []
    const doc = new Y.Doc()
    Y.applyUpdate(doc, stored)
    const shown = doc.getText('text').toString()
    const clocks = JSON.stringify(clocksOf(Y, doc))
    for (const client of this.clients) {
      if (client.shown !== shown || JSON.stringify(client.clocks()) !== clocks) {
        faults.push(`${client.author.name} has another document than the store`)
      }
    }
    if (shown.length % width !== 0) faults.push('a token was divided')
    const found = new Map()
    for (const token of tokens(shown)) found.set(token, (found.get(token) ?? 0) + 1)
    for (const author of this.authors) {
      const seen = this.seen.get(author.id) ?? 0
      for (const { token, end, deleted } of author.edits) {
        const times = found.get(token) ?? 0
        found.delete(token)
        if (times > 1) faults.push(`the edit ${token} of ${author.name} is there ${times} times`)
        if (author.client && deleted && times > 0) faults.push(`${author.name} has deleted ${token}, which is there`)
        if (deleted || times > 0) continue
        if (author.client) faults.push(`the edit ${token} of ${author.name}, a client in the room, is lost`)
        else if (end <= seen) faults.push(`the edit ${token} of ${author.name}, which another client had received, is lost`)
      }
    }
    for (const token of found.keys()) faults.push(`no client has written ${token}`)
    doc.destroy()
    return faults
  }
}

// Returns the clocks of one client that differ from those of another.
function ahead (one, other) {
  const clocks = new Map(other.clocks())
  return one.clocks().filter(([id, clock]) => clocks.get(id) !== clock).map(pair => pair.join(':'))
}

// Returns why a client doesn't see the states of exactly these clients, or "".
function present (viewer, clients) {
  const missing = new Map(clients.map(client => [client.doc.clientID, client]))
  for (const [id, state] of viewer.provider.awareness.getStates()) {
    const client = missing.get(id)
    if (!client) return `${viewer.author.name} sees a client that has left: ${JSON.stringify(state)}`
    if (state.step !== client.steps) return `${viewer.author.name} sees ${client.author.name} at step ${state.step}, not ${client.steps}`
    missing.delete(id)
  }
  for (const client of missing.values()) return `${viewer.author.name} does not see ${client.author.name}`
  return ''
}
