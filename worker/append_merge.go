package worker

import (
	"errors"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
)

// Two workers can hold one room for a moment, while it moves from one to the
// other, and both append to its log. Each finds the entries of the other one by the
// positions of its own; the documentation of package store describes how.

// lacksBefore reports whether the room may lack entries before p, the position of an
// append by this worker.
func (a *actor) lacksBefore(p store.Position) bool {
	return p != 0 && p != a.last+1 && !a.unordered
}

// advance records the position of an append by this worker. It ignores a position that
// follows entries which the room may lack, because these are loaded from the last
// position before them.
func (a *actor) advance(p store.Position) {
	if p == a.last+1 {
		a.last = p
	}
}

// loadToMerge loads the entries after the last position up to which the room has all.
// The worker's own append is among them. loadToMerge runs concurrently with the turns.
func (a *actor) loadToMerge() (log store.Log, err error) {
	defer guard(&err)
	return a.worker.config.Store.LoadAfter(a.worker.working, a.name, a.last)
}

// merge adds the entries that loadToMerge has loaded to the room, which broadcasts what
// is new. The broadcasts have later Marks than all outputs that wait for the store, so
// they are sent after these. If the entries could not be loaded, the room is closed,
// because it lacks stored updates: the next load returns all of them.
func (a *actor) merge(r writeResult) {
	switch err := r.mergeErr; {
	case a.room == nil:
		return
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, store.ErrNotFound): // the store drops all entries
		a.unordered = true
		return
	case err != nil:
		a.fail(err, loadFailure)
		return
	}
	now := a.worker.config.Runtime.Now()
	bytes := 0
	for _, e := range r.toMerge.Entries {
		effects, err := a.room.Merge(now, e.Data, blocks.Encoding(e.Encoding))
		if err != nil {
			a.fail(err, loadFailure)
			return
		}
		a.take(effects)
		if a.closed != nil { // the layer has panicked
			return
		}
		a.compaction.tail.add(len(e.Data), now)
		bytes += len(e.Data)
	}
	a.last = max(r.position, r.toMerge.Last())
	report(a.worker, a.worker.config.Events.Merged, MergeInfo{Room: a.name, Entries: len(r.toMerge.Entries), Bytes: bytes})
}
