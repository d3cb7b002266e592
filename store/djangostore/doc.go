// Package djangostore keeps rooms where a Django app with channels-yroom has its documents: in
// the table channels_yroom_ydocupdate, which the migrations of that app create. So a worker of
// yroom can take over from the worker of channels-yroom, and the other way round, but the two
// must not run at the same time.
//
// The table has one row for each document, the whole of it as one update in V1. A row that is
// written when a room ends can't keep what a crash would lose. So a Store has a log, too: that of
// package pgstore, in the schema yroom of the same database, or that of package sqlitestore, in
// the file FILE.yroom beside the SQLite file FILE. The log has everything that was confirmed.
// The rows are written later.
//
// # From a row into the log
//
// Before a Store returns the log of a room, it compares the row with it. If the row has elements
// or deletions that the log lacks, the row is appended to the log as an entry. So what the other
// worker has written is merged with what the log has, and neither replaces the other.
//
// # From the log into the row
//
// After a change, the row is written when the room was not changed for a while (Config.Delay),
// when the room leaves memory (Evicted), and when the Store is closed. A row is replaced only if it
// has not changed since it was compared with the log. The timestamp of the row is the time of
// the newest entry of the log, so a Store finds the rows that are out of date after a crash
// when the Store is opened. What is pending is left out of the row, because the worker of channels-yroom may
// fail to load it. It stays in the log.
//
// # Deleted rooms
//
// Delete removes the row, too. If the worker of channels-yroom writes a row of that name
// again, the room is created again. If only the row is deleted, as in Django's admin, the room stays: it
// is in the log.
//
// # Files
//
//   - djangostore.go: Config, Store, Open and Close
//   - merge.go: Load, which compares a row with the log
//   - change.go: the calls that write to the log
//   - list.go: List
//   - save.go: the goroutine that writes rows
//   - sweep.go: finds rows that a crash has left behind
//   - table.go: the statements of the table
package djangostore
