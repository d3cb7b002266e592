package sim

import (
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// watch is a program in a consumer process that follows the changes of a room, as
// document.Document.Changes does.
type watch struct {
	of    *consumer
	room  int
	conn  event.ConnID // 0: the watch has to begin again
	began bool         // the first response has arrived
	seen  event.Mark   // of the last response
	doc   *blocks.Store
	ended bool // the watch doesn't begin again
}

func (c *consumer) newWatch(room int) {
	w := &watch{of: c, room: room, doc: blocks.New()}
	c.watches = append(c.watches, w)
	w.begin()
}

// begin requests what was added since the last response, and then each change.
func (x *watch) begin() {
	c, w := x.of, x.of.world
	if c.dead || c.closing || x.ended || x.conn != 0 {
		return
	}
	w.lastConn++
	conn := w.lastConn
	x.conn, x.began = conn, false
	if x.send(event.Input{
		Kind: event.InputRequest, Conn: conn, Request: &event.Request{Kind: event.RequestWatch, Since: x.seen},
	}) != nil {
		x.end()
		return
	}
	w.after(&c.life, 10*time.Second, func() {
		if x.conn == conn && !x.began { // the program gives up, and tries again
			x.restart()
		}
	})
}

func (x *watch) send(in event.Input) error {
	return x.of.front.Send(layer.Input{Room: roomNames[x.room], Input: in})
}

// end ends the watch because the room has ended it. It begins again later.
func (x *watch) end() {
	x.conn = 0
	x.of.world.after(&x.of.life, x.of.world.within(time.Second), x.begin)
}

// restart begins again because responses may be lost.
func (x *watch) restart() {
	x.leave()
	x.of.world.seen.rewatched++
	x.of.world.add(&x.of.life, x.begin)
}

func (x *watch) leave() {
	if x.conn != 0 {
		_ = x.send(event.Input{Kind: event.InputLeave, Conn: x.conn})
	}
	x.conn = 0
}

// take handles an output of the room.
func (x *watch) take(out *event.Output) {
	w, name := x.of.world, roomNames[x.room]
	a := out.Response
	switch {
	case out.Kind == event.OutputRejoin:
		x.restart()
		return
	case out.Kind == event.OutputMessage && out.Message.Type == protocol.Close:
		x.end()
		return
	case a == nil:
		w.failf("%s: a watch was sent %+v", name, out)
		return
	}
	switch same := a.Mark.Epoch == x.seen.Epoch; {
	case a.Refusal.Cause == event.CauseClosed, a.Refusal.Cause == event.CauseNotFound:
		x.end()
		return
	case a.Refusal.Cause != 0:
		w.failf("%s: a watch was refused: %+v", name, a.Refusal)
		return
	case !x.began:
		x.began = true
	case same && a.Mark.Seq <= x.seen.Seq: // a duplicate
		return
	case !same || a.Mark.Seq != x.seen.Seq+1:
		x.restart()
		return
	}
	x.seen = a.Mark
	if a.Update == nil {
		return
	}
	if a.Whole {
		x.doc = blocks.New()
	}
	if held, err := w.disk.logs[x.room].ever.Contains(a.Update, blocks.V1); !held || err != nil {
		w.failf("%s: a change reveals what is not durable (%v)", name, err)
	}
	if _, err := x.doc.Apply(a.Update, blocks.V1); err != nil {
		w.failf("%s: a change can't be read: %v", name, err)
	}
}
