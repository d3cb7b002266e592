package awareness

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"github.com/yroom/yroom/internal/lib0"
)

// Config sets the limits. The zero value of a field means its default.
type Config struct {
	Timeout time.Duration // a state that isn't renewed for this long expires; default 30 s
	IDs     int           // how many client ids a connection may own; default 16
	Size    int           // how many bytes a state may have; default 64 KiB
	// RoomSize is how many bytes all states may take together, with about 128 bytes for
	// each in addition to its JSON. The last half is for connections whose states take 1 KiB at
	// most, so that a few large states don't hide everyone else. The default is 2 MiB.
	RoomSize int
}

func (c Config) withDefaults() Config {
	return Config{
		Timeout: cmp.Or(c.Timeout, 30*time.Second),
		IDs:     cmp.Or(c.IDs, 16),
		Size:    cmp.Or(c.Size, 64<<10),

		RoomSize: cmp.Or(c.RoomSize, 2<<20),
	}
}

const (
	stateCost  = 64      // what a state takes in addition to its JSON, approximately
	smallOwner = 1 << 10 // the size of all states of a connection that may take the last half of the capacity
)

// sizeOf returns how many bytes a state takes, 0 for null. It is rounded up, so that a
// cursor that moves doesn't change the size.
func sizeOf(state []byte) int {
	if state == nil {
		return 0
	}
	return 2*stateCost + len(state) - len(state)%stateCost
}

// capacity returns how many bytes all states may take so that a connection may have
// states of the given size.
func (a *Awareness) capacity(size int) int {
	if size > smallOwner {
		return a.cfg.RoomSize / 2
	}
	return a.cfg.RoomSize
}

const (
	// renewalDelay is for how long renewals are collected. Clients renew their states every 15
	// to 18 seconds, and remove a state that wasn't renewed for 30 seconds.
	renewalDelay = 3 * time.Second
	// maxRemovals bounds how many removals are remembered.
	maxRemovals = 4096
	// maxClock is the highest clock of a client that isn't known yet, and maxJump is by
	// how much a clock may increase at once. Clients adopt the clock that others claim
	// for them, and beyond 2^53 it could not increase any more.
	maxClock = 1 << 40
	maxJump  = 1 << 20
)

// check checks a state. known is the client's current state, or nil. Most entries
// repeat it and need no check, because clients forward the states of others.
func (a *Awareness) check(e entry, known []byte) error {
	if len(e.state) > a.cfg.Size {
		return fmt.Errorf("%w: a state of %d bytes, more than %d", ErrLimit, len(e.state), a.cfg.Size)
	}
	if e.state == nil || known != nil && bytes.Equal(e.state, known) {
		return nil
	}
	if err := lib0.CheckJSON(e.state); err != nil {
		return fmt.Errorf("%w: the state of client %d: %w", ErrMalformed, e.id, err)
	}
	return nil
}
