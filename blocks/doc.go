// Package blocks holds a Yjs document in the form that a sync server needs: which
// blocks exist, and which of them are deleted. It does not integrate them into texts
// and trees, because a server never needs the order of elements; clients and package
// yjs do.
//
// A [Store] applies updates, returns the part of each that was new, and encodes the
// document or the difference to what a client has. Its encodings have the same content
// in yjs as the updates that it applied. The functions [Parse], [Convert], [Merge] and
// [DiffUpdate] work on updates without a document.
//
// The format of updates is that of yjs 13.6 (src/utils/encoding.js,
// src/structs/*.js, src/utils/DeleteSet.js).
//
// # Terms
//
// Each client numbers the elements that it inserts with clocks, from 0 on. A block
// is consecutive elements of one client. It refers to other elements: its origin
// (the left neighbour at the time of insertion), its right origin, and its parent.
// A deleted block has lost its content, but keeps its position; a GC block has lost
// that too. A block is integrated once the blocks to which it refers are integrated. Until
// then it is pending. A hole is elements of a client that are not integrated, with
// integrated ones after them. A section is the blocks of one client in an update; a skip
// stands for elements in it that the update doesn't have. The delete set, with which an
// update ends, is the spans of deleted clocks of each client.
//
// # How to read the code
//
// A file's prefix says what it works on. In reading order:
//
//   - block.go: the decoded block. block_read.go decodes and checks it,
//     block_write.go encodes it, block_split.go splits it, block_iter.go iterates
//     over blocks. block_layout.go is a fast path for the most frequent blocks.
//   - update_read.go: reads and checks a whole update, into a parsedUpdate.
//     delete_set.go is the part for its delete set. update_tidy.go removes from an update
//     what has no effect, and changes wrong right origins: yrs writes both.
//     update_build.go prepares the blocks of clients that the store doesn't have, which
//     makes loading fast. update_index.go finds blocks of an update, and which of them the
//     plan must look at.
//   - chunk.go, chunk_run.go: how a Store keeps blocks, as encoded bytes in chunks.
//     chunk_iter.go iterates over them, chunk_delete.go deletes in them, chunk_fill.go
//     fills holes.
//   - store.go: Store, and what it holds of each client. store_size.go: what counts
//     against its limit. span_index.go is a set of a client's
//     elements: those that are deleted, or those between holes (store_holes.go).
//   - store_apply.go: Apply, which calls, in this order, store_typing.go (a fast path),
//     store_compare.go (which part is new), store_plan.go (which blocks can be
//     integrated), store_refs.go (does what they refer to agree), store_nesting.go (are
//     types nested too deeply), store_collect.go (pending blocks that turn out to be
//     forged), store_integrate.go (which keeps the rest pending, store_pending.go) and
//     store_delete.go.
//     store_spots.go estimates how long updates keep clients busy (store_recent.go is its
//     memory, in the tables of id_table.go), and store_trials.go decides when that is
//     tried. store_clash.go counts updates with other blocks than the document has.
//   - store_encode.go: Encode and Diff. state_vector.go: state vectors. store_waiting.go:
//     what pending elements wait for.
//   - compact.go: Compact. compact_map.go finds the map entries that were
//     overwritten, in the graph of references of compact_graph.go.
//   - encoding.go: V1, V2 and the errors. v2_read.go and v2_write.go convert. v2_load.go
//     reads while it converts, and v2_parse.go reads most of the blocks without that.
//   - update_authors.go, update_blocks.go, update_convert.go, update_diff.go,
//     update_merge.go: the functions on updates. update_blocks.go has the exported Block,
//     which package yjs integrates; delete_parse.go reads the deletions for it. content_ids.go
//     returns which elements an update inserts and deletes, and content_map.go adds
//     attributes such as their authors.
//
// An update is checked where it is read, in V1: update_read.go checks the whole of
// it, block_read.go each block and delete_set.go the delete set. block_layout.go,
// v2_load.go, v2_parse.go, delete_parse.go and store_typing.go take only blocks and updates
// that these would accept. Any other update in V2 for a Store is converted first (v2_read.go)
// and then checked. What depends on the document is checked in store_apply.go: its clients,
// its size (store_size.go), and how deep types are nested (store_nesting.go).
//
// # Invariants
//
//   - An update is checked completely before any part of it is applied. An update on
//     which yjs would throw is refused, and the document is unchanged.
//   - The integrated blocks of a client, and skips for the holes between them, follow one
//     another from clock 0 on, and end with a block. Its pending runs are in holes or
//     after the last block, and no two overlap.
//   - Deletions of integrated elements are in clientBlocks.deleted, and unless the
//     document keeps its history the content of these elements is gone. Deletions of
//     others are in client.pendingDeletions.
//   - All data inside is in V1. V2 is converted at the exported functions.
//   - Time is linear in the size of the input, apart from a logarithmic factor, and
//     nothing is allocated from a length that the input claims.
package blocks
