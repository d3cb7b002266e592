package worker

import (
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// A broadcast is sent once to each front that has connections in the room, and to no
// other.
func TestBroadcastGoesToEachFrontOnce(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		other, idle := attach(t, f.config.Layer), attach(t, f.config.Layer)
		f.pair("a")
		other.join("a", 3, 4, 5)
		other.want("a: 3 SyncStep1", "a: 4 SyncStep1", "a: 5 SyncStep1")
		idle.join("b", 6)
		idle.want("b: 6 SyncStep1")

		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		other.want("a: all Update")
		other.send("a", message(3, protocol.Awareness, testkit.Present(8, 1, "{}")))
		f.want("a: all Awareness")
		other.want("a: all Awareness")
		other.send("a", message(4, protocol.SyncStep1, []byte{0}))
		f.want()
		other.want("a: 4 SyncStep2")

		other.send("a", event.Input{Kind: event.InputLeave, Conn: 5})
		other.join("a", 4) // again
		other.want("a: 4 Awareness", "a: 4 SyncStep1")
		other.send("a", event.Input{Kind: event.InputLeave, Conn: 4})
		f.write("a", 1, typed(7, 1))
		f.want("a: all Update")
		other.want("a: all Update")
		other.send("a", event.Input{Kind: event.InputLeave, Conn: 3}) // the last one there
		f.want("a: all Awareness")
		f.write("a", 1, typed(7, 2))
		f.want("a: all Update")
		other.want()
		idle.want()
		other.Close()
		idle.Close()
	})
}

// Programs receive their responses, and no broadcast.
func TestProgramsGetNoBroadcast(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		program := attach(t, f.config.Layer)
		f.pair("a")
		program.send("a", event.Input{Kind: event.InputRequest, Conn: 9, Request: &event.Request{Kind: event.RequestWatch}})
		program.want("a: 9 Response")
		program.send("a", event.Input{Kind: event.InputRequest, Conn: 8, Request: &event.Request{Kind: event.RequestQuery}})
		program.want("a: 8 Response")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		program.want("a: 9 Response")
		program.send("a", event.Input{Kind: event.InputLeave, Conn: 9})
		f.write("a", 1, typed(7, 1))
		f.want("a: all Update")
		program.want()
		program.Close()
	})
}

// A program may send several requests under one id.
func TestRequestsUnderOneID(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		program := attach(t, f.config.Layer)
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		for range 3 {
			program.send("a", event.Input{Kind: event.InputRequest, Conn: 9, Request: &event.Request{Kind: event.RequestQuery}})
		}
		program.want()
		gate.Release <- nil
		program.want("a: 9 Response", "a: 9 Response", "a: 9 Response")
		if n := len(f.find("a").receivers.requests); n != 0 {
			t.Errorf("%d requests are left", n)
		}
		f.want("a: all Update")

		// A program that has left receives nothing, and nothing is kept for it.
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		program.send("a", event.Input{Kind: event.InputRequest, Conn: 9, Request: &event.Request{Kind: event.RequestQuery}})
		synctest.Wait()
		program.send("a", event.Input{Kind: event.InputLeave, Conn: 9})
		synctest.Wait()
		if n := len(f.find("a").receivers.requests); n != 0 {
			t.Errorf("%d requests are left", n)
		}
		gate.Release <- nil
		program.want()
		program.Close()
	})
}

func TestUnknownInputsAreIgnored(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		for _, in := range []event.Input{
			{},
			{Kind: 200, Conn: 1},
			{Kind: workerDrains, Conn: 1},
			{Kind: roomMoved, Conn: 1},
			{Kind: frontLost, Conn: 1},
			{Kind: frontGone, Conn: 1},
			{Kind: event.InputJoin},
			{Kind: event.InputMessage},
			{Kind: event.InputResync},
			{Kind: event.InputLeave},
			{Kind: event.InputRequest, Conn: 1},
		} {
			f.send("a", in)
		}
		f.want()
		f.request("a", event.Request{Kind: 200}).refused(event.CauseUnsupported)
		f.request("b", event.Request{Kind: 200}).refused(event.CauseUnsupported)
		f.request("b", event.Request{}).refused(event.CauseUnsupported)
	})
}

// Calls of Deliver for one room don't overlap, whether an actor or the worker sends the
// outputs.
func TestDeliveriesOfOneRoomFollowEachOther(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		running := make(chan struct{}, 1)
		f.back = &faultyBack{Back: f.back, on: func([]layer.Output) {
			select {
			case running <- struct{}{}:
			default:
				t.Error("two calls at once")
				return
			}
			for range 10 {
				runtime.Gosched()
			}
			<-running
		}}
		for range 100 { // first while the room is not open, then while it is
			f.query("a", event.Mark{})
			f.write("a", 1, typed(7, 0))
		}
		for range 100 {
			f.query("a", event.Mark{})
			f.join("a", 2)
			f.leave("a", 2)
		}
		synctest.Wait()
	})
}
