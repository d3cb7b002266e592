// Looks at documents that lack a part of their history.

import * as Y from 'yjs'
import { view } from './view.mjs'

// Returns what an export of a room lacks or has too much, given the updates that the room has and those that were lost.
export function exportFailures (exported, version, kept, lost, blurSurrogates) {
  const [loaded, expected] = [new Y.Doc(), new Y.Doc()]
  const apply = version === 1 ? Y.applyUpdate : Y.applyUpdateV2
  apply(loaded, exported)
  for (const update of kept) Y.applyUpdate(expected, update)
  const pending = expected.store.pendingStructs !== null
  const failures = []
  const compare = (what, look) => {
    const [seen, shown] = [look(loaded), look(expected)]
    if (seen !== shown) failures.push(`${what}: ${seen}\n  expected ${shown}`)
  }
  compare('content', doc => view(doc, blurSurrogates))
  compare('pending blocks', doc => ranges(doc.store.pendingStructs?.update))
  compare('blocks and deletions', doc => ranges(Y.encodeStateAsUpdateV2(doc)))
  for (const update of lost) for (const doc of [loaded, expected]) Y.applyUpdate(doc, update)
  compare('content with what was lost', doc => view(doc, blurSurrogates))
  if (loaded.store.pendingStructs !== null) failures.push('blocks are pending although nothing is missing')
  return { failures, pending }
}

// Describes which elements an update in V2 has and deletes, however it divides them into blocks.
function ranges (update) {
  if (!update) return 'none'
  const { structs, ds } = Y.decodeUpdateV2(update)
  const all = { has: {}, deletes: {} }
  const add = (to, client, clock, len) => {
    const spans = to[client] ??= []
    const last = spans.at(-1)
    if (last && last[1] === clock) last[1] += len
    else spans.push([clock, clock + len])
  }
  for (const struct of structs) if (!(struct instanceof Y.Skip)) add(all.has, struct.id.client, struct.id.clock, struct.length)
  for (const [client, items] of ds.clients) for (const { clock, len } of items) add(all.deletes, client, clock, len)
  return JSON.stringify(all)
}
