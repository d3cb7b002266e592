package room

import (
	"math"
	"slices"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// changeAccess changes the access of a connection for its consumer. A change by a program
// that the consumer had not received when it sent this one counts before it.
func (t *turn) changeAccess(in *event.Input, m member) {
	if in.AccessSeq >= m.accessSeq {
		t.give(in.Conn, m, in.Access)
	}
	t.know(in.Conn, in.AccessSeq)
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

// controlled is a request of a program that has changed the access of connections, or has
// closed them, until their consumers know it. Only then is it responded to, so that what has
// taken effect is not undone if a worker is lost and the connections join again at another one.
type controlled struct {
	program event.ConnID
	count   int
	waits   map[event.ConnID]uint64 // by connection: the AccessSeq that its consumer has to know
}

// gone, as an AccessSeq, means that the consumer says that the connection has left.
const gone = math.MaxUint64

// control handles a request of a program that concerns connections. It waits for no append,
// because it reveals nothing of the document.
func (t *turn) control(in *event.Input) event.Refusal {
	q := in.Request
	c := controlled{program: in.Conn, waits: make(map[event.ConnID]uint64)}
	switch {
	case q.Kind == event.RequestAccess:
		for _, conn := range t.targets(q) {
			m := t.conns[conn]
			m.accessSeq++
			t.give(conn, m, q.Access)
			t.tell(conn)
			c.waits[conn] = m.accessSeq
		}
		c.count = len(c.waits)
	case q.Kind == event.RequestExpel && q.Message.Type == protocol.Close:
		for _, conn := range t.targets(q) {
			t.close(conn, q.Message)
			t.ban(conn, q.Message)
			c.waits[conn] = gone
		}
		c.count = len(c.waits)
	case q.Kind == event.RequestBroadcast && q.Message.Type == protocol.Stateless:
		if c.count = len(t.conns); c.count > 0 {
			t.sendNow(event.Everyone, q.Message)
		}
	default:
		return event.Refusal{Cause: event.CauseMalformed, Reason: "the request has no message of its kind"}
	}
	t.controlled = append(t.controlled, c)
	t.respondControlled()
	return event.Refusal{}
}

// know records which AccessSeq the consumer of a connection knows.
func (t *turn) know(conn event.ConnID, seq uint64) {
	if len(t.controlled) == 0 {
		return
	}
	for _, c := range t.controlled {
		if least, waits := c.waits[conn]; waits && seq >= least {
			delete(c.waits, conn)
		}
	}
	t.respondControlled()
}

// respondControlled responds to the requests that wait for no consumer any more.
func (t *turn) respondControlled() {
	t.controlled = slices.DeleteFunc(t.controlled, func(c controlled) bool {
		if len(c.waits) > 0 {
			return false
		}
		t.effects.Now = append(t.effects.Now, event.Output{
			Kind: event.OutputResponse, To: c.program, Response: &event.Response{Count: c.count},
		})
		return true
	})
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

// ban makes the room close a connection again if it joins again, as it does if the Close was
// lost on its way. The ban ends when the consumer says that the connection has left.
func (t *turn) ban(conn event.ConnID, closing protocol.Message) {
	if t.banned == nil {
		t.banned = make(map[event.ConnID]protocol.Message)
	}
	t.banned[conn] = closing
}
