package djangostore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
)

const (
	longestFactor = 10               // times Config.Delay is the longest delay while changes continue
	retryPause    = time.Minute      // after a row that couldn't be written
	saveTimeout   = 40 * time.Second // of one row
	endTimeout    = 10 * time.Second // of all rows when the Store is closed
)

// unsaved is the rooms whose rows lack something.
type unsaved struct {
	mu    sync.Mutex
	rooms map[string]*span
	wake  chan struct{} // has an item if a room was added, or is due earlier
}

// span is when a room was changed since its row was written.
type span struct {
	first, last time.Time
	due         bool      // at once
	notBefore   time.Time // after a failure
}

func newUnsaved() unsaved {
	return unsaved{rooms: map[string]*span{}, wake: make(chan struct{}, 1)}
}

// changed says that the row of a room lacks something.
func (s *Store) changed(room string) {
	if !fits(room) {
		return
	}
	now := time.Now()
	u := &s.unsaved
	u.mu.Lock()
	defer u.mu.Unlock()
	if known := u.rooms[room]; known != nil {
		known.last = now
		return
	}
	u.rooms[room] = &span{first: now, last: now}
	u.poke()
}

// poke is called with mu locked.
func (u *unsaved) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// forget says that nothing is to be written to the row of a room.
func (u *unsaved) forget(room string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.rooms, room)
}

// Evicted says that a room has left memory, so that its row is written at once if it lacks
// something. It doesn't wait for that.
func (s *Store) Evicted(room string) {
	u := &s.unsaved
	u.mu.Lock()
	defer u.mu.Unlock()
	if known := u.rooms[room]; known != nil {
		known.due = true
		u.poke()
	}
}

// take removes a room that is due from the rooms, and returns it. If there is none, it returns
// when the next one is due, or the zero time if there are no rooms.
func (s *Store) take(now time.Time) (room string, changed *span, next time.Time) {
	u := &s.unsaved
	u.mu.Lock()
	defer u.mu.Unlock()
	for room, known := range u.rooms {
		due := known.dueAt(s.config.Delay(room))
		if !due.After(now) {
			delete(u.rooms, room)
			return room, known, time.Time{}
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return "", nil, next
}

func (s *span) dueAt(delay time.Duration) time.Time {
	at := s.last.Add(delay)
	if latest := s.first.Add(longestFactor * delay); latest.Before(at) {
		at = latest
	}
	if s.due {
		at = s.first
	}
	if at.Before(s.notBefore) {
		at = s.notBefore
	}
	return at
}

// again adds a room whose row couldn't be written.
func (u *unsaved) again(room string, failed *span) {
	u.mu.Lock()
	defer u.mu.Unlock()
	failed.notBefore = time.Now().Add(retryPause)
	u.rooms[room] = failed
}

// saveRows writes rows until ctx ends.
func (s *Store) saveRows(ctx context.Context) {
	s.sweepLogged(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		room, changed, next := s.take(time.Now())
		if room != "" {
			s.saveLogged(ctx, room, changed)
			continue
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.unsaved.wake:
		}
	}
}

// saveRest writes all rows, when the Store is closed.
func (s *Store) saveRest() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if !s.swept {
		s.sweepLogged(ctx)
	}
	s.unsaved.mu.Lock()
	rest := s.unsaved.rooms
	s.unsaved.rooms = map[string]*span{}
	s.unsaved.mu.Unlock()
	left := len(rest)
	for room, changed := range rest {
		if ctx.Err() != nil {
			break
		}
		if s.saveLogged(ctx, room, changed) {
			left--
		}
	}
	if left > 0 {
		s.config.Logger.Warn("Some rows of channels_yroom_ydocupdate could not be written. Nothing is lost, but a worker of channels-yroom would lack the latest edits of these rooms. "+
			"Start yroom again before you start that worker.", "rooms", left)
	}
}

// saveLogged writes the row of a room, and reports whether it could.
func (s *Store) saveLogged(ctx context.Context, room string, changed *span) bool {
	err := s.save(ctx, room)
	if err == nil {
		return true
	}
	s.unsaved.again(room, changed)
	if ctx.Err() == nil {
		s.config.Logger.Warn("The row of a room in channels_yroom_ydocupdate could not be written. Nothing is lost, because the log of yroom has everything. "+
			"It is tried again after a minute. Check the database.", "room", room, "error", err)
	}
	return false
}

// errChanged means that a row was changed again and again while it was to be written.
var errChanged = errors.New("djangostore: another program changes the row of the room: stop the worker of channels-yroom")

// save writes the row of a room.
func (s *Store) save(ctx context.Context, room string) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	for range 3 {
		old, log, err := s.merge(ctx, room)
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDeleted):
			return nil
		case err != nil:
			return err
		}
		doc := blocks.New()
		doc.HoldPending()
		for i, e := range log.Entries {
			if err := doc.Load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
				return fmt.Errorf("entry %d: %w", log.Positions[i], err)
			}
		}
		doc.Compact()
		if done, err := s.replace(ctx, room, old, row{doc.Encode(blocks.V1), newest(log)}, log.Last()); done || err != nil {
			return err
		}
	}
	return errChanged
}

// replace writes the row of a room, whose log was read up to a position, if it still is old, and
// reports whether it was.
func (s *Store) replace(ctx context.Context, room string, old, r row, last store.Position) (done bool, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if old.exists() { // Delete would have removed it
		return s.table.put(ctx, room, old, r)
	}
	if deleted, err := s.deleted(ctx, room, last); deleted || err != nil {
		return true, err
	}
	if done, err = s.table.put(ctx, room, old, r); !done || err != nil {
		return done, err
	}
	// Another process may have deleted the room at the same moment.
	ctx = context.WithoutCancel(ctx)
	deleted, err := s.deleted(ctx, room, last)
	if deleted {
		err = s.table.remove(ctx, room)
	}
	return true, err
}

// deleted reports whether a room was deleted after its log had been read up to a position.
func (s *Store) deleted(ctx context.Context, room string, last store.Position) (bool, error) {
	_, err := s.log.LoadAfter(ctx, room, last)
	if errors.Is(err, store.ErrDeleted) {
		return true, nil
	}
	return false, err
}
