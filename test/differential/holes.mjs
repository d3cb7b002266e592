// Makes documents with holes, as users of yjs 14 make them when they accept one suggestion of several, and compares what a store makes of them with
// yjs 14 (@y/y) and yjs 13.

import * as Y14 from '@y/y'
import * as Y13 from 'yjs'
import { Random } from './random.mjs'
import { Reach } from './reach.mjs'
import { showStateVector } from './view.mjs'

const words = ['one ', 'two', '😀', 'é', 'longer text ', 'x']

export class Holes {
  constructor (seed) {
    const random = new Random(seed + 0x401e5)
    const base = this.writer(random, 14)
    for (let n = random.between(1, 5); n > 0; n--) base.edit()
    const start = Y13.mergeUpdates(base.updates)
    const writers = Array.from({ length: random.between(2, 4) }, () => this.writer(random, random.chance(0.7) ? 14 : 13, start))
    for (let n = random.between(4, 30); n > 0; n--) {
      const writer = random.pick(writers)
      writer.edit()
      if (random.chance(0.2)) random.pick(writers).read(random.pick(writer.updates)) // another fork builds on a part of this one
    }
    const made = writers.flatMap(({ updates }) => updates)
    const accepted = made.filter(() => random.chance(0.5))
    this.rest = made.filter(update => !accepted.includes(update))
    // What is accepted comes as the update of a transaction, or several at once, with skips for what lies between them. (They could be
    // taken out of a fork by intersectUpdateWithContentIds, but that of @y/y 14.0.0-rc.7 writes other blocks than it was told to.)
    const chosen = accepted.map(update => random.chance(0.4) ? Y13.mergeUpdates([update, ...accepted.filter(() => random.chance(0.2))]) : update)
    this.updates = [start, ...(random.chance(0.6) ? random.shuffle(chosen) : chosen)]
    if (random.chance(0.3)) this.updates.push(this.updates.shift())
    this.stale = [this.updates.filter(() => random.chance(0.5)), this.updates.slice(0, random.below(this.updates.length))]
      .map(known => [14, 13].map(version => ({ version, known, stateVector: versions[version].stateVector(load(version, known)) }))).flat()
  }

  writer (random, version, start) {
    const { Doc, apply } = versions[version]
    const doc = new Doc()
    doc.clientID = 1 + random.below(2 ** 31)
    if (start !== undefined) apply(doc, start)
    const updates = []
    doc.on('update', (update, origin) => { if (origin !== 'read') updates.push(update) })
    const type = version === 14 ? doc.get('t') : doc.getText('t')
    const edit = () => doc.transact(() => {
      for (let n = random.chance(0.2) ? 3 : 1; n > 0; n--) {
        const length = type.length
        const at = random.below(length + 1)
        if (length > 0 && random.chance(0.25)) type.delete(Math.min(at, length - 1), 1)
        else if (random.chance(0.2)) (version === 14 ? type.setAttr(random.pick(['k', 'l']), random.below(100)) : type.setAttribute(random.pick(['k', 'l']), random.below(100)))
        else type.insert(at, random.pick(words))
      }
    })
    return { doc, version, updates, edit, read: update => apply(doc, update, 'read') }
  }

  check ({ stateVector, docVector, text, encoded, held, merged, compacted, compactedVector, diffs, filled }) {
    const failures = []
    const equal = (what, got, wanted) => { if (got !== wanted) failures.push(`${what}: ${got}\n      expected ${wanted}`) }
    const reach = new Reach(this.updates)
    const reached = showStateVector(reach.stateVector())
    equal('the state vector', showStateVector(stateVector), reached)
    equal('the state vector of package yjs', showStateVector(docVector), reached)
    equal('the state vector after Compact', showStateVector(compactedVector), reached)
    let disagrees = 0
    for (const version of [14, 13]) {
      const { encode } = versions[version]
      const oneByOne = load(version, this.updates)
      const whole = load(version, [encode(oneByOne)])
      const shown = look(version, whole)
      // In some orders, yjs leaves blocks pending that it integrates when it loads them again.
      const agrees = look(version, oneByOne) === shown && showVector(version, oneByOne) === showVector(version, whole) && (version === 13 || showVector(14, whole) === reached)
      if (!agrees) disagrees++
      const seen = what => `${what} in yjs ${version}`
      const loaded = load(version, [encoded])
      if (agrees) {
        equal(seen('Encode'), look(version, loaded), shown)
        equal(seen('the state vector of Encode'), showVector(version, loaded), showVector(version, whole))
        equal(seen('Merge'), look(version, load(version, [merged])), shown)
        equal(seen('Compact'), look(version, load(version, [compacted])), shown)
        if (version === 14 && whole.store.pendingStructs === null) equal('the text of package yjs', text, textOf(whole))
      }
      // What rooms send, which is without pending blocks. yjs 14 leaves the blocks of a client pending that come in one update behind one
      // that lacks something, even if they lack nothing.
      if (version === 14) equal('the text in yjs 14 of what rooms send', textOf(load(14, [held])), text)
      this.stale.forEach(({ version: of, known }, i) => {
        if (of !== version) return
        const [got, wanted] = [diffs[i], Y13.mergeUpdates(this.updates)].map(update => {
          const doc = load(version, known)
          versions[version].apply(doc, update)
          return look(version, load(version, [encode(doc)]))
        })
        if (agrees) equal(seen(`Diff ${i}`), got, wanted)
      })
      const complete = look(version, load(version, [Y13.mergeUpdates([...this.updates, ...this.rest])]))
      equal(seen('everything after the holes were filled'), look(version, load(version, [filled])), complete)
    }
    return { failures, holes: reach.hasHoles, disagrees }
  }
}

const versions = {
  13: { Doc: Y13.Doc, apply: Y13.applyUpdate, encode: Y13.encodeStateAsUpdate, stateVector: Y13.encodeStateVector },
  14: { Doc: Y14.Doc, apply: Y14.applyUpdate, encode: Y14.encodeStateAsUpdate, stateVector: Y14.encodeStateVector }
}

function load (version, updates) {
  const { Doc, apply } = versions[version]
  const doc = new Doc()
  for (const update of updates) apply(doc, update)
  return doc
}

// The text without the attributes, which toString of yjs 14 writes like those of an element.
const textOf = doc => doc.get('t').toString().replace(/^< [^>]*?(?:>(.*)<\/>| \/>)$/s, (_, text) => text ?? '')

const showVector = (version, doc) => showStateVector(versions[version].stateVector(doc))

function look (version, doc) {
  if (version === 13) {
    const text = doc.getText('t')
    return JSON.stringify([text.toString(), sorted(text.getAttributes())])
  }
  const type = doc.get('t')
  return JSON.stringify([type.toString(), sorted(Object.fromEntries(['k', 'l'].map(key => [key, type.getAttr(key)])))])
}

const sorted = attributes => Object.entries(attributes).filter(([, value]) => value !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
