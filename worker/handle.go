package worker

import (
	"errors"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/mailbox"
	"github.com/yroom/yroom/layer"
)

// handle handles an input from the layer. The error is layer.ErrFull.
func (w *Worker) handle(in layer.Input) error {
	switch {
	case !valid(&in.Input):
		return nil
	case in.Kind == event.InputRequest && in.Request.Kind == event.RequestRooms:
		return w.readRooms(in)
	case in.Kind == event.InputRequest && in.Request.Kind == event.RequestLog:
		return w.readLog(in)
	case in.Kind == event.InputRequest && in.Room == "" && controls(in.Request.Kind):
		w.control(in)
		return nil
	}
	for {
		a := w.find(in.Room)
		if a == nil {
			if !opens(&in.Input) {
				return w.handleNotOpen(in)
			}
			if !w.mayOpen(&in.Input) {
				return layer.ErrFull
			}
			a = w.open(in.Room)
		}
		var err error
		if in.Kind == event.InputLeave {
			err = a.mail.Force(in) // each Join has a Leave, which must not be lost
		} else {
			err = a.put(in)
		}
		switch {
		case errors.Is(err, mailbox.ErrFull):
			return layer.ErrFull
		case errors.Is(err, mailbox.ErrClosed):
			w.forget(a) // the actor has ended and is about to forget itself
		default:
			return err
		}
	}
}

// put puts an input into the mailbox, if there is memory for it.
func (a *actor) put(in layer.Input) error {
	size := in.Size()
	if !a.share.take(size) {
		return mailbox.ErrFull
	}
	err := a.mail.Put(in)
	if err != nil {
		a.share.free(size)
	}
	return err
}

// valid reports whether this version can handle in. A newer process may send inputs
// that it can't.
func valid(in *event.Input) bool {
	switch in.Kind {
	case event.InputJoin, event.InputMessage, event.InputLeave, event.InputResync, event.InputSilent, event.InputAccess:
		return in.Conn != event.Everyone
	case event.InputRequest:
		return in.Conn != event.Everyone && in.Request != nil
	}
	return false
}

// opens reports whether an input opens a room that is not open.
func opens(in *event.Input) bool {
	switch in.Kind {
	case event.InputJoin:
		return true
	case event.InputRequest:
		switch in.Request.Kind {
		case event.RequestWatch, event.RequestApply, event.RequestCreate, event.RequestDelete, event.RequestCut:
			return true
		}
	}
	return false
}

// mayOpen reports whether an input may open its room now.
func (w *Worker) mayOpen(in *event.Input) bool {
	now := w.config.Runtime.Now()
	if in.Kind == event.InputJoin && in.Greeting == event.GreetingRejoin || w.openings.Take(now) {
		return true
	}
	if w.refusals.Take(now) {
		w.config.Logger.Warn("Rooms are opened faster than this worker may open them. Connections and requests for other rooms than those in memory wait, and are refused after some seconds. "+
			"Rooms in memory go on.", "rooms_per_second", w.config.RoomsPerSecond)
	}
	return false
}

// handleNotOpen handles an input that doesn't open its room, which is not open.
func (w *Worker) handleNotOpen(in layer.Input) error {
	switch in.Kind {
	case event.InputMessage, event.InputResync, event.InputAccess:
		w.later(layer.Output{Room: in.Room, To: in.From, Output: event.Output{Kind: event.OutputRejoin, To: in.Conn}})
	case event.InputRequest:
		if in.Request.Kind == event.RequestQuery {
			return w.readRoom(in)
		}
		response := refuse(event.CauseUnsupported)
		if controls(in.Request.Kind) {
			response = event.Response{} // no connection is in the room
		}
		w.later(layer.Output{Room: in.Room, To: in.From, Output: event.Output{
			Kind: event.OutputResponse, To: in.Conn, Response: &response,
		}})
	}
	return nil
}

// later delivers an output after handle has returned: the layer may call the
// front's handler in Deliver, and handle runs in a Send of that front.
func (w *Worker) later(out layer.Output) {
	w.live.Add(1)
	w.config.Runtime.Go(func() {
		defer w.live.Done()
		w.deliverOne(out)
	})
}
