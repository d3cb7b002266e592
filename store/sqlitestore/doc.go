// Package sqlitestore keeps rooms in one SQLite file.
//
// Several processes of one machine may use a file at once; a network file system does
// not work, because it lacks the locks that SQLite needs. While a file is in use,
// FILE-wal, FILE-shm and FILE-lock in the same directory belong to it. Copy it with the sqlite3
// shell (.backup, or VACUUM INTO), not as a file. No other code of the process may open
// and close the file, because that releases SQLite's locks.
//
// Read in this order:
//
//   - sqlitestore.go: Config, Store, Open and Close
//   - schema.go: the tables, and the migrations that lead to them
//   - load.go, list.go: the calls that read, on the connections of reads.go
//   - change.go: the calls that write; each one queues a request
//   - package store/internal/group: the queue of requests, bounded in bytes, and
//     appends for which no call waits (store.DurabilityNone)
//   - group_commit.go: the goroutine that writes all waiting requests in one
//     transaction, and answers them
//   - writer_conn.go: the connection that writes: its transactions and faults
//   - writer_apply.go: the SQL of each kind of request
//   - notices.go: events that are to be sent for webhooks
//   - inspect.go: a reader of everything that is stored, damaged or not
//   - others.go: other processes that have the file open; lock_unix.go and
//     lock_windows.go: the lock by which they are found
//   - events.go: what a Store reports to metrics
//   - errors.go: faults of SQLite, with advice for the operator
package sqlitestore
