package outbox

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// allowance is the largest answer that is taken without a grant.
func (o *Outbox) allowance() int { return max(o.size/2, 1) }

// Question returns the Input.Most of a SyncStep1 that the client has sent, and that the
// caller now sends to the room. While an answer waits or is on its way, Most is such that
// the room only offers another one. So a client that sends many and doesn't read costs the
// room no encoding.
func (o *Outbox) Question() (most int) {
	o.acks.restart()
	if o.waiting+o.writing > 0 || o.asked || o.rejoining || o.questioned || o.question != nil {
		return 1 // every answer is larger
	}
	o.questioned = true
	return o.allowance()
}

// Query reports whether a QueryAwareness of the client may be sent to the room. If not,
// because awareness still waits for the client, one is due later.
func (o *Outbox) Query() bool {
	o.query = o.aware > 0 || o.busy
	return !o.query
}

// Offer takes an OutputOffer.
func (o *Outbox) Offer(out *event.Output) {
	switch {
	case out.Message.Type == protocol.SyncStep2:
		o.question, o.questioned, o.whole = out.Message.Data, false, out.Whole
	case out.Message.Type == protocol.Update && o.asked:
		o.asked = false
	default:
		return
	}
	o.offered, o.seen = out.Mark, later(o.seen, out.Mark)
	o.need = 0
	if out.Size > o.allowance() {
		o.need = out.Size
	}
	if o.need > o.granted {
		o.granted = 0 // what was granted doesn't suffice
	}
}

// Need returns how many bytes have to be granted before what the connection lacks is
// due, 0 if none.
func (o *Outbox) Need() int {
	if o.join || !o.lacks() || o.need <= o.granted {
		return 0
	}
	return o.need
}

// Grant allows one answer of n bytes, until a whole frame arrives. The caller accounts
// for it until Idle returns true again.
func (o *Outbox) Grant(n int) { o.granted = n }

// Wants returns the Mark of the offer and reports whether the room offers the whole
// document. If so, the caller may, in place of a grant, add a SyncStep2 with the whole
// document at a Mark of the same epoch that is not older, or call AddOlder.
func (o *Outbox) Wants() (mark event.Mark, ok bool) {
	return o.offered, o.Need() > 0 && o.question != nil && o.whole
}

// AddOlder takes the whole document at an older Mark than that of Wants. f is an Update,
// because clients take a SyncStep2 for everything that the room had when they asked. The
// connection is behind then. last is an empty SyncStep2 with the Mark of Wants. It is written
// once everything up to that Mark is.
func (o *Outbox) AddOlder(f, last *Frame) Change {
	o.ending = last
	return o.addWhole(f, true)
}

// Idle reports whether no document frame waits or is being written, and none is on its
// way for which the outbox was granted anything.
func (o *Outbox) Idle() bool { return o.waiting+o.writing+o.granted == 0 }
