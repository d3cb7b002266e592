package worker

import (
	"math/rand/v2"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// controls reports whether requests of a kind concern the connections of a room, and not
// its document. They open no room.
func controls(kind event.RequestKind) bool {
	switch kind {
	case event.RequestAccess, event.RequestExpel, event.RequestBroadcast:
		return true
	}
	return false
}

// tally is such a request for all rooms in memory. It is responded to when all of them
// have handled it.
type tally struct {
	in      layer.Input
	waiting int // the number of rooms that have not responded, plus 1 until all were asked
	count   int // the sum of their Counts
}

// localFront stands for the worker itself, as the front of requests that count in a tally.
const localFront layer.Address = ""

// control passes a request to all rooms in memory, after the inputs that wait there. So a
// connection that waits for its room to be loaded is found too.
func (w *Worker) control(in layer.Input) {
	rooms := w.all()
	id := event.ConnID(rand.Uint64())
	w.mu.Lock()
	w.tallies[id] = &tally{in: in, waiting: len(rooms) + 1}
	w.mu.Unlock()
	for _, a := range rooms {
		q := *in.Request
		if a.mail.Force(layer.Input{
			Room: a.name, From: localFront, Input: event.Input{Kind: event.InputRequest, Conn: id, Request: &q},
		}) != nil { // the actor has ended
			w.counted(id, 0)
		}
	}
	w.counted(id, 0)
}

// counted records that a room has handled the request of a tally for so many connections.
func (w *Worker) counted(id event.ConnID, conns int) {
	w.mu.Lock()
	t := w.tallies[id]
	t.count += conns
	t.waiting--
	ended := t.waiting == 0
	if ended {
		delete(w.tallies, id)
	}
	w.mu.Unlock()
	if ended {
		w.later(layer.Output{To: t.in.From, Output: event.Output{
			Kind: event.OutputResponse, To: t.in.Conn, Response: &event.Response{Count: t.count},
		}})
	}
}
