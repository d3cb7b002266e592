package awareness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

var (
	// ErrMalformed means that an update can't be read, or that a state in it would make
	// receiving clients throw.
	ErrMalformed = errors.New("awareness: malformed")
	// ErrLimit means that an update exceeds a limit, which the error names.
	ErrLimit = errors.New("awareness: over the limit")
)

// Awareness is the awareness states of one room.
type Awareness struct {
	cfg           Config
	states        map[uint64]presence // by client id
	ownedCount    map[uint64]int      // by connection: how many states it owns; absent if none
	removals      map[uint64]removal  // by client id: states that were removed within the timeout
	removedCount  int                 // how many states were ever removed
	lastForgotten removal             // the last removal that was not added to removals because there were too many
	joined        map[uint64]int      // by connection: what removedCount was when it joined
	deadline      time.Time           // no state expires before this time; zero if there is no state
}

type presence struct {
	clock   uint64
	state   []byte // JSON, not null; owned
	owner   uint64 // a connection
	renewed time.Time
}

// State is the state of one client.
type State struct {
	Client, Clock uint64
	Conn          uint64    // the connection that owns it
	JSON          []byte    // never null
	Renewed       time.Time // when its connection last sent it
}

// removal is a state that was removed. Stock clients forward the states of others, so
// the state may still come from a client that has not received the removal. That must
// not bring it back.
type removal struct {
	clock  uint64
	at     time.Time
	serial int // what removedCount was after it
}

// New returns an Awareness without states.
func New(cfg Config) *Awareness {
	return &Awareness{
		cfg:        cfg.withDefaults(),
		states:     make(map[uint64]presence),
		ownedCount: make(map[uint64]int),
		removals:   make(map[uint64]removal),
		joined:     make(map[uint64]int),
	}
}

// Join registers a connection. The connection may send a state that was removed before
// the Join, and the state is then back: it can't be a copy that the connection received
// before the removal.
func (a *Awareness) Join(conn uint64) { a.joined[conn] = a.removedCount }

// Apply applies an update, which it borrows, from a connection. It returns the entries
// that it accepted as a new update, or nil if there are none. On an error,
// ErrMalformed or ErrLimit, nothing changes.
//
// A state is accepted if its clock is higher than the known one, which is 0 for an
// unknown client; so the first state of a client must have a clock of at least 1. The
// clock of a state that was removed within the timeout is still known. But a
// connection that joined after the removal may bring the state back with the same
// clock, as clients do when they reconnect. Clients that connect later see that state
// at once. Clients that have seen the removal refuse this clock, as y-protocols does,
// and see the client from its next state on.
//
// Null is accepted from the owner only, if its clock is at least the known one. An
// entry whose clock is out of range (see maxClock and maxJump) is ignored.
func (a *Awareness) Apply(conn uint64, update []byte, now time.Time) (changed []byte, err error) {
	var accepted []entry
	owned := a.ownedCount[conn]
	err = each(update, func(e entry) error {
		known, held := a.states[e.id]
		if err := a.check(e, known.state); err != nil {
			return err
		}
		i := slices.IndexFunc(accepted, func(x entry) bool { return x.id == e.id })
		if i >= 0 {
			known = presence{clock: accepted[i].clock, owner: conn}
			held = accepted[i].state != nil
		}
		if i < 0 && !held {
			known.clock = a.removals[e.id].clock
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
		case i >= 0 && e.clock <= known.clock, i < 0 && !held && e.clock < a.lowestClock(conn, e.id, now):
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

// lowestClock returns the lowest clock of a state that conn may set for a client that
// has no state.
func (a *Awareness) lowestClock(conn, id uint64, now time.Time) uint64 {
	g, ok := a.removals[id]
	if !ok && a.joined[conn] < a.lastForgotten.serial {
		g, ok = a.lastForgotten, true // the state may be older than a removal that is not remembered
	}
	switch {
	case !ok || a.expired(g.at, now):
		return 1
	case a.joined[conn] >= g.serial:
		return g.clock
	}
	return g.clock + 1
}

func (a *Awareness) set(conn uint64, e entry, now time.Time) {
	p, held := a.states[e.id]
	if held && p.owner != conn {
		a.disown(p.owner)
	}
	if !held || p.owner != conn {
		a.ownedCount[conn]++
	}
	a.states[e.id] = presence{e.clock, append(p.state[:0], e.state...), conn, now}
	delete(a.removals, e.id)
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
	a.removedCount++
	if len(a.removals) == maxRemovals {
		a.forgetRemovals(now)
	}
	g := removal{clock, now, a.removedCount}
	if len(a.removals) < maxRemovals {
		a.removals[id] = g
	} else {
		g.clock = maxClock
		a.lastForgotten = g
	}
}

func (a *Awareness) disown(conn uint64) {
	if a.ownedCount[conn]--; a.ownedCount[conn] == 0 {
		delete(a.ownedCount, conn)
	}
}

// Encode returns all states as an update, or nil if there are none. The caller owns
// the result.
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

// States returns the states of all clients that are present, by ascending client id.
// The caller owns the result.
func (a *Awareness) States() []State {
	all := make([]State, 0, len(a.states))
	for id, p := range a.states {
		all = append(all, State{id, p.clock, p.owner, bytes.Clone(p.state), p.renewed})
	}
	slices.SortFunc(all, func(a, b State) int { return cmp.Compare(a.Client, b.Client) })
	return all
}

// Len returns how many clients are present.
func (a *Awareness) Len() int { return len(a.states) }

// Leave removes the states that conn owns and returns an update that removes them at
// the clients, or nil if conn owned none. Updates that conn has sent must not be passed
// to Apply afterwards, because they could bring these states back.
func (a *Awareness) Leave(conn uint64, now time.Time) []byte {
	delete(a.joined, conn)
	if a.ownedCount[conn] == 0 {
		return nil
	}
	return a.removeMatching(now, func(p presence) bool { return p.owner == conn })
}

// Expire removes the states that weren't renewed for the timeout and returns an update
// that removes them at the clients, or nil if there were none.
func (a *Awareness) Expire(now time.Time) []byte {
	a.forgetRemovals(now)
	removed := a.removeMatching(now, func(p presence) bool { return a.expired(p.renewed, now) })
	a.deadline = time.Time{}
	for _, p := range a.states {
		if end := p.renewed.Add(a.cfg.Timeout); a.deadline.IsZero() || end.Before(a.deadline) {
			a.deadline = end
		}
	}
	return removed
}

// forgetRemovals drops the removals that are older than the timeout.
func (a *Awareness) forgetRemovals(now time.Time) {
	maps.DeleteFunc(a.removals, func(_ uint64, g removal) bool { return a.expired(g.at, now) })
}

// expired reports whether the timeout has passed since at.
func (a *Awareness) expired(at, now time.Time) bool { return now.Sub(at) >= a.cfg.Timeout }

// removeMatching removes the states for which match returns true. The entries of its
// update have the last known clock, because only a client itself may increase its
// clock.
func (a *Awareness) removeMatching(now time.Time, match func(presence) bool) []byte {
	var entries []entry
	for id, p := range a.states {
		if match(p) {
			entries = append(entries, entry{id: id, clock: p.clock})
			a.remove(id, p.clock, now)
		}
	}
	if entries == nil {
		return nil
	}
	return encode(entries)
}

// Deadline returns when Expire should be called next. Before that it has nothing to
// remove. Deadline is zero if no client is present.
func (a *Awareness) Deadline() time.Time { return a.deadline }
