package worker

import (
	"maps"
	"slices"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// deliver sends outputs on their way. Those to connections that have left
// meanwhile are dropped. Where it fails, some may lack what others have: all are
// sent away, and are told everything when they come back.
func (a *actor) deliver(outs []room.Output) {
	if err := a.send(outs); err != nil {
		a.fail(err, deliveryTrouble)
	}
}

func (a *actor) send(outs []room.Output) (err error) {
	defer guard(&err)
	addressed := outputs.take()
	defer outputs.giveBack(addressed)
	for i := range outs {
		var to layer.Address
		if conn := outs[i].To; conn != room.Everyone {
			var here bool
			if to, here = a.conns[conn]; !here && outs[i].Answer != nil {
				to, here = a.askers[conn]
				delete(a.askers, conn)
			}
			if !here {
				continue
			}
		}
		*addressed = append(*addressed, layer.Output{Room: a.name, Consumer: to, Output: outs[i]})
	}
	if len(*addressed) == 0 {
		return nil
	}
	return a.worker.config.Layer.Deliver(a.worker.working, *addressed)
}

// answer answers who asks, of whom the room knows nothing or nothing more.
func (a *actor) answer(conn room.ConnID, to layer.Address, answer room.Answer) {
	a.worker.answer(a.name, conn, to, answer)
}

func (w *Worker) answer(name string, conn room.ConnID, to layer.Address, answer room.Answer) {
	out := layer.Output{Room: name, Consumer: to, Output: room.Output{To: conn, Answer: &answer}}
	err := func() (err error) {
		defer guard(&err)
		return w.config.Layer.Deliver(w.working, []layer.Output{out})
	}()
	if err != nil {
		w.config.Logger.Error("Who asked about a room could not be answered.", "room", name, "error", err)
	}
}

// sendAway closes every connection of the room, each by its name: who joins
// later is not meant.
func (a *actor) sendAway(why protocol.CloseError) {
	outs := make([]room.Output, 0, len(a.conns))
	for _, conn := range slices.Sorted(maps.Keys(a.conns)) {
		outs = append(outs, room.Output{To: conn, Msg: why.Message()})
	}
	if err := a.send(outs); err != nil {
		a.worker.config.Logger.Error("The people in a room that was closed could not be told.", "room", a.name, "error", err)
	}
	clear(a.conns)
}
