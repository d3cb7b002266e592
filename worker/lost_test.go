package worker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
)

// frontLayer keeps the handler of the worker and the addresses of fronts, so that a
// test can report losses.
type frontLayer struct {
	*memlayer.Layer

	handler layer.BackHandler
	last    layer.Address // of the front that sent last
}

func (l *frontLayer) Serve(h layer.BackHandler) (layer.Back, error) {
	l.handler = h
	handle := h.Handle
	h.Handle = func(in layer.Input) error {
		l.last = in.From
		return handle(in)
	}
	return l.Layer.Serve(h)
}

// runWithLosses is like run, with a layer on which the test can report losses.
func runWithLosses(t *testing.T, settings Settings, test func(f *fixture, l *frontLayer)) {
	t.Helper()
	runWithConfig(t, Config{Room: func(string) Settings { return settings }}, test)
}

// runWithConfig is like runWithLosses, with any configuration of the worker.
func runWithConfig(t *testing.T, c Config, test func(f *fixture, l *frontLayer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &frontLayer{Layer: memlayer.New()}
		c.Layer = l
		f := start(t, c)
		synctest.Wait()
		f.front.Close()
		var err error
		if f.front, err = l.Attach(layer.FrontHandler{Deliver: f.deliver, Lost: f.noteLost}); err != nil {
			t.Fatal(err)
		}
		test(f, l)
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.front.Close()
	})
}

// A room answers messages of connections that it doesn't know with a Rejoin, once
// a turn.
func TestUnknownConnectionsAreToRejoin(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		other := attach(t, f.config.Layer)
		f.pair("a")
		other.send("a", message(3, protocol.Update, typed(7, 0)))
		other.want("a: 3 Rejoin")
		other.send("a", event.Input{Kind: event.InputResync, Conn: 3})
		other.want("a: 3 Rejoin")
		f.want()
		if n := len(f.find("a").receivers.unknown); n != 0 {
			t.Errorf("%d unknown connections are left", n)
		}
		other.send("a", event.Input{Kind: event.InputJoin, Conn: 3, Access: event.AccessWrite, Greeting: event.GreetingRejoin})
		other.want("a: 3 SyncStep1", "a: 3 SyncStep2")
		other.send("a", message(3, protocol.Update, typed(7, 0)))
		other.want("a: all Update")
		f.want("a: all Update")

		// The same holds for a connection that the room has closed.
		other.send("a", message(3, protocol.Update, []byte{1}))
		other.want("a: 3 Close 1007")
		other.send("a", message(3, protocol.Update, typed(7, 1)))
		other.want("a: 3 Rejoin")
		other.Close()
	})
}

func TestRejoinOfARoomThatIsNotOpen(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.write("a", 1, typed(7, 0))
		f.want("a: 1 Rejoin")
		if n := f.calls(faulty.Load); n != 0 {
			t.Errorf("loaded %d times", n)
		}
		f.rejoin("a", 1)
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.leave("b", 1)
		f.want()
	})
}

// A closed room closes a connection once. A connection that it doesn't know joins
// again, and is closed then.
func TestRejoinOfAClosedRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.store.Set(faulty.Fail(errFault), faulty.Load)
		f.join("a", 1)
		f.want("a: 1 Close 1013")
		f.write("a", 1, typed(7, 0)) // sent before the Close arrived
		f.want()
		f.write("a", 2, typed(7, 0))
		f.want("a: 2 Rejoin")
		f.rejoin("a", 2)
		f.want("a: 2 Close 1013")
		f.logged()
	})
}

// After a loss, the connections of that front receive a Rejoin, and those of other
// fronts don't.
func TestLostFront(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		other := attach(t, l)
		f.pair("a")
		f.pair("b")
		watch := f.request("a", event.Request{Kind: event.RequestWatch})
		watch.response()
		front := l.last
		other.join("a", 3)
		other.want("a: 3 SyncStep1")
		l.handler.Lost(front)
		f.want("a: 1 Rejoin", "a: 2 Rejoin", "b: 1 Rejoin", "b: 2 Rejoin")
		if watch.rejoins != 1 {
			t.Errorf("the watcher got %d Rejoins, want 1", watch.rejoins)
		}
		other.want()

		f.rejoin("a", 1)
		f.leave("a", 2) // it doesn't exist
		f.leave("b", 1)
		f.leave("b", 2)
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
		got := f.query("a", event.Mark{}).response().Members
		if len(got) != 2 || got[0].ID != 1 || got[1].ID != 3 {
			t.Errorf("the members are %+v, want 1 and 3", got)
		}
		other.Close()
	})
}

