// Suggestions of a user of yjs 14 (@y/y): a fork of the document, which the user edits, and of which parts are accepted or rejected.

import * as Y from '@y/y'
import { diffUpdate, encodeStateVector, mergeUpdates } from 'yjs'

export class Suggestion {
  constructor (client) {
    const { random } = client
    this.client = client
    this.open = true
    this.updates = []
    this.fork = Y.cloneDoc(client.doc, { isSuggestionDoc: true })
    this.fork.clientID = 1 + random.below(2 ** 31)
    this.fork.on('update', (update, origin, doc, transaction) => { if (transaction.local) this.updates.push(update) })
    // With a manager, the fork follows the document, as in editors. Without one, it is a document of its own.
    if (random.chance(0.5)) this.manager = Y.createAttributionManagerFromDiff(client.doc, this.fork)
    this.edit()
  }

  edit () { this.client.edit(this.fork) }

  // Takes over a part of another suggestion, or of this one: what is written behind it depends on it.
  buildOn ({ updates }) {
    if (updates.length > 0) Y.applyUpdate(this.fork, this.client.random.pick(updates))
    this.edit()
  }

  accept () {
    const { random } = this.client
    if (random.chance(0.4)) this.acceptTransactions()
    else if (this.manager && random.chance(0.5)) this.acceptAround()
    else this.acceptIds()
  }

  // Accepts what was written in some transactions.
  acceptTransactions () {
    const some = this.updates.filter(() => this.client.random.chance(0.4))
    if (some.length > 0) Y.applyUpdate(this.client.doc, Y.mergeUpdates(some))
  }

  // Accepts some ranges of ids.
  acceptIds () {
    const { random, doc } = this.client
    const update = Y.encodeStateAsUpdate(this.fork)
    const { inserts, deletes } = Y.excludeContentIds(Y.createContentIdsFromUpdate(update), Y.createContentIdsFromDoc(doc))
    const chosen = Y.createContentIds()
    deletes.forEach(({ clock, len }, client) => { if (random.chance(0.5)) chosen.deletes.add(client, clock, len) })
    const parts = [Y.intersectUpdateWithContentIds(update, chosen)]
    inserts.forEach(({ clock, len }, client) => {
      if (random.chance(0.4)) return
      const from = random.chance(0.5) ? 0 : random.below(len)
      parts.push(part(update, client, clock + from, random.chance(0.5) ? len - from : random.between(1, len - from)))
    })
    Y.applyUpdate(doc, mergeUpdates(parts))
  }

  // Accepts what an editor shows as one change around an element.
  acceptAround () {
    const id = this.someId()
    if (id) this.manager.acceptChanges(id)
  }

  reject () {
    const { random } = this.client
    const id = this.manager && this.someId()
    if (id && random.chance(0.6)) this.manager.rejectChanges(id)
    else if (random.chance(0.5)) this.close()
  }

  someId () {
    const ids = []
    this.manager.inserts.forEach(({ clock, len }, client) => ids.push(Y.createID(client, clock + this.client.random.below(len))))
    return ids.length > 0 ? this.client.random.pick(ids) : null
  }

  close () {
    this.open = false
    this.manager?.destroy()
  }

  acceptAll () {
    Y.applyUpdate(this.client.doc, Y.encodeStateAsUpdate(this.fork))
    this.close()
  }
}

// Returns a part of an update. intersectUpdateWithContentIds of @y/y 14.0.0-rc.7 finds only what is at the beginning of a client's blocks.
function part (update, client, clock, len) {
  const range = Y.createContentIds()
  range.inserts.add(client, clock, len)
  const found = Y.intersectUpdateWithContentIds(diffUpdate(update, encodeStateVector(new Map([[client, clock]]))), range)
  if (!Y.equalIdSets(Y.createContentIdsFromUpdate(found).inserts, range.inserts)) throw new Error(`${client}:${clock}+${len} is not what was accepted`)
  return found
}
