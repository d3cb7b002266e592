package worker

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// admit reports whether the room answers a query, a watch or an apply. A query or a
// watch is refused if the room doesn't exist. A room exists if it was ever written to
// or if a connection is in it. A room that was only opened for a request doesn't exist.
func (a *actor) admit(in *layer.Input) bool {
	written := a.stored || len(a.writing.updates)+len(a.next.updates) > 0
	kind := in.Request.Kind
	if controls(kind) {
		a.receivers.request(in.Conn, in.From)
		return true
	}
	if kind != event.RequestApply && !written && len(a.receivers.known) == 0 {
		a.respond(in, refuse(event.CauseNotFound))
		return false
	}
	switch kind {
	case event.RequestWatch:
		a.returned()
		a.receivers.watch(in.Conn, in.From)
		return true
	case event.RequestApply:
		a.removeAt = time.Time{} // the room is in use
	}
	a.receivers.request(in.Conn, in.From)
	return true
}

// holdResponse sends a response once everything that the room has accepted is stored.
func (a *actor) holdResponse(to event.ConnID, response *event.Response) {
	a.hold(room.Effects{Durable: []event.Output{{Kind: event.OutputResponse, To: to, Response: response}}})
}

// respond sends the response to a request that the worker answers instead of the room.
func (a *actor) respond(in *layer.Input, response event.Response) {
	a.worker.respond(in, response)
}

// respond answers the request in. It can be called from any goroutine.
func (w *Worker) respond(in *layer.Input, response event.Response) {
	if in.From == localFront {
		w.counted(in.Conn, response.Count)
		return
	}
	w.deliverOne(layer.Output{Room: in.Room, To: in.From, Output: event.Output{
		Kind: event.OutputResponse, To: in.Conn, Response: &response,
	}})
}

// refusal is the response to requests to a closed room.
func (a *actor) refusal() event.Response {
	if a.closed.Code == protocol.CloseDeleted {
		return refuse(event.CauseNotFound)
	}
	return event.Response{Refusal: closedRefusal(*a.closed)}
}

func closedRefusal(why protocol.CloseError) event.Refusal {
	return event.Refusal{Cause: event.CauseClosed, Code: why.Code, Reason: why.Reason}
}

func refuse(cause event.Cause) event.Response {
	return event.Response{Refusal: event.Refusal{Cause: cause}}
}
