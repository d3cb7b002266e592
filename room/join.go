package room

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// join adds a connection to the room. A connection that is in the room already joins
// again.
func (t *turn) join(in *event.Input) {
	if closing, banned := t.banned[in.Conn]; banned {
		t.sendNow(in.Conn, closing)
		return
	}
	delete(t.asking, in.Conn) // it is asked because it joins
	before, joined := t.conns[in.Conn]
	m := member{user: in.User, access: before.access, accessSeq: max(in.AccessSeq, before.accessSeq), acks: in.Acks, v1: in.V1}
	t.countV1(before, -1)
	t.countV1(m, 1)
	switch {
	case !joined:
		m.access = in.Access
		t.conns[in.Conn] = m
	case in.AccessSeq < before.accessSeq: // an OutputAccess was lost
		t.conns[in.Conn] = m
		t.tell(in.Conn)
	default:
		t.give(in.Conn, m, in.Access)
	}
	t.know(in.Conn, in.AccessSeq)
	delete(t.answered, question{in.Conn, protocol.SyncStep1})
	delete(t.answered, question{in.Conn, protocol.QueryAwareness})
	if !joined || in.Greeting != event.GreetingRejoin {
		t.awareness.Join(uint64(in.Conn), in.User)
	}
	switch in.Greeting {
	case event.GreetingServer:
		t.open(in.Conn, true)
	case event.GreetingRejoin:
		t.open(in.Conn, true)
		t.sendMissed(in, m, protocol.SyncStep2)
	}
}

func (t *turn) countV1(m member, n int) {
	if m.v1 {
		t.v1s += n
	}
}

// rejoin asks the consumer of a connection that is not in the room to join again.
func (t *turn) rejoin(conn event.ConnID) {
	if t.rejoining[conn] {
		return
	}
	if t.rejoining == nil {
		t.rejoining = make(map[event.ConnID]bool)
	}
	t.rejoining[conn] = true
	t.effects.Now = append(t.effects.Now, event.Output{Kind: event.OutputRejoin, To: conn})
}

// leave removes a connection or a program from the room.
func (t *turn) leave(conn event.ConnID) {
	t.dropRequests(conn)
	delete(t.banned, conn)
	if m, joined := t.conns[conn]; joined {
		t.countV1(m, -1)
		delete(t.conns, conn)
		delete(t.asking, conn)
		t.broadcastLater(t.awareness.Leave(uint64(conn), t.now))
	}
}

// open sends the awareness, and SyncStep1 if ask is set, to a connection that has joined.
func (t *turn) open(conn event.ConnID, ask bool) {
	m := t.conns[conn]
	m.opened = true
	t.conns[conn] = m
	if ask {
		t.ask(conn)
	}
	t.sendStates(conn)
}
