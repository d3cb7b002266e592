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
	size          int                 // of all states
	encoded       []byte              // what Encode returns; nil: to be encoded
	full          bool                // a state was ignored because the room had no capacity for it
	removals      map[uint64]removal  // by client id: states that were removed within the timeout
	removedCount  int                 // how many states were ever removed
	lastForgotten removal             // the last removal that was not added to removals because there were too many
	deadline      time.Time           // no state expires and no renewal is due before this time; zero if there is no state
	renewals      map[uint64]struct{} // by client id: states that Renewals has not returned; nil if there are none
	unseen        map[uint64]struct{} // by client id: states that some clients show only once their clock has increased, because they have received a removal; nil if there are none

	members  map[uint64]*member // by connection
	holders  map[uint64]uint64  // by client id: the connection that holds it
	claims   map[uint64]claim   // by client id: the claim on it, which has a holder
	claimed  int                // the size of all claims
	disputed []uint64           // what Disputed returns
	returned []returned         // what Returned returns
}

// member is a connection.
type member struct {
	user  string
	since int    // what removedCount was when it joined
	owned owned  // the states that it owns
	own   uint64 // its own client id, which it may hold or claim; 0: not known
	shown bool   // it has sent more than one state of own, so it doesn't only forward the state of another connection
}

type presence struct {
	clock   uint64
	state   []byte // JSON, not null; owned
	owner   uint64 // a connection
	renewed time.Time
}

// size returns the size of the state in the room, 0 if p is the zero value.
func (p presence) size() int { return sizeOf(p.state) }

// owned is the number and the size of the states that a connection owns.
type owned struct{ count, size int }

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

// returned is a client whose state was removed, and whose connection has brought it back
// with the same clock.
type returned struct{ conn, id, clock uint64 }

// New returns an Awareness without states.
func New(cfg Config) *Awareness {
	return &Awareness{
		cfg:      cfg.withDefaults(),
		states:   make(map[uint64]presence),
		removals: make(map[uint64]removal),
		members:  make(map[uint64]*member),
		holders:  make(map[uint64]uint64),
		claims:   make(map[uint64]claim),
	}
}

// Join registers a connection of a user, whose name is empty if it isn't known. The
// connection may send a state that was removed before the Join, and the state is then
// back: it can't be a copy that the connection received before the removal.
func (a *Awareness) Join(conn uint64, user string) {
	m := a.member(conn)
	m.user, m.since = user, a.removedCount
}

// member returns the member of a connection.
func (a *Awareness) member(conn uint64) *member {
	m := a.members[conn]
	if m == nil {
		m = new(member)
		a.members[conn] = m
	}
	return m
}

