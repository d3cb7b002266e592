package worker

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store/memstore"
)

// A room that moves to another worker is stored, hands over its connections and is
// evicted. Others stay.
func TestMovedRoom(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		f.pair("a")
		f.pair("b")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		l.handler.Moved(func(name string) bool { return name == "a" })
		f.want() // before the update is stored
		gate.Release <- nil
		f.want("a: all Update", "a: 1 Rejoin", "a: 2 Rejoin")
		f.wantStored("a", typed(7, 0))
		f.store.Set(nil, faulty.Append)
		if names := f.inMemory(); !slices.Equal(names, []string{"b"}) {
			t.Errorf("rooms %q are in memory, want b", names)
		}
		f.write("b", 1, typed(7, 0))
		f.want("b: all Update")
		f.write("a", 2, typed(8, 0)) // sent before the Rejoin arrived
		f.want("a: 2 Rejoin")
	})
}

// Inputs that arrive while a moved room is compacted are not lost. A Join means that
// the room is placed at this worker again, so it stays open.
func TestMovedRoomThatIsCompacted(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		f.pair("a")
		f.types("a", 0, 10)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		l.handler.Moved(func(string) bool { return true })
		f.want("a: 1 Rejoin", "a: 2 Rejoin")
		f.write("a", 1, typed(7, 10))
		f.want("a: 1 Rejoin")
		f.rejoin("a", 1)
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
		gate.Release <- nil
		f.store.Set(nil, faulty.Load)
		f.write("a", 1, typed(7, 10))
		f.want("a: all Update")
		l.handler.Moved(func(string) bool { return true })
		f.want("a: 1 Rejoin")
		if names := f.inMemory(); len(names) > 0 {
			t.Errorf("rooms %q are in memory", names)
		}
	})
}

// A room that moves away and back before it is handed over asks all its connections to
// join again: some may have left at the other worker meanwhile.
func TestMovedRoomThatReturns(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		l.handler.Moved(func(string) bool { return true })
		f.want()
		f.join("a", 3)
		f.want() // SyncStep1 waits for the append
		gate.Release <- nil
		f.want("a: all Update", "a: 3 SyncStep1", "a: 1 Rejoin", "a: 2 Rejoin", "a: 3 Rejoin")
		f.store.Set(nil, faulty.Append)
		f.rejoin("a", 3)
		f.want("a: 3 SyncStep1", "a: 3 SyncStep2")
		f.leave("a", 3)
	})
}

// A second worker takes over the rooms of one that drains. The connections join again
// with the states that they have, and lose nothing.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := memlayer.New(), memstore.New()
		stop := begin(t, Config{Layer: l, Store: s})
		front := attach(t, l)
		one, two := newClient(1), newClient(2)
		both := func(outs []layer.Output) {
			one.apply(t, outs)
			two.apply(t, outs)
		}
		front.join("a", 1, 2)
		for _, conn := range []event.ConnID{1, 2} {
			front.send("a", message(conn, protocol.SyncStep1, []byte{0}))
		}
		both(front.take())
		var all [][]byte
		write := func(c *client, client, clock uint64) {
			u := typed(client, clock)
			all = append(all, u)
			if _, err := c.doc.Apply(slices.Clone(u), blocks.V1); err != nil {
				t.Fatal(err)
			}
			front.send("a", message(c.conn, protocol.Update, slices.Clone(u)))
		}
		for clock := range uint64(5) {
			write(one, 7, clock)
			both(front.take())
		}
		front.send("a", message(1, protocol.Awareness, testkit.Present(7, 1, "{}")))
		front.take()
		first := one.mark

		stop()
		front.want("a: 1 Rejoin", "a: 2 Rejoin")
		if front.lost != 1 {
			t.Errorf("Lost was called %d times, want 1", front.lost)
		}
		// The updates that connection 1 writes meanwhile reach no worker.
		unsent := typed(7, 5)
		all = append(all, unsent)
		if _, err := one.doc.Apply(slices.Clone(unsent), blocks.V1); err != nil {
			t.Fatal(err)
		}

		stop = begin(t, Config{Layer: l, Store: s})
		for _, c := range []*client{one, two} {
			front.send("a", event.Input{
				Kind: event.InputJoin, Conn: c.conn, Access: event.AccessWrite | event.AccessPresent,
				Greeting: event.GreetingRejoin, Mark: c.mark, Vector: c.doc.StateVector(),
			})
		}
		outs := front.want("a: 1 SyncStep1", "a: 1 SyncStep2", "a: 2 SyncStep1", "a: 2 SyncStep2")
		if n := len(outs[1].Message.Data); n > 2 {
			t.Errorf("connection 1 is sent %d bytes, although it lacks nothing", n)
		}
		both(outs)
		if one.mark.Epoch == first.Epoch {
			t.Error("the new worker uses the epoch of the old one")
		}
		// The client answers the SyncStep1 with what the room lacks.
		diff, err := one.doc.Diff(outs[0].Message.Data, blocks.V1)
		if err != nil {
			t.Fatal(err)
		}
		front.send("a", message(1, protocol.SyncStep2, diff))
		both(front.take())
		write(two, 8, 0)
		both(front.take())
		one.want(t, all...)
		two.want(t, all...)
		stop()
		front.Close()
	})
}
