package worker

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// Kinds of inputs that the worker itself puts into mailboxes, so that they take effect
// after all inputs that arrived before. From is the front.
const (
	workerDrains event.InputKind = 252 // the worker ends
	roomMoved    event.InputKind = 253 // another worker runs the room from now on
	frontLost    event.InputKind = 254 // messages from or to the front were lost
	frontGone    event.InputKind = 255 // the front is gone
)

// lost asks the front, for each of its connections, whether it still exists.
func (w *Worker) lost(front layer.Address) { w.putAll(front, frontLost) }

// answerWithin is how long a front may take to answer a Rejoin.
const answerWithin = 10 * time.Second

// frontLost asks a front, for each of its connections and watchers, whether it still
// exists.
func (a *actor) frontLost(front layer.Address) { a.askToRejoin(a.receivers.at(front)) }

// askToRejoin makes connections and watchers join again, and those leave that don't.
func (a *actor) askToRejoin(conns []event.ConnID) {
	a.rejoin(conns)
	if len(conns) > 0 && a.closed == nil {
		a.receivers.ask(conns)
		a.answersBy = a.worker.config.Runtime.Now().Add(answerWithin)
	}
}

// dropUnanswered adds to ins a Leave for each connection whose Rejoin was not answered in
// time. The front may have sent the answer to another worker, which ran the room in
// between. A connection that still exists joins again when it next sends something.
func (a *actor) dropUnanswered(ins *[]event.Input, now time.Time) {
	if a.answersBy.IsZero() || now.Before(a.answersBy) {
		return
	}
	a.answersBy = time.Time{}
	for _, conn := range a.receivers.asked() {
		a.leave(conn)
		*ins = append(*ins, event.Input{Kind: event.InputLeave, Conn: conn})
	}
}

// gone takes the connections of the front out of their rooms.
func (w *Worker) gone(front layer.Address) { w.putAll(front, frontGone) }

func (w *Worker) putAll(front layer.Address, kind event.InputKind) {
	for _, a := range w.all() {
		a.force(front, kind)
	}
}

func (a *actor) force(front layer.Address, kind event.InputKind) {
	// The error is mailbox.ErrClosed: the actor has ended.
	_ = a.mail.Force(layer.Input{Room: a.name, From: front, Input: event.Input{Kind: kind}})
}
