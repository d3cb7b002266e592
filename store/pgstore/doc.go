// Package pgstore keeps rooms in a PostgreSQL database, in tables of the schema yroom.
//
// Any number of processes may use a database at once. Connections may go through a
// pooler of transactions, such as PgBouncer: unless the address says otherwise, the
// package keeps no state in a session and leaves no prepared statement behind.
//
// # Positions
//
// The row of a room has the next position. A transaction that appends to the room
// updates that row, and so locks it until it has committed. So positions are
// consecutive and become visible in their order, whichever processes append. Every
// transaction locks the rows of its rooms in the order of their names, so no two wait
// for each other.
//
// # Durability
//
// At store.DurabilityFsync, a call returns once PostgreSQL has flushed the commit record
// to the disk, and to standbys if the server's synchronous_standby_names names any. This
// assumes that the server's fsync is on, as it is by default. At store.DurabilityCommit,
// the transaction commits with synchronous_commit = off: a crash of this process loses
// nothing, but a crash of PostgreSQL or its machine loses the transactions of about the
// last second. At store.DurabilityNone, Append returns while the entry waits in this
// process, as in every store; it is then written as at store.DurabilityCommit.
//
// # Tombstones
//
// A deleted room keeps its row, so that clients that reconnect can't bring it back. Rows
// of rooms that were deleted long ago can be purged while servers run:
//
//	DELETE FROM yroom.rooms WHERE deleted_at < now() - interval '90 days'
//
// After that, the room counts as one that was never written to, and its positions begin
// at 1 again.
//
// # Files
//
//   - pgstore.go: Config, Store, Open and Close
//   - pool.go: the address and the connections
//   - schema.go: the tables, and the migrations that lead to them
//   - load.go, list.go: the calls that read
//   - inspect.go: a reader of everything that is stored, damaged or not
//   - append.go: appends, in batches of many rooms
//   - batch_size.go: how large a batch may be
//   - change.go: Create, Delete and Compact
//   - notices.go: events that are to be sent for webhooks
//   - transact.go: a transaction in one round trip
//   - errors.go: faults of PostgreSQL, with advice for the operator
package pgstore
