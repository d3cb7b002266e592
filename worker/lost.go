package worker

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// Kinds of inputs that the worker itself puts into mailboxes, so that they take effect
// after all inputs that arrived before. From is the front.
const (
	roomMoved event.InputKind = 253 // another worker runs the room from now on
	frontLost event.InputKind = 254 // messages from or to the front were lost
	frontGone event.InputKind = 255 // the front is gone
)

// lost asks the front, for each of its connections, whether it still exists.
func (w *Worker) lost(front layer.Address) { w.putAll(front, frontLost) }

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
