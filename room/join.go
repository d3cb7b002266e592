package room

import (
	"bytes"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// join takes a connection into the room, again if it is there already.
func (t *turn) join(in *event.Input) {
	_, joined := t.conns[in.Conn]
	t.conns[in.Conn] = member{access: in.Access}
	delete(t.answered, question{in.Conn, protocol.SyncStep1})
	delete(t.answered, question{in.Conn, protocol.QueryAwareness})
	if !joined || in.Greeting != event.GreetingRejoin {
		t.awareness.Join(uint64(in.Conn))
	}
	switch in.Greeting {
	case event.GreetingServer:
		t.open(in.Conn)
	case event.GreetingRejoin:
		t.open(in.Conn)
		t.sendMissed(in, protocol.SyncStep2)
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

// leave takes a connection or a program out of the room.
func (t *turn) leave(conn event.ConnID) {
	t.dropRequests(conn)
	if _, joined := t.conns[conn]; joined {
		delete(t.conns, conn)
		t.broadcastLater(t.awareness.Leave(uint64(conn), t.now))
	}
}

// open sends SyncStep1 and the awareness to a connection that has joined.
func (t *turn) open(conn event.ConnID) {
	m := t.conns[conn]
	m.opened = true
	t.conns[conn] = m
	if t.vector == nil {
		t.vector = t.blocks.StateVector()
	}
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: conn,
		Message: protocol.Message{Type: protocol.SyncStep1, Data: t.vector},
	})
	t.sendStates(conn)
}

// answerSync answers a SyncStep1.
func (t *turn) answerSync(conn event.ConnID, m member, vector []byte) error {
	diff, err := t.diff(vector)
	if err != nil {
		return err
	}
	t.sendDiff(conn, protocol.SyncStep2, diff)
	if !m.opened {
		t.open(conn)
	}
	return nil
}

// sendDiff sends a difference that brings the receiver to the present state.
func (t *turn) sendDiff(conn event.ConnID, typ protocol.Type, diff []byte) {
	past, _ := t.marks.before(t.seq)
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: conn, Mark: t.mark(), Vector: past,
		Message: protocol.Message{Type: typ, Data: diff},
	})
}

// diff returns what is missing from a document with the given state vector.
func (t *turn) diff(vector []byte) ([]byte, error) {
	if diff, ok := t.diffs[string(vector)]; ok {
		return diff, nil
	}
	diff, err := t.encode(vector)
	if err != nil {
		return nil, err
	}
	if t.diffs == nil {
		t.diffs = make(map[string][]byte)
	}
	t.diffs[string(vector)] = diff
	return diff, nil
}

func (t *turn) encode(vector []byte) ([]byte, error) {
	if !bytes.Equal(vector, emptyVector) {
		return t.blocks.Diff(vector, t.encoding)
	}
	diff := t.whole.Value()
	if diff == nil {
		diff = must(t.blocks.Diff(vector, t.encoding))
		t.whole = weakbytes.Make(diff)
	}
	return diff, nil
}

// noStates is an awareness update without states.
var noStates = []byte{0}

// allStates returns an awareness update with all states.
func (t *turn) allStates() []byte {
	if t.states == nil {
		t.states = t.awareness.Encode()
		if t.states == nil {
			t.states = noStates
		}
	}
	return t.states
}

// sendStates sends all awareness states, if there are any.
func (t *turn) sendStates(conn event.ConnID) {
	if all := t.allStates(); len(all) > len(noStates) {
		t.sendNow(conn, protocol.Message{Type: protocol.Awareness, Data: all})
	}
}
