// What yjs says to mutated updates that a blocks.Store took for good.

import * as Y from 'yjs'
import { difference, integrate, settled } from './check.mjs'
import { showStateVector, view } from './view.mjs'

// base is an update; each mutant has the mutated update that was applied on top, and how the store encodes itself afterwards, and
// once more when it is compacted. Mutants are in V1 or V2, the rest is in V1. Returns what is wrong, with the index of the mutant.
export function checkAccepted (base, version, mutants) {
  const failures = []
  mutants.forEach(({ update: mutant, encoded, compacted }, index) => {
    const fail = what => failures.push({ index, what })
    const inV1 = attempt(() => version === 1 ? mutant : fromV2(base, mutant))
    if (inV1.error) return fail(`yjs throws on the mutant in V2: ${inV1.error}`)
    const update = inV1.value
    const expected = attempt(() => reads([base, update]))
    if (expected.error) return fail(`yjs throws on the mutant: ${expected.error}`)
    const written = attempt(() => tellsOthers(base, update))
    if (written.error) return fail(`yjs throws when it writes the mutant: ${written.error}`)
    const got = attempt(() => reads([encoded]))
    if (got.error) return fail(`yjs throws on Encode: ${got.error}`)
    if (got.value !== expected.value && !otherReadings(base, update).includes(got.value)) {
      fail('Encode reads differently: ' + difference(got.value, expected.value))
    }
    cleanUpFailures([[], [base]], encoded, compacted).forEach(fail)
  })
  return { failures }
}

// A document that others listen to gets update on top of base: it writes what it got, and then all that it has.
function tellsOthers (base, update) {
  const doc = integrate([base])
  doc.on('update', () => {})
  doc.on('updateV2', () => {})
  Y.applyUpdate(doc, update)
  Y.encodeStateAsUpdate(doc)
  Y.encodeStateAsUpdateV2(doc)
}

// A mutant in V1, which yjs reads in V2 too: V1 says less of surrogates, embeds and formats.
function fromV2 (base, mutant) {
  Y.applyUpdateV2(integrate([base]), mutant)
  return Y.convertUpdateFormatV2ToV1(mutant)
}

// What reads differently in what a store encodes when it is compacted, for readers who have known updates.
export function cleanUpFailures (known, encoded, compacted) {
  return known.flatMap(updates => {
    const [before, after] = [encoded, compacted].map(last => attempt(() => reads([...updates, last])))
    if (before.error) return []
    if (after.error) return [`yjs throws on Encode after Compact: ${after.error}`]
    return before.value === after.value ? [] : ['Compact reads differently: ' + difference(after.value, before.value)]
  })
}

// How yjs reads the same when it comes in other ways. Where a mutated block's right origin stands left of its origin, that
// depends on how blocks are cut at the moment.
function otherReadings (base, update) {
  return [[Y.mergeUpdates([base, update])], [Y.encodeStateAsUpdate(integrate([base, update]))], [update, base]].map(reads)
}

// How a document reads that integrates updates. Reading may throw: a mutant can put any content into any type.
function reads (updates) {
  const doc = settled(integrate(updates))
  const shown = attempt(() => view(doc))
  return showStateVector(doc) + '\n' + (shown.error ?? shown.value)
}

function attempt (act) {
  try {
    return { value: act() }
  } catch (error) {
    return { error: String(error.stack).split('\n').slice(0, 3).join(' ') }
  }
}
