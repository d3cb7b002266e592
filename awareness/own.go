package awareness

import "bytes"

// Own finds out which client is a connection's own, and keeps the last state that the
// connection has sent of it, so that it can be sent again to a room that doesn't know
// it. The zero value has no state.
//
// Stock clients begin a connection with their own state alone, and later forward the
// states of others too. So the first update of a connection says which client is its
// own, if it has one entry. Otherwise no state is kept.
type Own struct {
	begun         bool
	client, clock uint64 // of the own client; 0: none
	state         []byte // nil: none, or null
}

// ownSize bounds a state that is kept, as Config.Size does by default.
const ownSize = 64 << 10

// Note notes an update that the connection sends. The update is borrowed. Note ignores a
// malformed update.
func (o *Own) Note(update []byte) {
	var last entry
	var found int
	err := each(update, func(e entry) error {
		if !o.begun || e.id == o.client {
			last = e
			found++
		}
		return nil
	})
	if err != nil || found == 0 {
		return
	}
	if !o.begun {
		o.begun = true
		if found > 1 {
			return
		}
		o.client = last.id
	}
	if o.client != 0 && last.clock >= o.clock && len(last.state) <= ownSize {
		o.clock, o.state = last.clock, bytes.Clone(last.state)
	}
}

// Client returns the client id, or 0 if it isn't known.
func (o *Own) Client() uint64 { return o.client }

// Update returns the state as an update, or nil if there is none. The caller owns it.
func (o *Own) Update() []byte {
	if o.state == nil {
		return nil
	}
	return encode([]entry{{o.client, o.clock, o.state}})
}
