package room

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// resync brings a connection up to date that has missed updates, because its client is
// slow and the consumer has dropped what didn't fit.
func (t *turn) resync(in *event.Input, m member) {
	t.sendMissed(in, m, protocol.Update)
	t.sendStates(in.Conn)
}

// sendMissed sends what was added to the document after in.Mark.
func (t *turn) sendMissed(in *event.Input, m member, typ protocol.Type) {
	if err := t.sendDiff(in, m, typ, t.past(in.Mark, in.Vector)); err != nil { // in.Vector is malformed
		_ = t.sendDiff(in, m, typ, emptyVector)
	}
}

// past returns a state vector that every receiver whose Mark is m has reached. vector
// is such a state vector that the receiver has sent, or nil.
func (r *Room) past(m event.Mark, vector []byte) []byte {
	if v, ok := r.vectorAt(m); ok || vector == nil {
		return v
	}
	return vector
}

// vectorAt returns a state vector that every receiver whose Mark is m has reached, and
// reports whether one is known. If not, it returns the state vector of an empty
// document.
func (r *Room) vectorAt(m event.Mark) (vector []byte, ok bool) {
	if m.Epoch != r.epoch || m.Seq > r.seq {
		return emptyVector, false
	}
	return r.saved.before(m.Seq)
}
