package worker

import (
	"errors"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
)

// A log is compacted at once when its tail has grown so far that loading costs
// twice what it need, and when there is time for it once it is worth the while.
const (
	heavyBytes     = 256 << 10
	heavyEntries   = 2000
	worthEntries   = 20
	longestFactor  = 10          // of the AutosaveDelay: the longest wait under steady typing
	compactPause   = time.Minute // after a compaction that failed
	compactsAtOnce = 2           // in one worker: each holds a document beside the room's own
)

// wear is what a room's log has beside its snapshot.
type wear struct {
	base        int // bytes of the snapshot, or of what stands for it: the first entry, or the largest that was loaded
	entries     int
	bytes       int
	first, last time.Time // when the first and the last of the others were appended
}

// wearOf is the wear of a log that was loaded. A snapshot stands behind what was
// appended while it was made.
func wearOf(log store.Log, now time.Time) (w wear) {
	for _, e := range log.Entries {
		w.base = max(w.base, len(e.Data))
		w.bytes += len(e.Data)
	}
	if n := len(log.Entries); n > 0 {
		w.entries, w.bytes = n-1, w.bytes-w.base
		w.first, w.last = now, now
	}
	return w
}

func (w *wear) add(size int, now time.Time) {
	if w.base == 0 {
		w.base = size
		return
	}
	if w.entries == 0 {
		w.first = now
	}
	w.entries++
	w.bytes += size
	w.last = now
}

// heavy tells whether the log must be compacted soon.
func (w *wear) heavy() bool {
	return w.entries >= heavyEntries || w.bytes >= max(w.base, heavyBytes)
}

// worth tells whether it should be, when there is time.
func (w *wear) worth() bool {
	return w.entries >= worthEntries || w.entries > 0 && w.bytes >= w.base/4
}

// compaction is a compaction of the room's log, under way or to come.
type compaction struct {
	wear      wear
	running   bool
	taken     wear      // what wear was when it began
	notBefore time.Time // the last one failed
}

// due is when the log wants to be compacted if nothing happens; zero: never.
func (c *compaction) due(delay time.Duration) time.Time {
	if !c.wear.worth() || c.running {
		return time.Time{}
	}
	at := c.wear.last.Add(delay)
	if latest := c.wear.first.Add(longestFactor * delay); latest.Before(at) {
		at = latest
	}
	if at.Before(c.notBefore) {
		at = c.notBefore
	}
	return at
}

// compact begins a compaction where it is time for one; over says that the room
// goes, so that there won't be a better time.
func (a *actor) compact(now time.Time, over bool) {
	c := &a.compaction
	if a.room == nil || c.running || now.Before(c.notBefore) {
		return
	}
	due := c.due(a.settings.AutosaveDelay)
	idle := !due.IsZero() && !now.Before(due)
	if c.wear.heavy() || idle || over && c.wear.worth() {
		c.running, c.taken = true, c.wear
		a.worker.compactions.run(a.worker.config.Runtime.Go, a.runCompaction)
	}
}

// runCompaction runs beside the turns.
func (a *actor) runCompaction() {
	size, err := a.compactLog()
	a.worker.compactions.done(a.worker.config.Runtime.Go)
	a.mail.Post(func() { a.guarded(func() { a.compacted(size, err) }) })
}

// compactLog replaces what the log holds by one snapshot, whose size it returns.
// It starts from the log and not from the room: another worker may have appended
// what this room never saw.
func (a *actor) compactLog() (size int, err error) {
	defer guard(&err)
	s, ctx := a.worker.config.Store, a.worker.compacting
	log, err := s.Load(ctx, a.name)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil // a store that keeps nothing
	} else if err != nil {
		return 0, err
	}
	doc := blocks.NewWith(a.settings.Room.Blocks)
	if err := replay(log, doc.Load); err != nil {
		return 0, err
	}
	doc.Compact()
	enc := a.settings.Room.Encoding
	snapshot := store.Entry{Encoding: store.Encoding(enc), Data: doc.Encode(enc)}
	if len(log.Entries) > 1 {
		err = s.Compact(ctx, a.name, log, snapshot)
	}
	return len(snapshot.Data), err
}

func (a *actor) compacted(size int, err error) {
	c := &a.compaction
	c.running = false
	if err != nil {
		c.notBefore = a.worker.config.Runtime.Now().Add(compactPause)
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrDeleted) && a.worker.compacting.Err() == nil {
			a.worker.config.Logger.Warn("A room's log could not be compacted. Nothing is lost; it is tried again in a while.",
				"room", a.name, "error", err)
		}
		return
	}
	c.wear.base = size
	c.wear.entries -= c.taken.entries
	c.wear.bytes -= c.taken.bytes
	c.wear.first = c.wear.last
}

// slots lets a few functions run at once, and the others wait.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting []func()
}

func (s *slots) run(start func(func()), f func()) {
	s.mu.Lock()
	if s.free == 0 {
		s.waiting = append(s.waiting, f)
		s.mu.Unlock()
		return
	}
	s.free--
	s.mu.Unlock()
	start(f)
}

// waits tells how many functions wait.
func (s *slots) waits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// done gives back the slot of a function that has ended.
func (s *slots) done(start func(func())) {
	s.mu.Lock()
	if len(s.waiting) == 0 {
		s.free++
		s.mu.Unlock()
		return
	}
	next := s.waiting[0]
	s.waiting = s.waiting[1:]
	s.mu.Unlock()
	start(next)
}
