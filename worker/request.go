package worker

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

// admit reports whether the room answers a query, a watch or an apply. A query or
// a watch is refused if there is no such room. A room exists if it was ever
// written to, or if a connection is in it; one that was opened for a request
// doesn't.
func (a *actor) admit(in *layer.Input) bool {
	written := a.stored || len(a.writing.updates)+len(a.next.updates) > 0
	kind := in.Request.Kind
	if kind != event.RequestApply && !written && len(a.receivers.known) == 0 {
		a.respond(in, refuse(event.CauseNotFound))
		return false
	}
	switch kind {
	case event.RequestWatch:
		a.moved = false // the room is placed here again
		a.receivers.watch(in.Conn, in.From)
		return true
	case event.RequestApply:
		a.removeAt = time.Time{} // the room is in use
	}
	a.receivers.request(in.Conn, in.From)
	return true
}

// holdResponse sends a response once all that the room has accepted is stored.
func (a *actor) holdResponse(to event.ConnID, response *event.Response) {
	a.hold(room.Effects{Durable: []event.Output{{Kind: event.OutputResponse, To: to, Response: response}}})
}
