package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
)

// joinUser makes connections of a user join, which are told of their updates.
func (f *fixture) joinUser(name, user string, conns ...event.ConnID) {
	f.t.Helper()
	for _, conn := range conns {
		f.send(name, event.Input{
			Kind: event.InputJoin, Conn: conn, User: user, Access: event.AccessWrite, Acks: true, Greeting: event.GreetingClient,
		})
	}
}

func (f *fixture) expel(name, user string) *request {
	f.t.Helper()
	return f.request(name, event.Request{
		Kind: event.RequestExpel, User: user, Message: protocol.Message{Type: protocol.Close, Code: protocol.CloseForbidden},
	})
}

// know tells a room that the consumer of a connection knows its first change of access.
func (f *fixture) know(name string, conn event.ConnID, access event.Access) {
	f.t.Helper()
	f.send(name, event.Input{Kind: event.InputAccess, Conn: conn, Access: access, AccessSeq: 1})
}

func (q *request) wantCount(want int) {
	q.f.t.Helper()
	if got := q.response(); got.Count != want {
		q.f.t.Errorf("the request was for %d connections, want %d", got.Count, want)
	}
}

// An Ack follows the append of the update, and of those that it repeats.
func TestAckIsDurable(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.joinUser("a", "ada", 1, 2)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.write("a", 2, typed(7, 0))
		f.want()
		gate.Release <- nil
		f.want("a: 1 Ack", "a: all Update", "a: 2 Ack")
		f.store.Set(nil, faulty.Append)
		f.write("a", 2, typed(7, 0))
		f.want("a: 2 Ack")
	})
}

// While a room can't be saved, only what is stored is acknowledged, and what is requested of
// connections goes on.
func TestSuspendedRoomAcknowledges(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.suspended()
		f.joinUser("a", "ada", 3, 4)
		f.write("a", 3, typed(7, 0))
		f.want("a: 3 Ack")
		f.write("a", 3, typed(7, 1))
		f.want("a: 3 Close 1013")
		f.leave("a", 3)
		q := f.expel("a", "ada")
		f.want("a: 4 Close 4403")
		f.leave("a", 4)
		q.wantCount(1)
		f.store.Set(nil, faulty.Append)
		time.Sleep(suspendedPause)
		f.want("a: all Update")
		f.logged()
	})
}

// What is requested of connections waits for no append.
func TestControlWaitsForNoAppend(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.joinUser("a", "ada", 1, 2)
		f.joinUser("a", "bob", 3)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		q := f.request("a", event.Request{Kind: event.RequestAccess, Target: 3})
		f.want("a: 3 Access hidden")
		q.waits() // until the consumer knows
		f.know("a", 3, event.AccessRead)
		q.wantCount(1)
		f.request("a", event.Request{Kind: event.RequestBroadcast, Message: protocol.Message{Type: protocol.Stateless}}).wantCount(3)
		f.want("a: all Stateless")
		q = f.expel("a", "ada")
		f.want("a: 1 Close 4403", "a: 2 Close 4403")
		f.leave("a", 1)
		q.waits()
		f.leave("a", 2)
		q.wantCount(2)
		f.request("a", event.Request{Kind: event.RequestExpel, User: "ada"}).refused(event.CauseMalformed)
		close(gate.Release)
		f.want("a: all Update")
	})
}

// A room that isn't in memory, or is closed, has no connections.
func TestControlOpensNoRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.expel("a", "ada").wantCount(0)
		f.send("a", event.Input{Kind: event.InputAccess, Conn: 1})
		f.want("a: 1 Rejoin")
		if n := f.calls(faulty.Load); n != 0 {
			t.Errorf("the room was loaded %d times", n)
		}
		f.store.Set(faulty.Fail(errFault), faulty.Load)
		f.joinUser("a", "ada", 1)
		afterPatience()
		f.want("a: 1 Close 1013")
		f.expel("a", "ada").wantCount(0)
		f.logged()
	})
}

// A request to the worker is for all its rooms, and also finds connections that wait for
// their room to be loaded.
func TestControlOfAllRooms(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.expel("", "ada").wantCount(0)
		f.joinUser("a", "ada", 1)
		f.joinUser("b", "bob", 2)
		f.joinUser("c", "ada", 3)
		synctest.Wait()
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.joinUser("d", "ada", 4)
		synctest.Wait()
		q := f.expel("", "ada")
		q.waits()
		f.want("a: 1 Close 4403", "c: 3 Close 4403")
		gate.Release <- nil
		f.want("d: 4 Close 4403")
		for room, conn := range map[string]event.ConnID{"a": 1, "c": 3, "d": 4} {
			f.leave(room, conn)
		}
		q.wantCount(3)

		f.joinUser("e", "ada", 5)
		synctest.Wait()
		q = f.request("", event.Request{Kind: event.RequestAccess, User: "bob", Access: event.AccessPresent})
		q.waits()
		f.want("b: 2 Access read")
		f.know("b", 2, event.AccessPresent)
		gate.Release <- errFault // which is tried again
		close(gate.Release)
		time.Sleep(longestPause)
		q.wantCount(1)
		if len(f.tallies) > 0 {
			t.Errorf("%d tallies are left", len(f.tallies))
		}
	})
}

// A room that is handed over has told the consumers what they have to know, and answers.
func TestHandOverAnswersControl(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.joinUser("a", "ada", 1)
		f.joinUser("a", "bob", 2)
		f.joinUser("b", "ada", 3)
		synctest.Wait()
		expelled, everywhere := f.expel("a", "ada"), f.expel("", "bob")
		expelled.waits()
		everywhere.waits()
		f.want("a: 1 Close 4403", "a: 2 Close 4403")
		f.moved(func(room string) bool { return room == "a" })
		f.want("a: 1 Rejoin", "a: 2 Rejoin")
		expelled.wantCount(1)
		everywhere.wantCount(1)
	})
}

// A room without connections stays in memory until the connections that it has closed have
// left.
func TestControlKeepsTheRoom(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Millisecond}, func(f *fixture) {
		f.joinUser("a", "ada", 1)
		synctest.Wait()
		q := f.expel("a", "ada")
		time.Sleep(time.Second)
		q.waits()
		f.want("a: 1 Close 4403")
		f.leave("a", 1)
		q.wantCount(1)
		time.Sleep(time.Second)
		if open := f.inMemory(); len(open) > 0 {
			t.Errorf("%q are in memory", open)
		}
	})
}
