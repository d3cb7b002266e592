// Compares what a blocks.Store made of deliveries with what yjs makes of them.

import * as Y from 'yjs'
import { generate } from './generate.mjs'
import { Random } from './random.mjs'
import { view, showStateVector } from './view.mjs'

// A history and the ways in which it is delivered.
export class Case {
  constructor (updates, { seed = 0, pieceSize = 1, blurSurrogates = false }) {
    const random = new Random(seed + 0x5eed)
    this.blurSurrogates = blurSurrogates
    const chunks = pieces(random, updates, pieceSize)
    const incomplete = chunks.filter(() => random.chance(0.85))
    this.chunks = chunks
    this.deliveries = [
      { name: 'log order', updates },
      { name: 'shuffled', updates: random.shuffle(chunks) },
      { name: 'partial', updates: random.chance(0.5) ? random.shuffle(incomplete) : incomplete }
    ]
    for (const delivery of this.deliveries) {
      delivery.stale = [
        chunks.slice(0, random.below(chunks.length + 1)),
        chunks.filter(() => random.chance(0.6))
      ].map(known => {
        const doc = integrate(known)
        return { known: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) }
      })
    }
  }

  static random (seed, profile) {
    return new Case(generate(seed, profile), { seed, blurSurrogates: profile === 'surrogates' })
  }

  static recorded (updates) {
    return new Case(updates, { pieceSize: 200 })
  }

  // How a document reads that has everything.
  complete (look) {
    return this.shown ??= look(settled(integrate(this.chunks)))
  }

  completeMerged (look) {
    return () => this.shownMerged ??= look(integrate([Y.mergeUpdates(this.chunks)]))
  }

  // results[i] is what the store made of deliveries[i]:
  // encoded, stateVector, merged, diffs (one a stale state vector), added (one an update, null where nothing was).
  check (results) {
    const report = { failures: [], asMerged: 0, storeBytes: 0, yjsBytes: 0, compactBytes: 0 }
    this.deliveries.forEach((delivery, i) => {
      try {
        this.checkDelivery(delivery, results[i], report)
      } catch (error) {
        report.failures.push(`${delivery.name}: ${error.stack}`)
      }
    })
    return report
  }

  checkDelivery (delivery, result, report) {
    const { updates } = delivery
    const fail = (what, detail) => report.failures.push(`${delivery.name}: ${what}: ${detail}`)
    const look = doc => showStateVector(doc) + '\n' + view(doc, this.blurSurrogates)
    const inOrder = settled(integrate(updates))
    const shown = look(inOrder)
    const merged = lazily(() => Y.mergeUpdates(updates))
    const shownMerged = lazily(() => look(integrate([merged()])))

    // Holds that got reads as the yjs document which integrated the same, or else as yjs reads its own merged updates.
    const agree = (what, got, expected, expectedMerged) => {
      const seen = look(settled(got))
      if (seen === expected) return
      if (seen === expectedMerged()) report.asMerged++
      else fail(what, difference(seen, expected))
    }

    const loaded = integrate([result.encoded])
    agree('Encode', loaded, shown, shownMerged)
    if (showStateVector(result.stateVector) !== showStateVector(loaded)) {
      fail('StateVector', `${showStateVector(result.stateVector)}, but its Encode loads as ${showStateVector(loaded)}`)
    }
    agree('Merge', integrate([result.merged]), shown, shownMerged)
    agree('what Apply added, replayed', integrate(result.added.filter(update => update !== null)), shown, shownMerged)
    const twice = repeated(result.added)
    if (twice !== null) fail('what Apply added', `has ${twice} twice`)

    delivery.stale.forEach(({ known, stateVector }, i) => {
      const diff = result.diffs[i]
      agree(`Diff ${i}`, integrate([known, diff]),
        look(settled(integrate([known, Y.encodeStateAsUpdate(inOrder, stateVector)]))),
        () => look(integrate([Y.mergeUpdates([known, merged()])])))
      const surplus = knownAlready(diff, stateVector)
      if (surplus !== null) fail(`Diff ${i}`, `has ${surplus}, which the state vector ${showStateVector(stateVector)} covers`)
    })

    // What was held back shows once the rest has come.
    agree('Encode, then all updates', integrate([result.encoded, ...this.chunks]), this.complete(look), this.completeMerged(look))

    this.checkCompacted(delivery, result, look, fail)

    report.compactBytes += result.compacted.encoded.length
    report.storeBytes += result.encoded.length
    report.yjsBytes += Y.encodeStateAsUpdate(inOrder).length
  }

  // Holds that nothing reads differently for a store's clean-up, also for who has a part of it, and when the rest has come.
  checkCompacted (delivery, { encoded, diffs, compacted }, look, fail) {
    const same = (what, got, expected) => {
      const [seen, shown] = [got, expected].map(updates => look(settled(integrate(updates))))
      if (seen !== shown) fail(what, difference(seen, shown))
    }
    same('Compact', [compacted.encoded], [encoded])
    same('Compact midway', [compacted.midway], [encoded])
    delivery.stale.forEach(({ known }, i) => {
      same(`Compact, on a stale document ${i}`, [known, compacted.encoded], [known, encoded])
      same(`Diff ${i} after Compact`, [known, compacted.diffs[i]], [known, diffs[i]])
    })
    same('Compact, then all updates', [compacted.encoded, ...this.chunks], [encoded, ...this.chunks])
  }
}

function lazily (make) {
  let made
  return () => made ??= make()
}

// Neighbours merged, and some updates twice.
function pieces (random, updates, size) {
  const out = []
  for (let i = 0; i < updates.length;) {
    const n = size * (random.chance(0.3) ? random.between(2, 5) : 1)
    const piece = updates.slice(i, i + n)
    out.push(piece.length === 1 ? piece[0] : Y.mergeUpdates(piece))
    if (random.chance(0.1)) out.push(random.pick(updates))
    i += n
  }
  return out
}

export function integrate (updates) {
  const doc = new Y.Doc({ guid: 'main' })
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

// Some orders of arrival leave blocks pending in yjs which nothing is missing for. A document that loads them all at once has them.
export function settled (doc) {
  const { pendingStructs, pendingDs } = doc.store
  return pendingStructs === null && pendingDs === null ? doc : integrate([Y.encodeStateAsUpdate(doc)])
}

// The first block in diff that the state vector covers.
function knownAlready (diff, stateVector) {
  const known = Y.decodeStateVector(stateVector)
  for (const struct of Y.decodeUpdate(diff).structs) {
    const { client, clock } = struct.id
    if (!(struct instanceof Y.Skip) && clock < (known.get(client) ?? 0)) return `${client}:${clock}`
  }
  return null
}

// The first block that two of the updates have.
function repeated (updates) {
  const ranges = new Map()
  for (const update of updates) {
    if (update === null) continue
    for (const struct of Y.decodeUpdate(update).structs) {
      if (struct instanceof Y.Skip) continue
      const { client, clock } = struct.id
      if (!ranges.has(client)) ranges.set(client, [])
      ranges.get(client).push([clock, clock + struct.length])
    }
  }
  for (const [client, list] of ranges) {
    list.sort(([a], [b]) => a - b)
    for (let i = 1; i < list.length; i++) {
      if (list[i][0] < list[i - 1][1]) return `${client}:${list[i][0]}`
    }
  }
  return null
}

export function difference (got, expected) {
  let at = 0
  while (at < got.length && got[at] === expected[at]) at++
  const from = Math.max(0, at - 60)
  return `\n  got      …${got.slice(from, at + 120)}…\n  expected …${expected.slice(from, at + 120)}…`
}
