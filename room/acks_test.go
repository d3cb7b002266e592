package room

import (
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// In a document that many have edited, a state vector is long. What a client has made before
// its SyncStep1 is found all the same, and what is kept for it is bounded.
func TestUncountedInALongVector(t *testing.T) {
	const clients, own = 3000, 7
	r := New(Config{})
	vector := lib0.AppendUint(nil, clients+1)
	for i := range uint64(clients) {
		if err := r.Load(testkit.Typed(1000+i, 0, "x"), blocks.V1); err != nil {
			t.Fatal(err)
		}
		vector = lib0.AppendUint(lib0.AppendUint(vector, 1000+i), 1)
	}
	vector = lib0.AppendUint(lib0.AppendUint(vector, own), 2)
	const conn = 1
	r.Step(at(1), []event.Input{
		{Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite, Acks: true, V1: true, Greeting: event.GreetingClient},
		message(conn, protocol.SyncStep1, vector),
	})
	if n := len(r.conns[conn].uncounted); n == 0 || n > maxUncounted {
		t.Errorf("%d bytes are kept", n)
	}
	got := map[protocol.Type]int{}
	for _, o := range r.Step(at(2), []event.Input{
		message(conn, protocol.Update, testkit.Typed(own, 0, "ab")),
		message(conn, protocol.Update, testkit.Typed(own, 2, "c")),
	}).Durable {
		got[o.Message.Type] += o.Message.Count
	}
	if got[protocol.Uncounted] != 1 || got[protocol.Ack] != 1 {
		t.Errorf("%d updates are not counted, %d are acknowledged", got[protocol.Uncounted], got[protocol.Ack])
	}
}
