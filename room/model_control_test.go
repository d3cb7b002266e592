package room

import (
	"bytes"
	"slices"

	"pgregory.net/rapid"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

var anyAccess = rapid.SampledFrom([]event.Access{
	event.AccessRead, event.AccessWrite, event.AccessPresent, event.AccessWrite | event.AccessPresent,
})

// allow changes the access of a connection, as its consumer does.
func (w *world) allow(t *rapid.T) {
	in := event.Input{Kind: event.InputAccess, Conn: event.ConnID(anyConn.Draw(t, "conn")), Access: anyAccess.Draw(t, "access")}
	if p := w.joined[in.Conn]; p != nil {
		p.granted = in.Access
		in.AccessSeq = p.seen
	}
	w.input(in)
}

// control requests something of connections, as a program does.
func (w *world) control(t *rapid.T) {
	q := &event.Request{
		Kind:   rapid.SampledFrom([]event.RequestKind{event.RequestAccess, event.RequestAccess, event.RequestExpel, event.RequestBroadcast}).Draw(t, "kind"),
		Target: event.ConnID(rapid.Uint64Range(0, 3).Draw(t, "target")),
		User:   "ada",
		Access: anyAccess.Draw(t, "access"),
	}
	switch q.Kind {
	case event.RequestExpel:
		q.Message = protocol.Message{Type: protocol.Close, Code: protocol.CloseForbidden}
	case event.RequestBroadcast:
		q.Message = protocol.Message{Type: protocol.Stateless, Data: []byte("hi")}
	}
	w.input(event.Input{Kind: event.InputRequest, Conn: controller, Request: q})
}

// deafen makes a connection lose the next changes of its access.
func (w *world) deafen(t *rapid.T) {
	if p := w.joined[event.ConnID(anyConn.Draw(t, "conn"))]; p != nil {
		p.deaf = true
	}
}

// confirm tells the room which access a consumer knows, as it does after a change.
func (w *world) confirm(t *rapid.T) {
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	if p := w.joined[conn]; p != nil {
		w.input(event.Input{Kind: event.InputAccess, Conn: conn, Access: p.granted, AccessSeq: p.seen})
	}
}

// pendingControl is a request of control that is not responded to yet.
type pendingControl struct {
	count int
	waits map[event.ConnID]uint64
}

// know records what the consumer of a connection knows, and which requests are due to be
// responded to.
func (w *world) know(conn event.ConnID, seq uint64) {
	w.controls = slices.DeleteFunc(w.controls, func(c pendingControl) bool {
		if least, waits := c.waits[conn]; waits && seq >= least {
			delete(c.waits, conn)
		}
		if len(c.waits) == 0 {
			w.counts = append(w.counts, c.count)
		}
		return len(c.waits) == 0
	})
}

// takeControl applies a request of control to the model.
func (w *world) takeControl(q *event.Request) {
	count, waits := 0, make(map[event.ConnID]uint64)
	for conn := event.ConnID(1); conn <= 3; conn++ {
		p := w.joined[conn]
		if p == nil || q.Kind != event.RequestBroadcast && q.Target != conn && (q.Target != 0 || p.user != q.User) {
			continue
		}
		count++
		switch q.Kind {
		case event.RequestAccess:
			p.accessSeq++
			w.give(conn, p, q.Access)
			w.due[question{conn, changed}]++
			waits[conn] = p.accessSeq
		case event.RequestExpel:
			w.due[question{conn, protocol.Close}]++
			w.banned[conn] = true
			w.remove(conn)
			waits[conn] = gone
		}
	}
	if q.Kind == event.RequestBroadcast && count > 0 {
		w.due[question{event.Everyone, protocol.Stateless}]++
	}
	w.controls = append(w.controls, pendingControl{count, waits})
	w.know(event.Everyone, 0)
}

// These types stand for outputs that have none of their own.
const (
	changed  protocol.Type = 255 - iota // an OutputAccess
	recalled                            // null that is sent to the owner of a state alone
)

func (w *world) give(conn event.ConnID, p *peer, access event.Access) {
	if p.access.May(event.AccessPresent) && !access.May(event.AccessPresent) {
		w.hide(conn)
		p.since = w.removes
	}
	p.access = access
}

// takeJoin applies a Join to the model.
func (w *world) takeJoin(in event.Input) {
	if w.banned[in.Conn] {
		w.due[question{in.Conn, protocol.Close}]++
		return
	}
	joined := &peer{
		access:    in.Access,
		accessSeq: in.AccessSeq,
		granted:   in.Access,
		seen:      in.AccessSeq,
		acks:      in.Acks,
		user:      in.User,
		greeting:  in.Greeting,
		enc:       w.encOf(in.Conn),
		doc:       w.docs[in.Conn],
		shown:     in.Greeting != event.GreetingClient,
		present:   make(map[uint64]shown),
	}
	before := w.joined[in.Conn]
	w.joined[in.Conn] = joined
	if before != nil {
		if in.AccessSeq < before.accessSeq {
			joined.access, joined.accessSeq = before.access, before.accessSeq
			w.due[question{in.Conn, changed}]++
		} else {
			w.give(in.Conn, before, in.Access)
		}
	}
	w.know(in.Conn, in.AccessSeq)
	joined.since = w.removes
	if in.Greeting == event.GreetingRejoin && before != nil {
		joined.since = before.since
		joined.mark, joined.vectors = before.mark, before.vectors
	}
	if in.Greeting != event.GreetingClient {
		w.due[question{in.Conn, protocol.SyncStep1}]++
		joined.ask(w.now)
	}
}

// settle subtracts an output from those that are due, and reports whether nothing of it is
// left to be handled.
func (w *world) settle(t *rapid.T, o event.Output, durable bool) (settled bool) {
	q := question{o.To, o.Message.Type}
	switch {
	case o.Kind == event.OutputAccess:
		q.typ = changed
		p := w.joined[o.To]
		if p == nil { // it has left in the same turn
			break
		}
		if !p.deaf {
			p.granted, p.seen = o.Access, o.AccessSeq
		}
	case o.Kind != event.OutputMessage:
		return false
	case q.typ == protocol.Ack, q.typ == protocol.Reject, q.typ == protocol.Uncounted:
		if !durable {
			t.Fatalf("%+v isn't held back until the updates are stored", o)
		}
		w.due[q] -= o.Message.Count - 1
	case q.typ == protocol.SyncStep1:
		if p := w.joined[o.To]; p != nil {
			p.question = o.Message.Data
		}
	case q.typ == protocol.Awareness && o.To != event.Everyone && bytes.HasSuffix(o.Message.Data, []byte("null")):
		q.typ = recalled
	case !slices.Contains([]protocol.Type{protocol.Close, protocol.Stateless, protocol.QueryAwareness}, q.typ):
		return false
	}
	w.due[q]--
	return true
}
