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
		if outs[i].To != room.Everyone {
			var here bool
			if to, here = a.conns[outs[i].To]; !here {
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
