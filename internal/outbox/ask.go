package outbox

import "github.com/yroom/yroom/event"

// Rejoin records that the room may have forgotten the connection, or that
// messages from or to the room were lost. A Join is due then.
func (o *Outbox) Rejoin() { o.join = true }

// Joined reports whether a Join was sent.
func (o *Outbox) Joined() bool { return o.joined }

// Due reports whether an input has to be sent: a Join, or a Resync if the connection is
// behind and no document frame is left to write.
func (o *Outbox) Due() bool {
	return o.join || o.behind && !o.asked && !o.rejoining && o.waiting+o.writing == 0
}

// Ask returns the input that is due, and reports whether one is. The caller sets
// its Conn and Access and sends it, and calls Failed if it could not be sent. It
// must not send another input of the connection in between.
//
// vector returns a state vector of the room, as Vectors.At does.
func (o *Outbox) Ask(vector func(event.Mark) []byte) (in event.Input, due bool) {
	switch {
	case !o.Due():
		return in, false
	case o.join && !o.joined:
		o.join, o.joined = false, true
		return event.Input{Kind: event.InputJoin, Greeting: o.greeting}, true
	case o.join:
		o.join, o.asked, o.rejoining = false, false, true
		return event.Input{
			Kind:     event.InputJoin,
			Greeting: event.GreetingRejoin,
			Mark:     o.written,
			Vector:   vector(o.written),
		}, true
	default:
		o.asked = true
		return event.Input{Kind: event.InputResync, Mark: o.written, Vector: vector(o.written)}, true
	}
}

// Failed records that in, which Ask returned, was not sent. It is due again.
func (o *Outbox) Failed(in event.Input) {
	switch {
	case in.Kind == event.InputResync:
		o.asked = false
	case in.Greeting == event.GreetingRejoin:
		o.join, o.rejoining = true, false
	default:
		o.join, o.joined = true, false
	}
}