// Apply applies an update, which it borrows, from a connection. It returns the entries
// that it accepted as a new update, or nil if there are none. A state that only has a new clock
// is not among them: Renewals returns it. On an error,
// ErrMalformed or ErrLimit, no state changes. own is the client id of the program at the
// connection, see Own, or 0 if it isn't known.
//
// A state is accepted if its clock is higher than the known one, which is 0 for an
// unknown client; so the first state of a client must have a clock of at least 1. The
// clock of a state that was removed within the timeout is still known. But a
// connection that joined after the removal may bring the state back with the same
// clock, as clients do when they reconnect. Clients that connect later see that state
// at once. Clients that have seen the removal refuse this clock, as y-protocols does,
// and see the client from its next state on, for which Returned asks it.
//
// A connection holds its own client id from its first state until it leaves. A state of
// that client from a connection of another user is not accepted meanwhile. If it is the
// other connection's own client id too, it is a claim, see Disputed.
//
// Null is accepted from the owner only, if its clock is at least the known one. An
// entry whose clock is out of range (see maxClock and maxJump) is ignored. So is a state
// for which the room has no capacity left (see Config.RoomSize): the connection would do
// no harm, and its client may be the one that has the least of all.
func (a *Awareness) Apply(conn, own uint64, update []byte, now time.Time) (changed []byte, err error) {
	var accepted []entry
	m := a.member(conn)
	if m.own == 0 {
		m.own = own
	}
	has, size := m.owned, a.size // after what was accepted
	full := false
	err = each(update, func(e entry) error {
		known, held := a.states[e.id]
		if err := a.check(e, known.state); err != nil {
			return err
		}
		i := slices.IndexFunc(accepted, func(x entry) bool { return x.id == e.id })
		if i >= 0 {
			known = presence{clock: accepted[i].clock, state: accepted[i].state, owner: conn}
			held = accepted[i].state != nil
		}
		if i < 0 && !held {
			known.clock = a.removals[e.id].clock
		}
		switch {
		case known.clock > 0 && e.clock > known.clock+maxJump, known.clock == 0 && e.clock > maxClock:
			return nil
		case e.state == nil:
			a.withdraw(conn, e.id)
			if !held || known.owner != conn || e.clock < known.clock {
				return nil
			}
		case held && e.clock == known.clock && e.id == m.own && known.owner != conn &&
			bytes.Equal(e.state, known.state) && !a.heldByAnother(conn, m, e.id):
			// Another connection has forwarded the state, or the user has reconnected.
		case held && e.clock <= known.clock:
			return nil
		case i >= 0 && e.clock <= known.clock, i < 0 && !held && e.clock < a.lowestClock(m, e.id, now):
			return nil
		}
		if a.heldByAnother(conn, m, e.id) {
			if e.id == m.own {
				a.claim(conn, e, now)
			}
			return nil
		}
		before, after, then := known.size(), sizeOf(e.state), has
		if held && known.owner == conn {
			then.add(-1, -before)
		}
		if e.state != nil {
			then.add(1, after)
		}
		if then.count > a.cfg.IDs {
			return fmt.Errorf("%w: more than %d client ids from one connection", ErrLimit, a.cfg.IDs)
		}
		if after > before && size-before+after > a.capacity(then.size) {
			full = true
			return nil
		}
		has, size = then, size-before+after
		if i >= 0 {
			accepted[i] = e
		} else {
			accepted = append(accepted, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.answered(conn, m)
	a.full = a.full || full
	shown := accepted[:0]
	for _, e := range accepted {
		if a.renews(e) {
			a.set(conn, e, now)
			a.addRenewal(e.id, now)
			continue
		}
		shown = append(shown, e)
		delete(a.renewals, e.id)
		g, removed := a.removals[e.id]
		removed = removed && !a.expired(g.at, now)
		if removed && e.state != nil && e.id == m.own && e.clock == g.clock {
			a.returned = append(a.returned, returned{conn, e.id, e.clock})
		}
		if e.state == nil {
			m.shown = m.shown || e.id == m.own
			a.remove(e.id, e.clock, now)
		} else {
			a.set(conn, e, now)
		}
	}
	return encodeAny(shown), nil
}

// lowestClock returns the lowest clock of a state that m may set for a client that has
// no state.
func (a *Awareness) lowestClock(m *member, id uint64, now time.Time) uint64 {
	g, ok := a.removals[id]
	if !ok && m.since < a.lastForgotten.serial {
		g, ok = a.lastForgotten, true // the state may be older than a removal that is not remembered
	}
	switch {
	case !ok || a.expired(g.at, now):
		return 1
	case m.since >= g.serial:
		return g.clock
	}
	return g.clock + 1
}

// Returned calls each for each connection that has, since the last call, brought back its
// own state that was removed. null is an update that the connection must be sent: null with
// the clock of that state. As y-protocols demands, its client then raises its clock, and
// stock clients send the state again. So those that have seen the removal see the client
// again.
func (a *Awareness) Returned(each func(conn uint64, null []byte)) {
	for _, r := range a.returned {
		if p, held := a.states[r.id]; held && p.owner == r.conn && p.clock == r.clock {
			each(r.conn, encode([]entry{{id: r.id, clock: r.clock}}))
		}
	}
	a.returned = a.returned[:0]
}

func (a *Awareness) set(conn uint64, e entry, now time.Time) {
	m := a.member(conn)
	p, held := a.states[e.id]
	if m.own == e.id {
		m.shown = m.shown || held && p.owner == conn
		a.hold(conn, e.id)
	}
	if held {
		a.disown(p)
	}
	state := p.state[:0]
	if cap(state) > 2*len(e.state)+stateCost { // a state that has shrunk must not keep its former memory
		state = nil
	}
	p = presence{e.clock, append(state, e.state...), conn, now}
	a.states[e.id] = p
	m.owned.add(1, p.size())
	a.size += p.size()
	a.encoded = nil
	a.noteUnseen(e.id, a.removals[e.id].clock >= e.clock)
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
	a.disown(p)
	delete(a.states, id)
	delete(a.renewals, id)
	delete(a.unseen, id)
	a.encoded = nil
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

func (a *Awareness) noteUnseen(id uint64, unseen bool) {
	if !unseen {
		delete(a.unseen, id)
		return
	}
	if a.unseen == nil {
		a.unseen = make(map[uint64]struct{})
	}
	a.unseen[id] = struct{}{}
}

// disown undoes what set has counted for a state.
func (a *Awareness) disown(p presence) {
	a.size -= p.size()
	a.members[p.owner].owned.add(-1, -p.size())
}

func (o *owned) add(count, size int) { o.count, o.size = o.count+count, o.size+size }

// renews reports whether an entry that is accepted shows nothing new.
func (a *Awareness) renews(e entry) bool {
	known, held := a.states[e.id]
	_, unseen := a.unseen[e.id]
	return held && !unseen && e.state != nil && bytes.Equal(e.state, known.state)
}

// addRenewal records that a client has renewed its state.
func (a *Awareness) addRenewal(id uint64, now time.Time) {
	if a.renewals == nil {
		a.renewals = make(map[uint64]struct{})
	}
	a.renewals[id] = struct{}{}
	if due := now.Add(renewalDelay); due.Before(a.deadline) {
		a.deadline = due
	}
}

// Renewals returns an update with the states that have only been renewed since the last call, or
// nil if there are none. It is not urgent, because clients show what they showed before, but
// due at the Deadline.
func (a *Awareness) Renewals() []byte {
	var entries []entry
	for id := range a.renewals {
		p := a.states[id]
		entries = append(entries, entry{id, p.clock, p.state})
	}
	a.renewals = nil
	return encodeAny(entries)
}

// Full reports whether a state was ever ignored because the room had no capacity for it.
func (a *Awareness) Full() bool { return a.full }

// Encode returns all states as an update, or nil if there are none. It is encoded once
// until a state changes; the caller must not change it.
func (a *Awareness) Encode() []byte {
	if len(a.states) == 0 || a.encoded != nil {
		return a.encoded
	}
	all := make([]entry, 0, len(a.states))
	for id, p := range a.states {
		all = append(all, entry{id, p.clock, p.state})
	}
	a.encoded = encode(all)
	return a.encoded
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
// the clients, or nil if conn owned none. If its client id is claimed, the claimant
// holds it from then on, and the update has the claimant's state. Updates that conn has
// sent must not be passed to Apply afterwards, because they could bring these states
// back.
func (a *Awareness) Leave(conn uint64, now time.Time) []byte {
	m := a.members[conn]
	if m == nil {
		return nil
	}
	entries := a.yield(conn, m, now)
	a.withdraw(conn, m.own)
	if holder, held := a.holders[m.own]; held && holder == conn {
		delete(a.holders, m.own)
		a.dropClaim(m.own)
	}
	if m.owned.count > 0 {
		entries = a.removeMatching(entries, now, func(p presence) bool { return p.owner == conn })
	}
	delete(a.members, conn)
	return encodeAny(entries)
}

// Expire removes the states that weren't renewed for the timeout and returns an update
// that removes them at the clients, or nil if there were none.
func (a *Awareness) Expire(now time.Time) []byte {
	a.forgetRemovals(now)
	removed := a.removeMatching(nil, now, func(p presence) bool { return a.expired(p.renewed, now) })
	a.deadline = time.Time{}
	for _, p := range a.states {
		if end := p.renewed.Add(a.cfg.Timeout); a.deadline.IsZero() || end.Before(a.deadline) {
			a.deadline = end
		}
	}
	return encodeAny(removed)
}

// forgetRemovals drops the removals that are older than the timeout.
func (a *Awareness) forgetRemovals(now time.Time) {
	maps.DeleteFunc(a.removals, func(_ uint64, g removal) bool { return a.expired(g.at, now) })
}

// expired reports whether the timeout has passed since at.
func (a *Awareness) expired(at, now time.Time) bool { return now.Sub(at) >= a.cfg.Timeout }

// removeMatching removes the states for which match returns true, and appends entries
// that do the same. They have the last known clock, because only a client itself may
// increase its clock.
func (a *Awareness) removeMatching(entries []entry, now time.Time, match func(presence) bool) []entry {
	for id, p := range a.states {
		if match(p) {
			entries = append(entries, entry{id: id, clock: p.clock})
			a.remove(id, p.clock, now)
		}
	}
	return entries
}

// Deadline returns when Renewals and Expire should be called next. Before that Expire has
// nothing to remove. Deadline is zero if no client is present.
func (a *Awareness) Deadline() time.Time { return a.deadline }
