package worker

import (
	"errors"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// Two workers can run one room for a moment, while it moves from one to the other, and
// both append to its log. A check loads the entries after a.last, the position up to which
// the room has all entries, and merges them into the room. The documentation of
// store.Position explains why a check finds everything that another worker has stored.
//
// A check begins at once if the position of an append shows that the room lacks entries.
// If another worker may run the room or have run it, one check begins within checkPause,
// and another one when that worker must have ended. A room has one check at a time.

const (
	checkPause   = time.Second // the least time between two checks of a room that is not known to lack entries
	checksAtOnce = 16          // the most checks at a time in one worker, which may take over many rooms at once
)

// checks determines when the checks of a room begin.
type checks struct {
	running   bool
	appended  store.Position // the largest position of an append by this worker
	suspected bool           // since the last turn, something has shown that another worker may run the room or have run it
	soon      time.Time      // when a check is due because of that; zero: none is due
	late      time.Time      // when a check is due because other workers must have ended by then; zero: none is due
	notBefore time.Time      // the earliest value of soon
	failed    bool           // the last check has failed
}

// opened is called when the room was loaded. The load has the effect of a check.
func (c *checks) opened(now time.Time, takeover time.Duration) {
	c.notBefore = now.Add(checkPause)
	if takeover > 0 {
		c.late = now.Add(takeover)
	}
}

// plan sets the times of checks if another worker is suspected.
func (c *checks) plan(now time.Time, takeover time.Duration) {
	if c.suspected && takeover > 0 {
		c.late = now.Add(takeover)
		if c.soon.IsZero() {
			c.soon = now
			if now.Before(c.notBefore) {
				c.soon = c.notBefore
			}
		}
	}
	c.suspected = false
}

// due returns when a check is due, or zero if none is.
func (c *checks) due() time.Time {
	if c.soon.IsZero() || !c.late.IsZero() && c.late.Before(c.soon) {
		return c.late
	}
	return c.soon
}

// lacks reports whether the position of an append has shown that the room lacks
// entries.
func (a *actor) lacks() bool { return a.checks.appended > a.last && !a.unordered }

// advance records the position of an append by this worker, or 0 if it is not known.
func (a *actor) advance(p store.Position) {
	a.checks.appended = max(a.checks.appended, p)
	if p == a.last+1 {
		a.last = p
	}
}

// check begins a check if one is due.
func (a *actor) check(now time.Time) {
	c := &a.checks
	c.plan(now, a.worker.config.Takeover)
	due := c.due()
	if a.room == nil || a.unordered || c.running || !a.lacks() && (due.IsZero() || now.Before(due)) {
		return
	}
	c.running, c.soon, c.notBefore = true, time.Time{}, now.Add(checkPause)
	if !now.Before(c.late) {
		c.late = time.Time{}
	}
	checked, after, appended := a.room, a.last, c.appended
	var r repetition
	var run func()
	run = func() {
		log, err := a.loadAfter(after)
		if a.repeat(&r, err, run) {
			return
		}
		a.worker.checks.done(a.worker.config.Runtime.Go)
		a.mail.Post(func() { a.guarded(func() { a.checked(checked, appended, log, err) }) })
	}
	a.worker.checks.run(a.worker.config.Runtime.Go, run)
}

// loadAfter loads the entries after a position. It runs concurrently with the turns.
func (a *actor) loadAfter(p store.Position) (log store.Log, err error) {
	defer guard(&err)
	return a.worker.config.Store.LoadAfter(a.worker.working, a.name, p)
}

// checked handles the result of a check of r that began when appended was the largest
// position of an append by this worker.
func (a *actor) checked(r *room.Room, appended store.Position, log store.Log, err error) {
	c := &a.checks
	c.running = false
	switch {
	case a.room != r || r == nil: // it was closed meanwhile, and perhaps deleted
		return
	case err == nil:
		c.failed = false
		if a.merge(log) {
			a.last = max(a.last, log.Last(), appended)
		}
	case errors.Is(err, errors.ErrUnsupported):
		a.unordered = true
	case errors.Is(err, store.ErrNotFound):
		a.unordered = a.last > 0 || appended > 0 // the store drops all entries
	default:
		a.checkFailed(err)
	}
}

// checkFailed handles the error of a check. A room that is known to lack stored entries
// is closed: the next load returns all of them. Otherwise the check is tried again.
func (a *actor) checkFailed(err error) {
	_, panicked := errors.AsType[*bug](err)
	c := &a.checks
	switch {
	case a.lacks(), panicked, errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrDeleted):
		a.fail(err, loadFailure)
		return
	case a.worker.working.Err() != nil:
		return
	case !c.failed:
		a.worker.config.Logger.Warn("The store could not be read to check whether another worker has changed a room. "+
			"The check is repeated. Until it succeeds, the room may lack changes by that worker; nothing is lost. Check the store.",
			"room", a.name, "error", err)
	}
	c.failed = true
	c.late = a.worker.config.Runtime.Now().Add(a.worker.config.Takeover)
}

// merge adds entries of the log to the room, which broadcasts what is new. The broadcasts
// have later Marks than all outputs that wait for the store, and are sent after them.
// merge reports whether the room is still open.
func (a *actor) merge(log store.Log) bool {
	now := a.worker.config.Runtime.Now()
	bytes := 0
	for _, e := range log.Entries {
		effects, err := a.room.Merge(now, e.Data, blocks.Encoding(e.Encoding))
		if err != nil {
			a.fail(err, loadFailure)
			return false
		}
		a.stored = true
		a.take(effects)
		if a.closed != nil { // the layer has panicked
			return false
		}
		a.compaction.tail.add(len(e.Data), now)
		bytes += len(e.Data)
	}
	if len(log.Entries) > 0 {
		report(a.worker, a.worker.config.Events.Merged, MergeInfo{Room: a.name, Entries: len(log.Entries), Bytes: bytes})
	}
	return true
}
