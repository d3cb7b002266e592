// What yjs says to mutated updates that a blocks.Store took for good.

import * as Y from 'yjs'
import { difference } from './check.mjs'
import { showStateVector, view } from './view.mjs'

// base is an update; each mutant has the mutated update that was applied on top, and how the store encodes itself afterwards.
// Returns what is wrong, with the index of the mutant, and how many mutants left nothing pending and read the same.
export function checkAccepted (base, mutants) {
  const failures = []
  let equal = 0
  mutants.forEach(({ update, encoded }, index) => {
    const fail = what => failures.push({ index, what })
    const doc = attempt(() => integrate([base, update]))
    if (doc.error) return fail(`yjs throws on the mutant: ${doc.error}`)
    const loaded = attempt(() => integrate([encoded]))
    if (loaded.error) return fail(`yjs throws on Encode: ${loaded.error}`)
    if (waits(doc.value) || waits(loaded.value)) return
    const expected = reads(doc.value)
    const got = reads(loaded.value)
    if (got === expected || got === reads(integrate([Y.mergeUpdates([base, update])]))) equal++
    else fail('Encode reads differently: ' + difference(got, expected))
  })
  return { failures, equal }
}

function integrate (updates) {
  const doc = new Y.Doc({ guid: 'main' })
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function waits ({ store }) {
  return store.pendingStructs !== null || store.pendingDs !== null
}

function reads (doc) {
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
