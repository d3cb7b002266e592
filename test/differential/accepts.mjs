// Checks that yjs accepts mutated updates that a blocks.Store accepted.

import * as Y from 'yjs'
import { difference, integrate, settled } from './check.mjs'
import { showStateVector, view } from './view.mjs'

// Each mutant has a mutated update, what the store has added for it, the encoding of a store that applied base and the update, and the encoding after Compact. The
// updates of mutants are in the given version, everything else is in V1. Returns failures with the index of the mutant.
export function checkAccepted (base, version, mutants) {
  const failures = []
  mutants.forEach(({ update: mutant, added, encoded, compacted }, index) => {
    const fail = what => failures.push({ index, what })
    const cleaned = attempt(() => isCleaned(version === 1 ? mutant : Y.convertUpdateFormatV2ToV1(mutant), added))
    const inV1 = attempt(() => cleaned.value ? added : version === 1 ? mutant : fromV2(base, mutant))
    if (inV1.error) return fail(`yjs throws on the mutant in V2: ${inV1.error}`)
    const update = inV1.value
    const expected = attempt(() => contents([base, update]))
    if (expected.error) return fail(`yjs throws on the mutant: ${expected.error}`)
    const written = attempt(() => applyWithListeners(base, update))
    if (written.error) return fail(`yjs throws when it writes the mutant: ${written.error}`)
    const got = attempt(() => contents([encoded]))
    if (got.error) return fail(`yjs throws on Encode: ${got.error}`)
    if (got.value !== expected.value && !otherContents(base, update).includes(got.value)) {
      fail('Encode has other contents: ' + difference(got.value, expected.value))
    }
    cleanUpFailures([[], [base]], encoded, compacted).forEach(fail)
  })
  return { failures }
}

// Reports whether the store changes an update before it applies it. It leaves out blocks and deletions of no elements, on some of which yjs
// throws. It replaces a right origin that is the block's own first element, or that can't have been the neighbour of the origin.
function isCleaned (update, added) {
  const { structs, ds } = Y.decodeUpdate(update)
  const sent = ({ client, clock }) => structs.find(({ id, length, origin }) => origin && id.client === client && id.clock <= clock && clock < id.clock + length)
  const isMended = ({ id, rightOrigin }) => sent(id) && !Y.compareIDs(sent(id).rightOrigin ?? null, rightOrigin ?? null)
  const isOwn = ({ id, rightOrigin }) => rightOrigin?.client === id.client && rightOrigin.clock >= id.clock
  if (Y.decodeUpdate(added).structs.some(isMended)) return true
  return structs.some(struct => struct.length === 0 || isOwn(struct)) || [...ds.clients.values()].flat().some(({ len }) => len === 0)
}

// Applies base and update to a document with listeners, so that yjs encodes the update, and encodes the document.
function applyWithListeners (base, update) {
  const doc = integrate([base])
  doc.on('update', () => {})
  doc.on('updateV2', () => {})
  Y.applyUpdate(doc, update)
  Y.encodeStateAsUpdate(doc)
  Y.encodeStateAsUpdateV2(doc)
}

// Returns a mutant in V1. yjs must accept it in V2, too: V1 represents surrogates, embeds and formats with loss.
function fromV2 (base, mutant) {
  Y.applyUpdateV2(integrate([base]), mutant)
  return Y.convertUpdateFormatV2ToV1(mutant)
}

// Returns how the contents of an encoding change by Compact, for documents that applied known updates before.
export function cleanUpFailures (known, encoded, compacted) {
  return known.flatMap(updates => {
    const [before, after] = [encoded, compacted].map(last => attempt(() => contents([...updates, last])))
    if (before.error) return []
    if (after.error) return [`yjs throws on Encode after Compact: ${after.error}`]
    return before.value === after.value ? [] : ['Compact changes the contents: ' + difference(after.value, before.value)]
  })
}

// Returns the contents of yjs documents that receive the updates in other ways. They differ if the right origin of a mutated block
// is left of its origin, because the result depends on how blocks are split then.
function otherContents (base, update) {
  return [[Y.mergeUpdates([base, update])], [Y.encodeStateAsUpdate(integrate([base, update]))], [update, base]].map(contents)
}

// Returns the contents of a document that applied updates. Reading may throw, because a mutant can put any content into any type.
function contents (updates) {
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
