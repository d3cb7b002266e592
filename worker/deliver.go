package worker

import (
	"maps"
	"slices"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// deliver sends outputs on their way. Those to connections that have left meanwhile are dropped.
func (a *actor) deliver(outs []room.Output) {
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
		return
	}
	if err := a.worker.config.Layer.Deliver(a.worker.working, *addressed); err != nil {
		a.worker.config.Logger.Error("A room's messages could not be delivered.", "room", a.name, "error", err)
	}
}

// sendAway closes every connection of the room, each by its name: who joins
// later is not meant.
func (a *actor) sendAway(why protocol.CloseError) {
	outs := make([]room.Output, 0, len(a.conns))
	for _, conn := range slices.Sorted(maps.Keys(a.conns)) {
		outs = append(outs, room.Output{To: conn, Msg: why.Message()})
	}
	a.deliver(outs)
	clear(a.conns)
}
