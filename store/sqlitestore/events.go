package sqlitestore

import (
	"time"

	"github.com/yroom/yroom/store"
)

// Events are functions that a Store calls, for metrics. Any of them may be nil. The
// goroutine that writes calls them before the calls that they concern return. They must
// return soon, and must not call the Store.
type Events struct {
	// Committed is called after each transaction that has changed something.
	Committed func(Commit)
	// Compacted is called after a compaction was committed, with the number of entries
	// that it replaced and the size of the snapshot in bytes.
	Compacted func(room string, entries, bytes int)
	// Failed is called when a change could not be stored because of a fault, such as
	// a full disk. A change that is refused, with store.ErrConflict for example, has
	// not failed. At store.DurabilityNone, this is the first report of an update that was
	// lost.
	Failed func(room string, err error)
}

// Commit describes a transaction.
type Commit struct {
	Changes int // appends, creations, deletions and compactions, without those that were refused
	Bytes   int // of the entries that were stored
	Level   store.Durability
	Took    time.Duration
}

// committed reports a batch that was committed.
func (e *Events) committed(batch []*request, level store.Durability, began time.Time) {
	commit := Commit{Level: level}
	for _, r := range batch {
		if r.err != nil {
			continue
		}
		commit.Changes++
		commit.Bytes += len(r.entry.Data)
		if r.kind == requestCompact && e.Compacted != nil {
			e.Compacted(r.room, r.count, len(r.entry.Data))
		}
	}
	if commit.Changes > 0 && e.Committed != nil {
		commit.Took = time.Since(began)
		e.Committed(commit)
	}
}
