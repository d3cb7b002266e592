package worker

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// deliver sends outputs of the room. Outputs to receivers that have left are dropped. A
// panic of the layer closes the room.
func (a *actor) deliver(outs []event.Output) {
	if err := a.send(outs); err != nil {
		a.fail(err, bugFailure)
	}
}

// send addresses outputs and sends them. An output for everyone is sent to each front
// that has connections in the room. The error is a panic of the layer.
func (a *actor) send(outs []event.Output) (err error) {
	defer guard(&err)
	addressed := outputs.take()
	defer outputs.giveBack(addressed)
	for i := range outs {
		if outs[i].To == event.Everyone {
			*addressed = slices.Grow(*addressed, len(a.receivers.fronts))
			for _, f := range a.receivers.fronts {
				*addressed = append(*addressed, layer.Output{Room: a.name, To: f.front, Output: outs[i]})
			}
		} else if front, found := a.receivers.frontOf(&outs[i]); found && front == localFront {
			a.worker.counted(outs[i].To, outs[i].Response.Count)
		} else if found {
			*addressed = append(*addressed, layer.Output{Room: a.name, To: front, Output: outs[i]})
		}
	}
	a.worker.deliver(a.name, *addressed)
	return nil
}

// closeConns closes connections and watchers of the room.
func (a *actor) closeConns(conns []event.ConnID, why protocol.CloseError) {
	outs := make([]event.Output, 0, len(conns))
	for _, conn := range conns {
		outs = append(outs, event.Output{Kind: event.OutputMessage, To: conn, Message: why.Message()})
	}
	if err := a.send(outs); err != nil {
		a.worker.config.Logger.Error("The Close for the connections of a room could not be delivered, because the layer panicked. "+
			"They stay open until they send something. Please report this.", "room", a.name, "error", err)
	}
	a.receivers.close(conns)
}

// deliverOne delivers an output outside the turns of an actor. A panic of the layer is
// logged.
func (w *Worker) deliverOne(out layer.Output) {
	err := func() (err error) {
		defer guard(&err)
		w.deliver(out.Room, []layer.Output{out})
		return nil
	}()
	if err != nil {
		w.config.Logger.Error("An output could not be delivered, because the layer panicked. "+
			"A program or a connection waits for it in vain. Please report this.", "room", out.Room, "error", err)
	}
}

// deliver passes outputs of one room to the layer. Calls for one room follow
// each other, as layer.Back requires.
func (w *Worker) deliver(name string, outs []layer.Output) {
	if len(outs) == 0 {
		return
	}
	<-w.served
	mu := w.delivering.of(name)
	mu.Lock()
	defer mu.Unlock()
	w.back.Deliver(outs)
}

// locks are mutexes for any number of rooms, some of which share one.
type locks struct {
	seed maphash.Seed
	all  [256]sync.Mutex
}

// of returns the mutex of a room.
func (l *locks) of(name string) *sync.Mutex {
	return &l.all[maphash.String(l.seed, name)%uint64(len(l.all))]
}
