package sqlitestore

import (
	"fmt"
	"maps"
	"sync"

	"github.com/yroom/yroom/store"
)

// maxUnawaited bounds the number of rooms in unawaited.
const maxUnawaited = 100_000

// unawaited records what an append for which no call waits must know about its room,
// for rooms at store.DurabilityNone.
type unawaited struct {
	mu    sync.Mutex
	rooms map[string]error // rooms that exist, with the error of the last append for which no call waited
}

// allowed reports whether an append to the room may return before it is written.
// It may not if the room isn't known to exist: the append could be refused. The
// error is that of an earlier append; it is returned once.
func (u *unawaited) allowed(room string) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	err, known := u.rooms[room]
	if err != nil {
		delete(u.rooms, room)
		return false, fmt.Errorf("%w: %w", store.ErrLost, err)
	}
	return known, nil
}

// learn records the result of r.
func (u *unawaited) learn(r *request) {
	if r.level != store.DurabilityNone || r.kind == requestFlush {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	earlier, known := u.rooms[r.room]
	switch {
	case r.err != nil && r.done == nil:
		u.rooms[r.room] = r.err
	case r.err == nil && r.kind == requestDelete, r.err != nil && earlier == nil:
		delete(u.rooms, r.room)
	case r.err == nil && (!known || r.kind == requestCreate):
		u.rooms[r.room] = nil
	}
	if len(u.rooms) > maxUnawaited {
		maps.DeleteFunc(u.rooms, func(_ string, err error) bool { return err == nil })
	}
}

// lost returns the errors that no call has returned yet.
func (u *unawaited) lost() (errs []error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for room, err := range u.rooms {
		if err != nil {
			errs = append(errs, fmt.Errorf("an update of room %q was lost: %w", room, err))
		}
	}
	return errs
}
