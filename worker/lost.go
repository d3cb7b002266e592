package worker

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// Inputs that the worker itself puts into mailboxes, so that they take effect
// after all inputs that arrived before. The front is in From.
const (
	roomMoved event.InputKind = 253 // another worker runs the room from now on
	frontLost event.InputKind = 254 // something from or to the front was lost
	frontGone event.InputKind = 255 // the front is gone
)

// lost asks the front, for each of its connections, whether it still exists.
func (w *Worker) lost(front layer.Address) { w.putAll(front, frontLost) }

// gone takes the connections of the front out of their rooms.
func (w *Worker) gone(front layer.Address) { w.putAll(front, frontGone) }

// moved hands rooms over.
func (w *Worker) moved(moved func(room string) bool) {
	for _, a := range w.all() {
		if moved(a.name) {
			a.force("", roomMoved)
		}
	}
}

func (w *Worker) putAll(front layer.Address, kind event.InputKind) {
	for _, a := range w.all() {
		a.force(front, kind)
	}
}

func (a *actor) force(front layer.Address, kind event.InputKind) {
	// The error is turn.ErrClosed: the actor has ended.
	_ = a.mail.Force(layer.Input{Room: a.name, From: front, Input: event.Input{Kind: kind}})
}

// rejoin has connections and watchers join again: the consumer answers for each
// with a Join, or with a Leave if it doesn't have the connection any more.
func (a *actor) rejoin(conns []event.ConnID) {
	outs := make([]event.Output, 0, len(conns))
	for _, conn := range conns {
		outs = append(outs, event.Output{Kind: event.OutputRejoin, To: conn})
	}
	a.deliver(outs)
}

// handOver is the last output of a room that another worker runs from now on:
// its connections and watchers join again, there. They leave this room, so that
// what still arrives from them is answered with a Rejoin, too.
func (a *actor) handOver() {
	conns := a.receivers.all()
	if len(conns) == 0 {
		return
	}
	a.rejoin(conns)
	a.receivers.clear()
	ins := make([]event.Input, 0, len(conns))
	for _, conn := range conns {
		ins = append(ins, event.Input{Kind: event.InputLeave, Conn: conn})
	}
	a.take(a.room.Step(a.worker.config.Runtime.Now(), ins))
}
