package outbox

import "github.com/yroom/yroom/protocol"

// acks counts the updates of a client, which are its SyncStep2 and Update messages, if the
// client is told of each whether it was stored. The client only counts, so what
// waits is two numbers: no Ack is dropped when the outbox overflows, and none takes memory.
type acks struct {
	unanswered int // updates that were sent to the room and that it hasn't answered yet
	void       int // how many of the next answers the client doesn't expect any more

	stored  answered
	refused answered
}

// answered is how many updates are to be answered in one way, with the frame for one.
type answered struct {
	n     int
	frame *Frame
}

// mostAcks is how many acks of each kind are taken at once.
const mostAcks = 512

// Update records that an update of the client is sent to the room.
func (o *Outbox) Update() { o.acks.unanswered++ }

// restart records that the client has sent a SyncStep1. It begins to count then: with one
// change that isn't stored, until the SyncStep2 with which it answers the room's SyncStep1
// is. An ack for an earlier update would make its count too low, so those that are not on
// their way are withheld.
func (a *acks) restart() {
	a.void = a.unanswered
	a.stored.n, a.refused.n = 0, 0
}

// add adds the answers that an Ack or a Reject holds. The client doesn't expect those of
// an Uncounted.
func (a *acks) add(f *Frame) {
	n := f.Count
	a.unanswered -= min(n, a.unanswered)
	void := min(n, a.void)
	a.void -= void
	if f.Type == protocol.Uncounted {
		return
	}
	to := &a.stored
	if f.Type == protocol.Reject {
		to = &a.refused
	}
	to.n += n - void
	to.frame = f
}

// Refuse adds an answer to an update that was not sent to the room. f holds one Reject.
func (o *Outbox) Refuse(f *Frame) {
	o.acks.refused.n++
	o.acks.refused.frame = f
}

func (a *acks) empty() bool { return a.stored.n+a.refused.n == 0 }

// take appends frames for the answers that wait to dst.
func (a *acks) take(dst []*Frame) []*Frame {
	for _, w := range []*answered{&a.stored, &a.refused} {
		for range min(w.n, mostAcks) {
			dst = append(dst, w.frame)
			w.n--
		}
	}
	return dst
}

func (a *acks) discard() { a.stored.n, a.refused.n = 0, 0 }
