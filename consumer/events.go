package consumer

import (
	"net/http"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Events are functions that a Consumer calls when something has happened, for
// metrics and tracing. Each may be nil. They are called from many goroutines at
// once and without a lock, and must not block: some are called while the outputs
// of a room are delivered. A panic of one is logged and has no other effect.
type Events struct {
	// Connected is called when a connection has joined its room.
	Connected func(*Conn)
	// Trace is called for each update of a client, before the hooks. It returns nil unless a trace
	// is kept of the edit. If it returns a func, that is called when the layer has taken the edit
	// or has refused it. The trace travels with the edit: see worker.TurnInfo.Trace,
	// worker.AppendInfo.Trace and DeliverInfo.Trace.
	Trace func(*Conn) (*event.Trace, func())
	// Delivered is called when a broadcast with an edit that has a trace was put into the outboxes
	// of the connections in a room. Other broadcasts are not reported.
	Delivered func(DeliverInfo)
	// Refused is called when a request was refused with an HTTP status, or a document of a
	// Hocuspocus client for the same reason.
	Refused func(r *http.Request, status int, why Refusal)
	// Behind is called when a connection lacks updates that its room has sent,
	// because it reads too slowly or because they were lost.
	Behind func(*Conn)
	// Resynced is called when the updates that a connection lacked have arrived.
	Resynced func(*Conn)
	// Rejoined is called when a room has answered a connection that joined again.
	Rejoined func(*Conn)
	// Closed is called when a connection has ended, once for each that was
	// admitted.
	Closed func(*Conn, protocol.CloseError)
}

// emit calls f, one of the functions in Events, unless it is nil.
func (c *Conn) emit(f func(*Conn)) {
	if f != nil {
		_ = c.guard("Events", func() error { f(c); return nil })
	}
}
