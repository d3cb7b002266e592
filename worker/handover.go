package worker

import "github.com/yroom/yroom/event"

// moved hands over the rooms for which moved returns true.
func (w *Worker) moved(moved func(room string) bool) {
	for _, a := range w.all() {
		if moved(a.name) {
			a.force("", roomMoved)
		}
	}
}

// handOver sends the last outputs of a room that another worker runs from now on. They
// make its connections and watchers join again at that worker. These leave this room,
// so that a later message from them is answered with a Rejoin, too. Programs that wait until
// consumers know something are answered: what was sent to the consumers precedes the Rejoin.
func (a *actor) handOver() {
	conns := a.receivers.all()
	if len(conns) == 0 {
		return
	}
	a.rejoin(conns)
	if a.closed != nil { // the delivery panicked
		return
	}
	a.reportLeft(conns, true)
	a.receivers.clear()
	ins := make([]event.Input, 0, len(conns))
	for _, conn := range conns {
		ins = append(ins, event.Input{Kind: event.InputLeave, Conn: conn})
	}
	a.take(a.room.Step(a.worker.config.Runtime.Now(), ins))
}

// rejoin makes connections and watchers join again: the consumer answers for each with
// a Join, or with a Leave if it doesn't have the connection any more.
func (a *actor) rejoin(conns []event.ConnID) {
	outs := make([]event.Output, 0, len(conns))
	for _, conn := range conns {
		outs = append(outs, event.Output{Kind: event.OutputRejoin, To: conn})
	}
	a.deliver(outs)
}

// drain makes the actor hand over its room and end, as soon as it has handled everything
// that it has accepted, and this is stored.
func (a *actor) drain() {
	a.force("", workerDrains)
	a.mail.Post(a.endPause)
}

// returned is called when a connection joins, or a program watches: the room is placed
// at this worker again. A room that was not handed over yet still is, and then its
// connections join again here, so that those which have left at the other worker
// meanwhile don't stay.
func (a *actor) returned() {
	if a.moved && len(a.receivers.known) == 0 {
		a.moved, a.checks.suspected = false, true
	}
}
