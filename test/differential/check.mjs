// Compares a blocks.Store with yjs after the same deliveries.

import * as Y from 'yjs'
import { history } from './generate.mjs'
import { Random } from './random.mjs'
import { Reach } from './reach.mjs'
import { view, showStateVector } from './view.mjs'

// A history and its deliveries. Updates are { v1, v2 }.
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
    // One of them is also delivered in V2.
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

  // Returns the documents and encodings of yjs after updates in V1.
  expect (updates) {
    const inOrder = lazily(() => settled(integrate(updates)))
    const merged = lazily(() => Y.mergeUpdates(updates))
    const reach = lazily(() => new Reach(updates))
    return {
      inOrder,
      reach,
      // What is behind gaps is shown, too.
      complete: lazily(() => reach().hasHoles ? integrate([reach().withoutGaps()]) : inOrder()),
      whole: lazily(() => Y.encodeStateAsUpdate(inOrder())),
      merged,
      shown: lazily(() => this.look(inOrder())),
      shownMerged: lazily(() => this.look(integrate([merged()])))
    }
  }

  look (doc) {
    return showStateVector(doc) + '\n' + view(doc, this.blurSurrogates)
  }

  // Returns the contents of a document with all updates.
  complete () {
    return this.shown ??= this.look(settled(integrate(this.chunks)))
  }

  completeMerged () {
    return this.shownMerged ??= this.look(integrate([Y.mergeUpdates(this.chunks)]))
  }

  // results[i] are the results of the store after deliveries[i]: encoded, stateVector, merged, diffs (for each stale state vector),
  // added (for each update what Apply returned, in V1 or null), otherForm (encoded in V1), and for merged: mergedStateVector and
  // mergedDiffs (for each stale state vector).
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

    // Checks that got has the same contents as the yjs document that applied the same updates, or as the merged updates of yjs.
    const agree = (what, got, shown, shownMerged) => {
      const seen = this.look(settled(got))
      if (seen === shown) return
      if (seen === shownMerged()) report.asMerged++
      else fail(what, difference(seen, shown))
    }
    // Checks that got is equal to the bytes that yjs makes.
    const equal = (what, got, wanted) => {
      if (Buffer.compare(got, wanted) !== 0 && Buffer.compare(inV.tidy(got), inV.tidy(wanted)) !== 0) {
        fail(what, `\n  got      ${hex(got)}\n  expected ${hex(wanted)}`)
      }
    }

    const loaded = integrate([result.encoded], inV)
    agree('Encode', loaded, expected.shown(), expected.shownMerged)
    const reached = expected.reach().stateVector()
    if (showStateVector(result.stateVector) !== showStateVector(reached)) {
      fail('StateVector', `${showStateVector(result.stateVector)}, expected ${showStateVector(reached)}`)
    }
    agree('Merge', integrate([result.merged], inV), expected.shown(), expected.shownMerged)
    agree('the results of Apply', integrate(result.added.filter(update => update !== null)), expected.shown(), expected.shownMerged)
    const twice = repeated(result.added)
    if (twice !== null) fail('the results of Apply', `contain ${twice} twice`)

    stale.forEach((had, i) => {
      const { known, stateVector } = had
      const diff = result.diffs[i]
      had.shown ??= this.look(settled(integrate([known, Y.encodeStateAsUpdate(expected.inOrder(), stateVector)])))
      const completed = integrate([known])
      inV.apply(completed, diff)
      agree(`Diff ${i}`, completed, had.shown, () => this.look(integrate([Y.mergeUpdates([known, expected.merged()])])))
      const surplus = knownAlready(inV.decode(diff).structs, stateVector)
      if (surplus !== null) fail(`Diff ${i}`, `contains ${surplus}, which the state vector ${showStateVector(stateVector)} covers`)
      equal(`DiffUpdate ${i}`, result.mergedDiffs[i], inV.diff(result.merged, stateVector))
    })
    const stateVector = inV.stateVector(result.merged)
    if (Buffer.compare(result.mergedStateVector, stateVector) !== 0) {
      fail('StateVectorOf', `${showStateVector(result.mergedStateVector)}, in yjs ${showStateVector(stateVector)}`)
    }
    if (version === 2) equal('Encode in V1 and V2', result.encoded, Y.convertUpdateFormatV1ToV2(result.otherForm))

    // Pending blocks are integrated when the missing updates arrive.
    const filled = integrate([result.encoded], inV)
    for (const update of this.chunks) Y.applyUpdate(filled, update)
    agree('Encode, then all updates', filled, this.complete(), () => this.completeMerged())

    this.checkCompacted(delivery, result, fail)

    report.compactBytes += result.compacted.encoded.length
    report.storeBytes += result.encoded.length
    report.yjsBytes += inV.encode(expected.inOrder()).length
  }

  // Checks that Compact does not change the contents: alone, for documents that have a part of it, and when all updates arrive.
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

// The functions of yjs for each version of updates. When yjs rewrites an update without integrating it, it drops flags of blocks that
// are redundant. tidy does the same.
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

// Merges some neighbours and repeats some updates.
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

// In some orders of arrival, yjs leaves blocks pending although all their dependencies are there. A document that loads them all at
// once integrates them.
export function settled (doc) {
  const { pendingStructs, pendingDs } = doc.store
  return pendingStructs === null && pendingDs === null ? doc : integrate([Y.encodeStateAsUpdate(doc)])
}

// Returns the first block that the state vector covers, or null.
function knownAlready (structs, stateVector) {
  const known = Y.decodeStateVector(stateVector)
  for (const struct of structs) {
    const { client, clock } = struct.id
    if (!(struct instanceof Y.Skip) && clock < (known.get(client) ?? 0)) return `${client}:${clock}`
  }
  return null
}

// Returns the first block that two of the updates have, or null.
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
