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
  compare('blocks and deletions', doc => ranges(Y.encodeStateAsUpdateV2(doc), isDeleted))
  for (const update of lost) for (const doc of [loaded, expected]) Y.applyUpdate(doc, update)
  compare('content with what was lost', doc => view(doc, blurSurrogates))
  if (loaded.store.pendingStructs !== null) failures.push('blocks are pending although nothing is missing')
  return { failures, pending }
}

// Reports whether the elements of a block are deleted, whether a delete set has them or not. That of an update of yjs has those
// that are integrated: a room integrates what is behind a hole, which yjs 13 doesn't.
const isDeleted = struct => struct instanceof Y.GC || struct.content instanceof Y.ContentDeleted

// Describes which elements an update in V2 has and deletes, however it divides them into blocks. Elements of blocks for which
// gone returns true count as deleted, too.
function ranges (update, gone = () => false) {
  if (!update) return 'none'
  const { structs, ds } = Y.decodeUpdateV2(update)
  const all = { has: new Map(), deletes: new Map() }
  const add = (to, client, clock, len) => to.set(client, [...to.get(client) ?? [], [clock, clock + len]])
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    add(all.has, struct.id.client, struct.id.clock, struct.length)
    if (gone(struct)) add(all.deletes, struct.id.client, struct.id.clock, struct.length)
  }
  for (const [client, items] of ds.clients) for (const { clock, len } of items) add(all.deletes, client, clock, len)
  const ordered = (of) => [...of].sort((a, b) => a[0] - b[0]).map(([client, spans]) => [client, joined(spans)])
  return JSON.stringify({ has: ordered(all.has), deletes: ordered(all.deletes) })
}

// Returns spans in order, with one in place of those that overlap or touch.
function joined (spans) {
  const result = []
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last && last[1] >= from) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}
