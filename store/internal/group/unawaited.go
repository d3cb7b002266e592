package group

import (
	"fmt"
	"maps"
	"sync"

	"github.com/yroom/yroom/store"
)

// maxUnawaited bounds the number of rooms in Unawaited.
const maxUnawaited = 100_000

// Unawaited records, for rooms at store.DurabilityNone, what a store must know before an
// append may return without waiting. The zero value is ready to use.
type Unawaited struct {
	mu    sync.Mutex
	rooms map[string]error // rooms that exist, with the error of the last append for which no call waited
}

// Allowed reports whether an append to the room may return before it is written. It may
// not if the room isn't known to exist, because the append could be refused. The error is
// that of an earlier append for which no call waited; it is returned once.
func (u *Unawaited) Allowed(room string) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	err, known := u.rooms[room]
	if err != nil {
		delete(u.rooms, room)
		return false, fmt.Errorf("%w: %w", store.ErrLost, err)
	}
	return known, nil
}

// Change is the effect of a change on the existence of its room.
type Change uint8

// The changes of a room.
const (
	Changed Change = iota // an append or a compaction: the room exists
	Created
	Deleted
)

// Learn records the result of a change of a room at store.DurabilityNone. awaited
// reports whether a call waited for it and returns the error.
func (u *Unawaited) Learn(room string, change Change, awaited bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.rooms == nil {
		u.rooms = map[string]error{}
	}
	earlier, known := u.rooms[room]
	switch {
	case err != nil && !awaited:
		u.rooms[room] = err
	case err == nil && change == Deleted, err != nil && earlier == nil:
		delete(u.rooms, room)
	case err == nil && (!known || change == Created):
		u.rooms[room] = nil
	}
	if len(u.rooms) > maxUnawaited {
		maps.DeleteFunc(u.rooms, func(_ string, err error) bool { return err == nil })
	}
}

// Any reports whether there may have been an append for which no call waited.
func (u *Unawaited) Any() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.rooms) > 0
}

// Lost returns the errors that no call has returned yet.
func (u *Unawaited) Lost() (errs []error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for room, err := range u.rooms {
		if err != nil {
			errs = append(errs, fmt.Errorf("an update of room %q was lost: %w", room, err))
		}
	}
	return errs
}
