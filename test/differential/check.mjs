// Compares what a blocks.Store made of deliveries with what yjs makes of them.

import * as Y from 'yjs'
import { history } from './generate.mjs'
import { Random } from './random.mjs'
import { view, showStateVector } from './view.mjs'

// A history and the ways in which it is delivered. Updates are { v1, v2 }.
export class Case {
  constructor (updates, { seed = 0, pieceSize = 1, blurSurrogates = false }) {
    const random = new Random(seed + 0x5eed)
    this.blurSurrogates = blurSurrogates
    const chunks = pieces(random, updates, pieceSize)
    const incomplete = chunks.filter(() => random.chance(0.85))
    this.chunks = chunks.map(({ v1 }) => v1)
    this.deliveries = [
      { name: 'log order', updates },
      { name: 'shuffled', updates: random.shuffle(chunks) },
      { name: 'partial', updates: random.chance(0.5) ? random.shuffle(incomplete) : incomplete }
    ]
    for (const delivery of this.deliveries) {
      delivery.version = 1
      delivery.expected = this.expect(delivery.updates.map(({ v1 }) => v1))
      delivery.stale = [
        this.chunks.slice(0, random.below(chunks.length + 1)),
        this.chunks.filter(() => random.chance(0.6))
      ].map(known => {
        const doc = integrate(known)
        return { known: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) }
      })
    }
    // One of them comes in V2 too.
    const again = this.deliveries[seed % 3]
    this.deliveries.push({ ...again, name: again.name + ', V2', version: 2 })
    for (const delivery of this.deliveries) {
      delivery.bytes = delivery.updates.map(update => delivery.version === 1 ? update.v1 : update.v2)
    }
  }

  static random (seed, profile) {
    return new Case(history(seed, profile), { seed, blurSurrogates: profile === 'surrogates' })
  }

  static recorded (updates) {
    return new Case(updates.map(v1 => ({ v1, get v2 () { return Y.convertUpdateFormatV1ToV2(v1) } })), { pieceSize: 200 })
  }

  // What yjs makes of updates in V1.
  expect (updates) {
    const inOrder = lazily(() => settled(integrate(updates)))
    const merged = lazily(() => Y.mergeUpdates(updates))
    return {
      inOrder,
      whole: lazily(() => Y.encodeStateAsUpdate(inOrder())),
      merged,
      shown: lazily(() => this.look(inOrder())),
      shownMerged: lazily(() => this.look(integrate([merged()])))
    }
  }

  look (doc) {
    return showStateVector(doc) + '\n' + view(doc, this.blurSurrogates)
  }

  // How a document reads that has everything.
  complete () {
    return this.shown ??= this.look(settled(integrate(this.chunks)))
  }

  completeMerged () {
    return this.shownMerged ??= this.look(integrate([Y.mergeUpdates(this.chunks)]))
  }

  // results[i] is what the store made of deliveries[i]:
  // encoded, stateVector, merged, diffs (one a stale state vector), added (one an update in V1, null where nothing was),
  // otherForm (encoded in the other version), and of merged: mergedStateVector, mergedDiffs (one a stale state vector).
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
    const { version, expected, stale } = delivery
    const fail = (what, detail) => report.failures.push(`${delivery.name}: ${what}: ${detail}`)
    const inV = versions[version]

    // Holds that got reads as the yjs document which integrated the same, or else as yjs reads its own merged updates.
    const agree = (what, got, shown, shownMerged) => {
      const seen = this.look(settled(got))
      if (seen === shown) return
      if (seen === shownMerged()) report.asMerged++
      else fail(what, difference(seen, shown))
    }
    // Holds that got is, byte for byte, what yjs makes.
    const equal = (what, got, wanted) => {
      if (Buffer.compare(got, wanted) !== 0 && Buffer.compare(inV.tidy(got), inV.tidy(wanted)) !== 0) {
        fail(what, `\n  got      ${hex(got)}\n  expected ${hex(wanted)}`)
      }
    }

    const loaded = integrate([result.encoded], inV)
    agree('Encode', loaded, expected.shown(), expected.shownMerged)
    if (showStateVector(result.stateVector) !== showStateVector(loaded)) {
      fail('StateVector', `${showStateVector(result.stateVector)}, but its Encode loads as ${showStateVector(loaded)}`)
    }
    agree('Merge', integrate([result.merged], inV), expected.shown(), expected.shownMerged)
    agree('what Apply added, replayed', integrate(result.added.filter(update => update !== null)), expected.shown(), expected.shownMerged)
    const twice = repeated(result.added)
    if (twice !== null) fail('what Apply added', `has ${twice} twice`)

    stale.forEach((had, i) => {
      const { known, stateVector } = had
      const diff = result.diffs[i]
      had.shown ??= this.look(settled(integrate([known, Y.encodeStateAsUpdate(expected.inOrder(), stateVector)])))
      const completed = integrate([known])
      inV.apply(completed, diff)
      agree(`Diff ${i}`, completed, had.shown, () => this.look(integrate([Y.mergeUpdates([known, expected.merged()])])))
      const surplus = knownAlready(inV.decode(diff).structs, stateVector)
      if (surplus !== null) fail(`Diff ${i}`, `has ${surplus}, which the state vector ${showStateVector(stateVector)} covers`)
      equal(`DiffUpdate ${i}`, result.mergedDiffs[i], inV.diff(result.merged, stateVector))
    })
    const stateVector = inV.stateVector(result.merged)
    if (Buffer.compare(result.mergedStateVector, stateVector) !== 0) {
      fail('StateVectorOf', `${showStateVector(result.mergedStateVector)}, and yjs ${showStateVector(stateVector)}`)
    }
    if (version === 2) equal('Encode in V1 and V2', result.encoded, Y.convertUpdateFormatV1ToV2(result.otherForm))

    // What was held back shows once the rest has come.
    const filled = integrate([result.encoded], inV)
    for (const update of this.chunks) Y.applyUpdate(filled, update)
    agree('Encode, then all updates', filled, this.complete(), () => this.completeMerged())

    this.checkCompacted(delivery, result, fail)

    report.compactBytes += result.compacted.encoded.length
    report.storeBytes += result.encoded.length
    report.yjsBytes += inV.encode(expected.inOrder()).length
  }

  // Holds that nothing reads differently for a store's clean-up, also for who has a part of it, and when the rest has come.
  checkCompacted ({ version, stale }, result, fail) {
    const inV1 = update => version === 1 ? update : Y.convertUpdateFormatV2ToV1(update)
    const encoded = inV1(result.encoded)
    const diffs = result.diffs.map(inV1)
    const compacted = { encoded: inV1(result.compacted.encoded), diffs: result.compacted.diffs.map(inV1), midway: inV1(result.compacted.midway) }
    const same = (what, got, expected) => {
      const [seen, shown] = [got, expected].map(updates => this.look(settled(integrate(updates))))
      if (seen !== shown) fail(what, difference(seen, shown))
    }
    same('Compact', [compacted.encoded], [encoded])
    same('Compact midway', [compacted.midway], [encoded])
    stale.forEach(({ known }, i) => {
      same(`Compact, on a stale document ${i}`, [known, compacted.encoded], [known, encoded])
      same(`Diff ${i} after Compact`, [known, compacted.diffs[i]], [known, diffs[i]])
    })
    same('Compact, then all updates', [compacted.encoded, ...this.chunks], [encoded, ...this.chunks])
  }
}

