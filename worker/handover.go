package worker

import "github.com/yroom/yroom/event"

// moved hands rooms over.
func (w *Worker) moved(moved func(room string) bool) {
	for _, a := range w.all() {
		if moved(a.name) {
			a.force("", roomMoved)
		}
	}
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

// rejoin has connections and watchers join again: the consumer answers for each
// with a Join, or with a Leave if it doesn't have the connection any more.
func (a *actor) rejoin(conns []event.ConnID) {
	outs := make([]event.Output, 0, len(conns))
	for _, conn := range conns {
		outs = append(outs, event.Output{Kind: event.OutputRejoin, To: conn})
	}
	a.deliver(outs)
}

// drain has the actor hand over its room and end, as soon as all that it has taken
// is stored.
func (a *actor) drain() { a.draining = true }
