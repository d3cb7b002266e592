package worker

import (
	"errors"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
)

// A log is compacted at once when its tail makes loading cost twice as much as it would
// after a compaction. When the tail is smaller, but worth the work, the log is
// compacted once the room is idle or closes.
//
// A compaction writes the whole document again. So it is only worth the work if its tail
// costs at least a fraction of the snapshot: the bytes that compactions write then grow
// with the edits, whatever the size of the document.
const (
	entryCost      = 1 << 10                  // to load an entry takes as long as to load so many bytes of a snapshot, and the entry's bytes
	largeEntries   = 2000                     // in a small document, so many entries are large,
	largeCost      = largeEntries * entryCost // or other entries that cost as much
	worthEntries   = 20
	worthFraction  = 4                // of the snapshot
	longestFactor  = 10               // times AutosaveDelay is the longest delay while edits continue
	compactPause   = time.Minute      // after a compaction that failed
	cutPause       = 10 * time.Minute // after a request to cut the log
	compactsAtOnce = 2                // in one worker: each holds a document in addition to that of the room
)

// tail describes the entries of a room's log other than its snapshot.
type tail struct {
	base        int // size in bytes of the snapshot or, without one, of the first entry or the largest that was loaded
	entries     int
	bytes       int
	first, last time.Time // when its first and its last entry were appended
}

// tailOf returns the tail of a log that was loaded. The snapshot is not always the
// first entry.
func tailOf(log store.Log, now time.Time) (t tail) {
	for _, e := range log.Entries {
		t.base = max(t.base, len(e.Data))
		t.bytes += len(e.Data)
	}
	if n := len(log.Entries); n > 0 {
		t.entries, t.bytes = n-1, t.bytes-t.base
		t.first, t.last = now, now
	}
	return t
}

// add adds an appended entry.
func (t *tail) add(size int, now time.Time) {
	if t.base == 0 {
		t.base = size
		return
	}
	if t.entries == 0 {
		t.first = now
	}
	t.entries++
	t.bytes += size
	t.last = now
}

// cost returns what loading the tail costs, in bytes of a snapshot.
func (t *tail) cost() int { return t.bytes + entryCost*t.entries }

// large reports whether the log has to be compacted at once.
func (t *tail) large() bool { return t.cost() >= max(t.base, largeCost) }

// worthwhile reports whether the log is to be compacted when the room is idle.
func (t *tail) worthwhile() bool {
	part := t.base / worthFraction
	return t.entries > 0 && t.bytes >= part || t.entries >= worthEntries && t.cost() >= part
}

// compaction is the state of the compaction of a room's log.
type compaction struct {
	tail      tail
	running   bool
	taken     tail      // the tail when the compaction in progress began
	notBefore time.Time // after a compaction that failed, or a request to cut the log
}

// due returns when the log is to be compacted if the room stays idle, or zero if
// it isn't to be compacted.
func (c *compaction) due(delay time.Duration) time.Time {
	if !c.tail.worthwhile() || c.running {
		return time.Time{}
	}
	at := c.tail.last.Add(delay)
	if latest := c.tail.first.Add(longestFactor * delay); latest.Before(at) {
		at = latest
	}
	if at.Before(c.notBefore) {
		at = c.notBefore
	}
	return at
}

// compact begins a compaction if one is due. ending means that the actor is about to
// end, so that this is the last opportunity.
func (a *actor) compact(now time.Time, ending bool) {
	c := &a.compaction
	if a.room == nil || c.running || now.Before(c.notBefore) {
		return
	}
	due := c.due(a.settings.AutosaveDelay)
	idle := !due.IsZero() && !now.Before(due)
	if c.tail.large() || idle || ending && !a.pressed && c.tail.worthwhile() {
		c.running, c.taken = true, c.tail
		needs := 3 * (c.tail.base + c.tail.bytes) // the log, the document, the snapshot
		a.worker.compactions.run(a.worker.config.Runtime.Go, func() { a.runCompaction(needs) })
	}
}

// runCompaction compacts the log, if there is enough memory. It runs concurrently with the
// turns.
func (a *actor) runCompaction(needs int) {
	begin := a.worker.config.Runtime.Now()
	entries, size, err := 0, 0, errMemory
	if a.worker.memory.begin(needs) {
		entries, size, err = a.compactLog()
		a.worker.memory.end(needs)
	}
	a.worker.compactions.done(a.worker.config.Runtime.Go)
	info := CompactInfo{Room: a.name, Entries: entries, Bytes: size, Duration: a.worker.config.Runtime.Now().Sub(begin), Err: err}
	a.mail.Post(func() { a.guarded(func() { a.compacted(info) }) })
}

// compactLog replaces the entries of the log by one snapshot. It returns how many
// entries there were, and the size in bytes of the log afterwards. The snapshot is made from
// the log and not from the room, because another worker may have appended entries that
// the room lacks.
//
// Entries of which a part is pending stay as they are: the reason may be a fault of the
// program that wrote them, or of this one. For the same reason, nothing is replaced unless
// the snapshot has everything that the entries have.
func (a *actor) compactLog() (entries, size int, err error) {
	defer guard(&err)
	s, ctx := a.worker.config.Store, a.worker.compacting
	log, err := s.Load(ctx, a.name)
	if errors.Is(err, store.ErrNotFound) {
		return 0, 0, nil // the store drops all entries
	} else if err != nil {
		return 0, 0, err
	}
	doc := blocks.NewWith(a.settings.Room.Blocks)
	doc.HoldPending()
	if err := replay(log, doc.Load); err != nil {
		return 0, 0, err
	}
	doc.Compact()
	a.tryCompacted(doc)
	replaced, kept, err := a.partition(log, doc)
	if err != nil {
		return 0, 0, err
	}
	enc := a.settings.Room.Encoding
	snapshot := store.Entry{Encoding: store.Encoding(enc), Data: doc.Encode(enc)}
	size = len(snapshot.Data)
	for _, e := range kept {
		size += len(e.Data)
	}
	if len(replaced.Entries) > 1 {
		if err := whole(replaced.Entries, append(kept, snapshot)); err != nil {
			return 0, 0, err
		}
		err = s.Compact(ctx, a.name, replaced, snapshot)
	}
	return len(log.Entries), size, err
}

// compacted handles the result of a compaction.
func (a *actor) compacted(info CompactInfo) {
	c := &a.compaction
	c.running = false
	if err := info.Err; err != nil {
		// Another worker may have compacted or deleted the log.
		a.checks.suspected = a.checks.suspected || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrDeleted)
		c.notBefore = a.worker.config.Runtime.Now().Add(compactPause)
		switch {
		case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrDeleted), errors.Is(err, errMemory), a.worker.compacting.Err() != nil:
		case errors.Is(err, errPartial):
			a.worker.config.Logger.Error("The log of a room was not compacted, because its snapshot would not be the whole document. The log is kept as it is. "+
				"This is a fault of yroom: please report it.", "room", a.name, "error", err)
		default:
			a.worker.config.Logger.Warn("The log of a room could not be compacted. Nothing is lost, but the room takes longer to load. "+
				"It is tried again after a minute, or when the room ends. Check the store.", "room", a.name, "error", err)
		}
	} else {
		c.tail.base = info.Bytes
		c.tail.entries -= c.taken.entries
		c.tail.bytes -= c.taken.bytes
		c.tail.first = c.tail.last
	}
	report(a.worker, a.worker.config.Events.Compacted, info)
}