// If a front doesn't answer for a connection, the connection leaves after a while: the
// front may have sent the answer to another worker.
func TestRejoinThatIsNotAnswered(t *testing.T) {
	runWithLosses(t, Settings{RemoveDelay: time.Minute}, func(f *fixture, l *frontLayer) {
		other := attach(t, l)
		other.join("a", 1)
		f.join("a", 2, 3)
		f.join("b", 4)
		watch := f.request("a", event.Request{Kind: event.RequestWatch})
		watch.response()
		f.write("a", 3, typed(7, 0))
		f.send("a", message(3, protocol.Awareness, testkit.Present(8, 1, "{}")))
		synctest.Wait()
		f.outs = nil
		l.handler.Lost(l.last)
		f.want("a: 2 Rejoin", "a: 3 Rejoin", "b: 4 Rejoin")
		f.rejoin("a", 2)
		f.want("a: 2 Awareness", "a: 2 SyncStep1", "a: 2 SyncStep2")
		time.Sleep(answerWithin - time.Second)
		f.want()
		time.Sleep(time.Second)
		f.want("a: all Awareness") // 3 has left
		got := f.query("a", event.Mark{}).response()
		if len(got.Members) != 2 || got.Members[0].ID != 1 || got.Members[1].ID != 2 || len(got.States) != 0 {
			t.Errorf("members %+v with states %+v, want 1 and 2", got.Members, got.States)
		}
		if r := f.find("a").receivers; len(r.known) != 2 {
			t.Errorf("receivers %+v: the watcher has not left", r)
		}
		f.write("a", 3, typed(7, 1)) // it exists nevertheless
		f.want("a: 3 Rejoin")
		time.Sleep(time.Minute)
		if names := f.inMemory(); !slices.Equal(names, []string{"a"}) {
			t.Errorf("rooms %q are in memory: b was left", names)
		}
		other.Close()
	})
}

// Connections whose Join waits in the mailbox receive a Rejoin, too.
func TestLostFrontWhileARoomLoads(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.join("a", 1)
		synctest.Wait()
		l.handler.Lost(l.last)
		f.want()
		gate.Release <- nil
		f.want("a: 1 Rejoin", "a: 1 SyncStep1")

		f.store.Set(faulty.Fail(errFault), faulty.Load)
		f.join("b", 1)
		f.want("b: 1 Close 1013")
		l.handler.Lost(l.last) // the Close may be lost
		f.want("a: 1 Rejoin", "b: 1 Rejoin")
		f.logged()
	})
}

// When a front is gone, its connections and watchers leave their rooms.
func TestGoneFront(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		other := attach(t, f.config.Layer)
		f.join("a", 1)
		other.join("a", 2, 3)
		other.join("b", 4)
		other.send("a", event.Input{Kind: event.InputRequest, Conn: 9, Request: &event.Request{Kind: event.RequestWatch}})
		other.send("b", event.Input{Kind: event.InputRequest, Conn: 9, Request: &event.Request{Kind: event.RequestWatch}})
		synctest.Wait()
		other.send("a", message(3, protocol.Awareness, testkit.Present(8, 1, "{}")))
		f.want("a: 1 SyncStep1", "a: all Awareness")

		other.Close()
		f.want("a: all Awareness") // 3 has left
		got := f.query("a", event.Mark{}).response()
		if len(got.Members) != 1 || got.Members[0].ID != 1 || len(got.States) != 0 {
			t.Errorf("members %+v with states %+v, want 1", got.Members, got.States)
		}
		if r := f.find("a").receivers; len(r.known) != 1 || len(r.fronts) != 1 {
			t.Errorf("receivers %+v", r)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if names := f.inMemory(); !slices.Equal(names, []string{"a"}) {
			t.Errorf("rooms %q are in memory: b was left", names)
		}
	})
}

// If a front goes away while a room loads, nothing of it is kept.
func TestGoneFrontWhileARoomLoads(t *testing.T) {
	run(t, Settings{MailboxInputs: 3, RemoveDelay: time.Second}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		other := attach(t, f.config.Layer)
		other.join("a", 1, 2, 3) // the mailbox is full
		other.Close()
		gate.Release <- nil
		time.Sleep(time.Second)
		synctest.Wait()
		if names := f.inMemory(); len(names) > 0 {
			t.Errorf("rooms %q are in memory", names)
		}
	})
}
