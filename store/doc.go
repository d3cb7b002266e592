// Package store is the contract between workers and storage. A store keeps, for
// each room, a log of Yjs updates; compaction replaces entries of the log by one
// snapshot. Implementations are in the packages below this one, and package
// storetest is their conformance suite.
//
// Read in this order:
//
//   - store.go: Store, the interface, and Unsupported for its optional methods
//   - log.go: Entry, Encoding, Position, Log, and Listed
//   - durability.go: the levels of durability that a store may have
//   - errors.go: the errors that callers distinguish
//   - notices.go: Notices, what a store may record for webhooks
//   - inspected.go: what a reader of a whole store finds, damaged or not
//
// # Several writers of one room
//
// Two workers can hold the same room for a moment, for example while it moves
// from one to the other. Both append; neither is refused. Each one finds the
// entries of the other from the positions that its own appends return:
//
//  1. After Load, last is Log.Last(), or 0 if the error was ErrNotFound. After Create
//     has returned position p, last is p.
//  2. After Append has returned position p: if p is last+1, set last to p. If p is 0, the
//     position is unknown: leave last as it is. Otherwise there are entries between last
//     and p that the worker may lack: call LoadAfter(last), apply all its entries, and set
//     last to the larger of p and Log.Last(). They include entries that the worker has
//     already, at least its own. Applying an update twice changes nothing.
//  3. After Append has failed, leave last as it is. If the entry was stored in
//     spite of the error, the next append finds it in this way.
//  4. If LoadAfter returns ErrDeleted, the room was deleted, and may have been created again
//     since: the worker holds the deleted document. If it returns ErrUnsupported, the store
//     has no order of positions, and the worker stops comparing them.
//  5. A worker that appends nothing finds no entries in this way. A worker that has taken
//     over a room must call LoadAfter(last) once more when the former owner can't append any
//     longer.
//
// A compaction takes no position, so it leaves no gap in the positions; see Position.
package store
