// Package awareness holds who is present in one room: a state per client id,
// as y-protocols defines it, with the connection that it came from.
//
// An awareness update is a list of (client id, clock, state); a state is JSON,
// and null says that the client is gone. This package adds to the protocol
// that one connection owns each client id: the one whose state was accepted
// last. Stock clients send on what they hear of the others, so an update says
// nothing about who sent it; without an owner, the farewell of a broken line
// would remove the person who has come back on a new one.
//
// All updates that this package gives out list the clients by ascending id,
// each once.
package awareness

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/internal/lib0"
)

var (
	// ErrMalformed means that an update can't be read, or that a state in it
	// would make the clients that receive it throw.
	ErrMalformed = errors.New("awareness: malformed")
	// ErrLimit means that an update is over a limit. The error says which.
	ErrLimit = errors.New("awareness: over the limit")
)

// Config sets the limits. Zero values mean the defaults.
type Config struct {
	Timeout time.Duration // remove a state that wasn't renewed for so long; 30 s
	IDs     int           // how many client ids one connection may own; 16
	Size    int           // how many bytes one state may have; 64 KiB
}

// Awareness is who is present.
type Awareness struct {
	cfg      Config
	states   map[uint64]present // by client id
	owned    map[uint64]int     // how many states each connection owns, where it owns any
	gone     map[uint64]gone    // by client id: whose state was removed not long ago
	removed  int                // how many states were ever removed
	missed   gone               // the last removal that there was no room to remember
	joined   map[uint64]int     // what removed was when each connection joined
	deadline time.Time          // no state lapses before; zero if there is none
}

type present struct {
	clock   uint64
	state   []byte // JSON, not null; owned
	owner   uint64 // a connection
	renewed time.Time
}

// gone remembers a state that was removed. Stock clients send on what they hear
// of the others, so its echo may still come from somebody who has not heard of
// the removal. It must not bring the state back.
type gone struct {
	clock uint64
	at    time.Time
	nth   int // of all removals
}

const (
	// maxGone bounds how many removals are remembered.
	maxGone = 4096
	// maxClock is the highest clock of a client that isn't known yet, and
	// maxJump is how far a clock may go up at once. Clients take over the clock
	// that others claim for them, and beyond 2^53 theirs would go up no more.
	maxClock = 1 << 40
	maxJump  = 1 << 20
)

// New returns an Awareness of nobody.
func New(cfg Config) *Awareness {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.IDs == 0 {
		cfg.IDs = 16
	}
	if cfg.Size == 0 {
		cfg.Size = 64 << 10
	}
	return &Awareness{
		cfg:    cfg,
		states: make(map[uint64]present),
		owned:  make(map[uint64]int),
		gone:   make(map[uint64]gone),
		joined: make(map[uint64]int),
	}
}

// Join says that conn is there from now on. What it will send can be no echo of
// a state that was removed before.
func (a *Awareness) Join(conn uint64) { a.joined[conn] = a.removed }

// Apply takes an update, which it borrows, from a connection. It returns what
// it accepted, as a new update, or nil where that is nothing. An error,
// ErrMalformed or ErrLimit, changes nothing.
//
// A state is accepted if its clock is higher than the one known, 0 if none is;
// so a client's first state has to have a clock of at least 1. A state that was
// removed within the timeout is known by its last clock. A connection that
// joined after that may bring it back with the same clock: those who come back
// on a new line do. They are shown to newcomers at once; those who saw them
// leave refuse that clock, as y-protocols does, and see them from the next on.
//
// Null is accepted from the owner alone, if its clock is at least the one known.
// What has a clock out of reach (see maxClock and maxJump) is ignored.
func (a *Awareness) Apply(conn uint64, update []byte, now time.Time) (changed []byte, err error) {
	var accepted []entry
	owned := a.owned[conn]
	err = each(update, func(e entry) error {
		known, held := a.states[e.id]
		if err := a.check(e, known.state); err != nil {
			return err
		}
		i := slices.IndexFunc(accepted, func(x entry) bool { return x.id == e.id })
		if i >= 0 {
			known = present{clock: accepted[i].clock, owner: conn}
			held = accepted[i].state != nil
		}
		if i < 0 && !held {
			known.clock = a.gone[e.id].clock
		}
		switch {
		case known.clock > 0 && e.clock > known.clock+maxJump, known.clock == 0 && e.clock > maxClock:
			return nil
		case e.state == nil:
			if !held || known.owner != conn || e.clock < known.clock {
				return nil
			}
			owned--
		case held && e.clock <= known.clock:
			return nil
		case i >= 0 && e.clock <= known.clock, i < 0 && !held && e.clock < a.lowest(conn, e.id, now):
			return nil
		case !held || known.owner != conn:
			owned++
		}
		if owned > a.cfg.IDs {
			return fmt.Errorf("%w: more than %d client ids from one connection", ErrLimit, a.cfg.IDs)
		}
		if i >= 0 {
			accepted[i] = e
		} else {
			accepted = append(accepted, e)
		}
		return nil
	})
	if err != nil || len(accepted) == 0 {
		return nil, err
	}
	for _, e := range accepted {
		if e.state == nil {
			a.remove(e.id, e.clock, now)
		} else {
			a.set(conn, e, now)
		}
	}
	return encode(accepted), nil
}

