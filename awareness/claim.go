package awareness

import (
	"bytes"
	"slices"
	"time"
)

// A claim is a state from a connection whose own client id is held by another one.
// Either a client has reconnected, and the end of its lost connection is not known yet,
// or it uses the client id of another. Both are treated alike: the claimant holds the
// client id once the holder has left or doesn't answer.
type claim struct {
	conn uint64 // the claimant, whose own client id this is; so a connection has one claim at most
	entry
	at time.Time // of the first state of the claim
}

// claimTimeout is for how long a claim is valid. It is longer than a consumer takes to
// find out that a client doesn't answer.
const claimTimeout = 10 * time.Second

func (c *claim) valid(now time.Time) bool { return now.Sub(c.at) < claimTimeout }

// heldByAnother reports whether a connection of another user holds the client id.
//
// The first state that a connection sends may be one that it forwards, because it has none
// of its own: if the worker of the room was replaced, the room can't tell. So a connection
// that has sent only one state of the client id loses the client id with that state.
func (a *Awareness) heldByAnother(conn uint64, m *member, id uint64) bool {
	holder, held := a.holders[id]
	if !held || holder == conn {
		return false
	}
	h := a.members[holder]
	if _, present := a.states[id]; !present && !h.shown {
		return false
	}
	return m.user == "" || m.user != h.user
}

// hold makes a connection the holder of its client id.
func (a *Awareness) hold(conn, id uint64) {
	if a.holders[id] != conn {
		a.holders[id] = conn
		a.dropClaim(id)
	}
}

// claim records a claim of a connection, unless another one was first.
func (a *Awareness) claim(conn uint64, e entry, now time.Time) {
	c, found := a.claims[e.id]
	found = found && c.valid(now)
	if found && c.conn != conn {
		return
	}
	a.dropClaim(e.id)
	size := sizeOf(e.state)
	if a.claimed+size > a.capacity(size) {
		return // the client will send a state again
	}
	if !found {
		c = claim{conn: conn, at: now}
		if holder := a.holders[e.id]; !slices.Contains(a.disputed, holder) {
			a.disputed = append(a.disputed, holder)
		}
	}
	c.entry = e
	c.state = bytes.Clone(e.state)
	a.claims[e.id] = c
	a.claimed += size
}

// dropClaim drops the claim on a client id, if there is one.
func (a *Awareness) dropClaim(id uint64) {
	a.claimed -= sizeOf(a.claims[id].state)
	delete(a.claims, id)
}

// Disputed returns the connections whose client ids were claimed since the last call.
// The caller has to call Silent for each of them that doesn't answer a ping.
func (a *Awareness) Disputed() []uint64 {
	disputed := a.disputed
	a.disputed = nil
	return disputed
}

// Silent passes the client id of a connection that doesn't answer to the connection that
// claims it. It returns the claimed state as an update, or nil if there is no claim.
func (a *Awareness) Silent(conn uint64, now time.Time) []byte {
	m := a.members[conn]
	if m == nil {
		return nil
	}
	return encodeAny(a.yield(conn, m, now))
}

// yield passes the client id that a connection holds to its claimant.
func (a *Awareness) yield(conn uint64, m *member, now time.Time) []entry {
	c, claimed := a.claims[m.own]
	if !claimed || a.holders[m.own] != conn {
		return nil
	}
	a.dropClaim(m.own)
	owns, before, after := a.members[c.conn].owned, a.states[m.own].size(), sizeOf(c.state)
	if !c.valid(now) || owns.count >= a.cfg.IDs || after > before && a.size-before+after > a.capacity(owns.size+after) {
		return nil
	}
	a.set(c.conn, c.entry, now)
	return []entry{c.entry}
}

// withdraw drops the claim of a connection on a client id.
func (a *Awareness) withdraw(conn, id uint64) {
	if c, claimed := a.claims[id]; claimed && c.conn == conn {
		a.dropClaim(id)
	}
}

// answered drops the claim on the client id that a connection holds.
func (a *Awareness) answered(conn uint64, m *member) {
	if a.holders[m.own] == conn {
		a.dropClaim(m.own)
	}
}
