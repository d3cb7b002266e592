package sim

import (
	"slices"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// checkMembers checks that a room has the connections that exist in it, and no others.
// It queries the room, as a program does.
func (w *world) checkMembers(room int) {
	name, through := roomNames[room], w.anyConsumer()
	if w.failure != "" {
		return
	}
	if through == nil {
		w.failf("%s: no consumer is open", name)
		return
	}
	w.lastConn++
	through.query, through.answer = w.lastConn, nil
	in := event.Input{Kind: event.InputRequest, Conn: through.query, Request: &event.Request{Kind: event.RequestQuery}}
	if err := through.front.Send(layer.Input{Room: name, Input: in}); err != nil {
		w.failf("%s: a query could not be sent: %v", name, err)
		return
	}
	for limit := w.steps + 100_000; through.answer == nil; {
		w.next()
		if w.steps > limit {
			w.failf("%s: a query was not answered", name)
		}
		if w.failure != "" {
			return
		}
	}
	through.query = 0
	if through.answer.Refusal.Cause != 0 {
		w.failf("%s: a query was refused: %+v", name, through.answer.Refusal)
		return
	}
	var exist []event.ConnID
	for _, c := range w.consumers {
		for _, conn := range c.conns {
			if conn.client.room == room && !conn.left {
				exist = append(exist, conn.id)
			}
		}
	}
	ghosts := make([]event.ConnID, 0, len(through.answer.Members))
	for _, m := range through.answer.Members {
		ghosts = append(ghosts, m.ID)
	}
	missing := slices.DeleteFunc(slices.Clone(exist), func(id event.ConnID) bool { return slices.Contains(ghosts, id) })
	ghosts = slices.DeleteFunc(ghosts, func(id event.ConnID) bool { return slices.Contains(exist, id) })
	if len(missing) > 0 {
		w.failf("%s: the room lacks connections that exist: %v", name, missing)
	}
	if len(ghosts) > 0 {
		w.failf("%s: the room has connections that don't exist: %v", name, ghosts)
	}
}
