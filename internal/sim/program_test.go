package sim

import (
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
)

// program is a part of a consumer process that reads and changes the document of a room
// without a connection. It sends one request at a time.
type program struct {
	of    *consumer
	room  int
	id    uint64 // its client id
	clock uint64
	doc   *blocks.Store // the content of the responses
	at    event.Mark

	conn   event.ConnID // of the request in progress; 0: none
	asked  event.RequestKind
	update []byte // the update that was sent and may not be stored yet; nil: none
}

func (c *consumer) newProgram(room int) {
	w := c.world
	w.lastID++
	g := &program{of: c, room: room, id: w.lastID, doc: blocks.New()}
	c.programs = append(c.programs, g)
	w.after(&c.life, w.within(w.pace), g.act)
}

// act sends a random request and schedules the next one, until the world is calm.
func (g *program) act() {
	c, w := g.of, g.of.world
	if c.dead || w.calm {
		return
	}
	w.after(&c.life, w.within(4*w.pace), g.act)
	if g.conn != 0 {
		return
	}
	request := event.Request{Kind: event.RequestQuery, Since: g.at}
	if w.chance(60) {
		if g.update == nil {
			g.update = g.typed()
		}
		request = event.Request{Kind: event.RequestApply, Update: slices.Clone(g.update)}
	}
	if w.chance(w.deletes) {
		request = event.Request{Kind: event.RequestDelete}
		if w.disk.logs[g.room].deleted {
			request = w.creation()
		}
	}
	w.lastConn++
	conn := w.lastConn
	in := event.Input{Kind: event.InputRequest, Conn: conn, Request: &request}
	if c.front.Send(layer.Input{Room: roomNames[g.room], Input: in}) != nil {
		return // the link is full, or there is no worker
	}
	g.conn, g.asked = conn, request.Kind
	w.after(&c.life, 10*time.Second, func() {
		if g.conn == conn {
			g.conn = 0 // the response was lost
		}
	})
}

// take handles a response, and checks that it reveals nothing that is not durable.
func (g *program) take(a event.Response) {
	w, name := g.of.world, roomNames[g.room]
	ever := w.disk.logs[g.room].ever
	holds := func(update []byte) bool {
		held, err := ever.Contains(update, blocks.V1)
		return held && err == nil
	}
	g.conn = 0
	switch a.Refusal.Cause {
	case 0:
	case event.CauseClosed, event.CauseNotFound, event.CauseExists:
		return
	default:
		w.failf("%s: request %d was refused: %+v", name, g.asked, a.Refusal)
		return
	}
	w.seen.responses++
	switch g.asked {
	case event.RequestCreate, event.RequestDelete:
		return
	case event.RequestApply:
		if !holds(g.update) {
			w.failf("%s: what was applied is not durable", name)
		}
		g.update = nil
		return
	}
	if a.Update != nil {
		if !holds(a.Update) {
			w.failf("%s: a response reveals what is not durable", name)
		}
		if _, err := g.doc.Apply(a.Update, blocks.V1); err != nil {
			w.failf("%s: a response can't be read: %v", name, err)
		}
	}
	if !readVector(g.doc.StateVector()).covers(readVector(a.Vector)) {
		w.failf("%s: a program lacks a part of the document after its queries", name)
	}
	w.tracef("%s: program %d is at %v: has %v, vector %v, update %x whole %v", name, g.id, a.Mark, readVector(g.doc.StateVector()), readVector(a.Vector), a.Update, a.Whole)
	g.at = a.Mark
}

// creation returns a request that creates a room.
func (w *world) creation() event.Request {
	w.lastID++
	return event.Request{Kind: event.RequestCreate, Update: testkit.Typed(w.lastID, 0, "new")}
}

// recreate creates a room whenever it was deleted, until the world is closed.
func (w *world) recreate(room int) {
	if w.closed {
		return
	}
	w.after(nil, time.Second, func() { w.recreate(room) })
	if c := w.anyConsumer(); c != nil && w.disk.logs[room].deleted {
		request := w.creation()
		w.lastConn++
		_ = c.front.Send(layer.Input{Room: roomNames[room], Input: event.Input{Kind: event.InputRequest, Conn: w.lastConn, Request: &request}})
	}
}

// typed returns an update that inserts a character after the program's last one.
func (g *program) typed() []byte {
	g.clock++
	return testkit.Typed(g.id, g.clock-1, "p")
}
