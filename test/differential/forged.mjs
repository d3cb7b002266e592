// Delivers forged updates to documents at different times, and compares the documents.

import * as Y from 'yjs'
import { Random } from './random.mjs'
import { showStateVector, view } from './view.mjs'

// freeze is the CPU time in milliseconds after which a client counts as frozen.
const freeze = 1000

// A room as its clients see it: early applies each update, middle begins with the document in the middle of the history, and the
// others with the document at the end.
export class ForgedRoom {
  constructor ({ seed, updates, at, middle, late, compacted, merged }) {
    this.random = new Random(seed)
    this.failures = []
    this.clients = []
    this.join('early', updates)
    this.join('middle', [middle, ...updates.slice(at)])
    this.join('late', [late])
    this.join('after compaction', [compacted])
    this.join('at once', [merged])
    this.compare('forged updates')
  }

  join (name, updates) {
    const doc = new Y.Doc()
    // The ids of honest clients are near those of forged ones, and above and below them.
    doc.clientID = [4, 1004, 5, 1005, 1006][this.clients.length]
    doc.on('update', () => {})
    const client = { name, doc }
    this.clients.push(client)
    this.apply(client, updates)
  }

  apply ({ name, doc }, updates) {
    for (const update of updates) {
      const before = process.cpuUsage()
      try {
        Y.applyUpdate(doc, update)
      } catch (error) {
        this.failures.push(`${name}: throws ${String(error.stack).split('\n').slice(0, 4).join(' ')}`)
      }
      const took = process.cpuUsage(before).user / 1000
      if (took > freeze) this.failures.push(`${name}: an update takes ${took} ms`)
    }
  }

  compare (when) {
    const look = doc => {
      try {
        return showStateVector(doc) + '\n' + view(doc)
      } catch (error) {
        return String(error)
      }
    }
    const [first, ...others] = this.clients.map(({ doc }) => look(doc))
    others.forEach((other, i) => {
      if (other !== first) this.failures.push(`${this.clients[i + 1].name} differs after ${when}:\n    ${other}\n    ${first}`)
    })
  }

  // Lets each client edit the document as its person sees it, and returns the updates.
  edits () {
    return this.clients.flatMap(client => {
      const before = Y.encodeStateVector(client.doc)
      try {
        client.doc.transact(() => {
          for (let n = this.random.between(1, 3); n > 0; n--) this.edit(client.doc)
        })
      } catch (error) {
        this.failures.push(`${client.name}: an edit throws ${String(error.stack).split('\n').slice(0, 4).join(' ')}`)
        return []
      }
      return [Y.encodeStateAsUpdate(client.doc, before)]
    })
  }

  edit (doc) {
    const random = this.random
    const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
    const key = random.pick(['a', 'b'])
    switch (random.below(8)) {
      case 0: case 1: return text.insert(random.between(0, text.length), random.pick(['X', 'YZ']))
      case 2: return array.insert(random.between(0, array.length), random.chance(0.3) ? [new Y.Array()] : [random.below(10), 'v'])
      case 3: return map.set(key, random.chance(0.3) ? new Y.Map() : random.below(10))
      case 4: return map.delete(key)
      case 5: if (text.length > 0) text.delete(random.below(text.length), 1); return
      case 6: if (array.length > 0) array.delete(random.below(array.length), 1); return
      case 7: {
        const inside = [...array.toArray(), map.get(key)].filter(value => value instanceof Y.AbstractType)
        if (inside.length === 0) return text.insert(0, 'S')
        const type = random.pick(inside)
        if (type instanceof Y.Map) return type.set('a', random.below(10))
        if (type instanceof Y.Array) return type.insert(random.between(0, type.length), [1])
        if (type instanceof Y.Text) return type.insert(random.between(0, type.length), 'N')
      }
    }
  }

  // Delivers further updates to all, and then deletes everything.
  finish (updates) {
    for (const client of this.clients) this.apply(client, updates)
    this.compare('edits')
    const [{ doc }] = this.clients
    const before = Y.encodeStateVector(doc)
    doc.transact(() => {
      doc.getText('text').delete(0, doc.getText('text').length)
      doc.getArray('array').delete(0, doc.getArray('array').length)
      doc.getMap('map').clear()
    })
    const clear = Y.encodeStateAsUpdate(doc, before)
    for (const client of this.clients) this.apply(client, [clear])
    this.compare('everything was deleted')
    return this.failures
  }
}
