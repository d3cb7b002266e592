// Restores snapshots in a yjs document without garbage collection from a store with history.

import * as Y from 'yjs'
import { difference } from './check.mjs'
import { showStateVector, view } from './view.mjs'

// The snapshot is that of the document after the first updates. v1 and v2 are the encodings of the store after all updates, diff is its
// diff for a document with the first updates. Returns how the restored snapshot differs when they are loaded.
export function restoreFailures (updates, first, { v1, v2, diff }, blurSurrogates) {
  const known = updates.slice(0, first)
  const doc = keeping(known)
  const snapshot = Y.snapshot(doc)
  for (const update of updates.slice(first)) Y.applyUpdate(doc, update)
  const expected = shows(doc, snapshot, blurSurrogates)
  const loaded = new Y.Doc({ guid: 'main', gc: false })
  Y.applyUpdateV2(loaded, v2)
  const docs = { 'Encode in V1': keeping([v1]), 'Encode in V2': loaded, Diff: keeping([...known, diff]) }
  return Object.entries(docs).flatMap(([name, got]) => {
    const shown = shows(got, snapshot, blurSurrogates)
    return shown === expected ? [] : [`${name}: ${difference(shown, expected)}`]
  })
}

function keeping (updates) {
  const doc = new Y.Doc({ guid: 'main', gc: false })
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

function shows (doc, snapshot, blurSurrogates) {
  const restored = Y.createDocFromSnapshot(doc, snapshot, new Y.Doc({ guid: 'main' }))
  return showStateVector(restored) + '\n' + view(restored, blurSurrogates)
}
