package outbox

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Rejoin records that the room may have forgotten the connection, or that
// messages from or to the room were lost. A Join is due then.
func (o *Outbox) Rejoin() { o.join = true }

// Greeted reports whether the first SyncStep2 was queued.
func (o *Outbox) Greeted() bool { return o.greeted }

// Joined reports whether a Join was sent.
func (o *Outbox) Joined() bool { return o.joined }

// Due reports whether an input has to be sent: a Join, a QueryAwareness that the outbox
// has held back, or, if no document frame is left to write, a SyncStep1 or a Resync for
// what the connection lacks.
func (o *Outbox) Due() bool {
	return o.join || o.queryDue() || o.lacks() && o.need <= o.granted
}

func (o *Outbox) queryDue() bool { return o.query && o.aware == 0 && !o.busy }

// lacks reports whether the connection lacks updates and can be sent some.
func (o *Outbox) lacks() bool {
	return o.waiting+o.writing == 0 && (o.question != nil || o.behind && !o.asked && !o.rejoining)
}

// Ask returns the input that is due, and reports whether one is. The caller sets
// its Conn and Access and sends it, and calls Failed if it could not be sent. It
// must not send another input of the connection in between.
//
// vector returns a state vector of the room, as Vectors.At does.
func (o *Outbox) Ask(vector func(event.Mark) []byte) (in event.Input, due bool) {
	most := max(o.granted, o.allowance())
	switch {
	case !o.Due():
		return in, false
	case o.join && !o.joined:
		o.join, o.joined = false, true
		return event.Input{Kind: event.InputJoin, Greeting: o.greeting}, true
	case o.join:
		o.join, o.asked, o.rejoining = false, false, true
		o.query, o.question, o.need, o.questioned = false, nil, 0, false
		return event.Input{
			Kind:     event.InputJoin,
			Greeting: event.GreetingRejoin,
			Mark:     o.written,
			Vector:   vector(o.written),
			Most:     most,
		}, true
	case o.queryDue():
		o.query = false
		return event.Input{Kind: event.InputMessage, Message: protocol.Message{Type: protocol.QueryAwareness}}, true
	case o.question != nil:
		m := protocol.Message{Type: protocol.SyncStep1, Data: o.question}
		o.question, o.questioned = nil, true
		return event.Input{Kind: event.InputMessage, Message: m, Most: most, Offered: true}, true
	default:
		o.asked = true
		return event.Input{Kind: event.InputResync, Mark: o.written, Vector: vector(o.written), Most: most}, true
	}
}

// Failed records that in, which Ask returned, was not sent. It is due again.
func (o *Outbox) Failed(in event.Input) {
	switch {
	case in.Kind == event.InputMessage && in.Message.Type == protocol.QueryAwareness:
		o.query = true
	case in.Kind == event.InputMessage:
		o.question, o.questioned = in.Message.Data, false
	case in.Kind == event.InputResync:
		o.asked = false
	case in.Greeting == event.GreetingRejoin:
		o.join, o.rejoining = true, false
	default:
		o.join, o.joined = true, false
	}
}