// yjs in each version of its updates. yjs leaves out of a block's flags, where it rewrites an update without integrating it, what
// other blocks say already: tidy does that.
const versions = {
  1: {
    apply: Y.applyUpdate,
    encode: Y.encodeStateAsUpdate,
    decode: Y.decodeUpdate,
    diff: Y.diffUpdate,
    stateVector: Y.encodeStateVectorFromUpdate,
    tidy: update => Y.convertUpdateFormatV2ToV1(Y.convertUpdateFormatV1ToV2(update))
  },
  2: {
    apply: Y.applyUpdateV2,
    encode: Y.encodeStateAsUpdateV2,
    decode: Y.decodeUpdateV2,
    diff: Y.diffUpdateV2,
    stateVector: Y.encodeStateVectorFromUpdateV2,
    tidy: update => Y.convertUpdateFormatV1ToV2(Y.convertUpdateFormatV2ToV1(update))
  }
}

const hex = bytes => Buffer.from(bytes).toString('hex')

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
    out.push(piece.length === 1 ? piece[0] : join(piece))
    if (random.chance(0.1)) out.push(random.pick(updates))
    i += n
  }
  return out
}

function join (updates) {
  return {
    v1: Y.mergeUpdates(updates.map(({ v1 }) => v1)),
    get v2 () { return Y.mergeUpdatesV2(updates.map(({ v2 }) => v2)) }
  }
}

export function integrate (updates, { apply } = versions[1]) {
  const doc = new Y.Doc({ guid: 'main' })
  for (const update of updates) apply(doc, update)
  return doc
}

// Some orders of arrival leave blocks pending in yjs which nothing is missing for. A document that loads them all at once has them.
export function settled (doc) {
  const { pendingStructs, pendingDs } = doc.store
  return pendingStructs === null && pendingDs === null ? doc : integrate([Y.encodeStateAsUpdate(doc)])
}

// The first block that the state vector covers.
function knownAlready (structs, stateVector) {
  const known = Y.decodeStateVector(stateVector)
  for (const struct of structs) {
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
