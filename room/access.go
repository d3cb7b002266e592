package room

import (
	"slices"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// changeAccess changes the access of a connection for its consumer, unless a program has
// changed it meanwhile: the consumer receives that change later than it has sent this one.
func (t *turn) changeAccess(in *event.Input, m member) {
	if in.AccessSeq >= m.accessSeq {
		t.give(in.Conn, m, in.Access)
	}
}

// give changes the access of a connection. Without AccessPresent, its states are removed.
func (t *turn) give(conn event.ConnID, m member, access event.Access) {
	hides := m.access.May(event.AccessPresent) && !access.May(event.AccessPresent)
	m.access = access
	t.conns[conn] = m
	if hides {
		t.broadcastLater(t.awareness.Leave(uint64(conn), t.now))
		t.awareness.Join(uint64(conn), m.user)
	}
}

// tell tells the consumer of a connection which access a program has given to it.
func (t *turn) tell(conn event.ConnID) {
	m := t.conns[conn]
	t.effects.Now = append(t.effects.Now, event.Output{
		Kind: event.OutputAccess, To: conn, Access: m.access, AccessSeq: m.accessSeq,
	})
}

// control handles a request of a program that concerns connections, and responds to it. It
// waits for no append, because it reveals nothing of the document.
func (t *turn) control(in *event.Input) event.Refusal {
	q := in.Request
	var count int
	switch {
	case q.Kind == event.RequestAccess:
		targets := t.targets(q)
		for _, conn := range targets {
			m := t.conns[conn]
			m.accessSeq++
			t.give(conn, m, q.Access)
			t.tell(conn)
		}
		count = len(targets)
	case q.Kind == event.RequestExpel && q.Message.Type == protocol.Close:
		targets := t.targets(q)
		for _, conn := range targets {
			t.close(conn, q.Message)
			t.ban(conn, q.Message)
		}
		count = len(targets)
	case q.Kind == event.RequestBroadcast && q.Message.Type == protocol.Stateless:
		count = len(t.conns)
		if count > 0 {
			t.sendNow(event.Everyone, q.Message)
		}
	default:
		return event.Refusal{Cause: event.CauseMalformed, Reason: "the request has no message of its kind"}
	}
	t.effects.Now = append(t.effects.Now, event.Output{
		Kind: event.OutputResponse, To: in.Conn, Response: &event.Response{Count: count},
	})
	return event.Refusal{}
}

// targets returns the connections that a request means, in order.
func (t *turn) targets(q *event.Request) (conns []event.ConnID) {
	if q.Target != 0 {
		if _, joined := t.conns[q.Target]; joined {
			conns = append(conns, q.Target)
		}
		return conns
	}
	for conn, m := range t.conns {
		if q.User != "" && m.user == q.User {
			conns = append(conns, conn)
		}
	}
	slices.Sort(conns)
	return conns
}

// ban closes a connection again if it joins again, because the Close was lost on its way,
// until its consumer says that it has left.
func (t *turn) ban(conn event.ConnID, closing protocol.Message) {
	if t.banned == nil {
		t.banned = make(map[event.ConnID]protocol.Message)
	}
	t.banned[conn] = closing
}