// lowest is the lowest clock at which conn may show a client whose state is not held.
func (a *Awareness) lowest(conn, id uint64, now time.Time) uint64 {
	g, ok := a.gone[id]
	if !ok && a.joined[conn] < a.missed.nth {
		g, ok = a.missed, true // it may be an echo of one who isn't remembered
	}
	switch {
	case !ok || a.lapsed(g.at, now):
		return 1
	case a.joined[conn] >= g.nth:
		return g.clock
	}
	return g.clock + 1
}

// check checks a state; known is nil where none is. Most entries repeat what is
// known and need no check, because each client sends on what it hears.
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

func (a *Awareness) set(conn uint64, e entry, now time.Time) {
	p, held := a.states[e.id]
	if held && p.owner != conn {
		a.disown(p.owner)
	}
	if !held || p.owner != conn {
		a.owned[conn]++
	}
	a.states[e.id] = present{e.clock, append(p.state[:0], e.state...), conn, now}
	delete(a.gone, e.id)
	if a.deadline.IsZero() {
		a.deadline = now.Add(a.cfg.Timeout)
	}
}

func (a *Awareness) remove(id, clock uint64, now time.Time) {
	p, held := a.states[id]
	if !held {
		return
	}
	a.disown(p.owner)
	delete(a.states, id)
	if len(a.states) == 0 {
		a.deadline = time.Time{}
	}
	a.removed++
	if len(a.gone) == maxGone {
		a.forget(now)
	}
	g := gone{clock, now, a.removed}
	if len(a.gone) < maxGone {
		a.gone[id] = g
	} else {
		g.clock = maxClock
		a.missed = g
	}
}

func (a *Awareness) disown(conn uint64) {
	if a.owned[conn]--; a.owned[conn] == 0 {
		delete(a.owned, conn)
	}
}

// Encode gives all states as an update, nil if there are none.
func (a *Awareness) Encode() []byte {
	if len(a.states) == 0 {
		return nil
	}
	all := make([]entry, 0, len(a.states))
	for id, p := range a.states {
		all = append(all, entry{id, p.clock, p.state})
	}
	return encode(all)
}

// Leave removes the states that conn owns and returns the update that says so,
// nil if it owned none. Nothing that conn sent may be given to Apply afterwards:
// it would bring the dead back.
func (a *Awareness) Leave(conn uint64, now time.Time) []byte {
	delete(a.joined, conn)
	if a.owned[conn] == 0 {
		return nil
	}
	return a.removeAll(now, func(p present) bool { return p.owner == conn })
}

// Expire removes the states that weren't renewed for the timeout and returns
// the update that says so, nil if there were none.
func (a *Awareness) Expire(now time.Time) []byte {
	a.forget(now)
	removed := a.removeAll(now, func(p present) bool { return a.lapsed(p.renewed, now) })
	a.deadline = time.Time{}
	for _, p := range a.states {
		if end := p.renewed.Add(a.cfg.Timeout); a.deadline.IsZero() || end.Before(a.deadline) {
			a.deadline = end
		}
	}
	return removed
}

// forget drops the removals that were remembered for the timeout.
func (a *Awareness) forget(now time.Time) {
	maps.DeleteFunc(a.gone, func(_ uint64, g gone) bool { return a.lapsed(g.at, now) })
}

// lapsed tells whether the timeout is over for what happened at the given time.
func (a *Awareness) lapsed(at, now time.Time) bool { return now.Sub(at) >= a.cfg.Timeout }

// removeAll tells of a removal with the last clock known: only a client itself
// may raise its clock.
func (a *Awareness) removeAll(now time.Time, which func(present) bool) []byte {
	var gone []entry
	for id, p := range a.states {
		if which(p) {
			gone = append(gone, entry{id: id, clock: p.clock})
			a.remove(id, p.clock, now)
		}
	}
	if gone == nil {
		return nil
	}
	return encode(gone)
}

// Deadline is when to call Expire next: before that it has nothing to remove.
// It is zero if nobody is present.
func (a *Awareness) Deadline() time.Time { return a.deadline }
