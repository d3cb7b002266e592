package awareness

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// State is the state of one client.
type State struct {
	Client, Clock uint64
	Conn          uint64    // the connection that owns it
	JSON          []byte    // never null
	Renewed       time.Time // when its connection last sent it
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
