package worker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
)

// connections records which connections join and leave.
func (l *eventLog) connections() Events {
	return Events{
		Joined: func(i JoinInfo) { l.addf("%s: %d of %q", i.Room, i.Conn, i.User) },
		Left: func(i LeaveInfo) {
			end := ""
			if i.Moved {
				end = ", moved"
			}
			l.addf("%s: not %d%s", i.Room, i.Conn, end)
		},
	}
}

// Each connection that joins a room is reported once, and once that it is not in it any more: because
// it has left, because its consumer is gone or doesn't know it, or because the room was closed or handed over.
func TestJoinedAndLeft(t *testing.T) {
	var l eventLog
	config := Config{Events: l.connections(), Room: func(string) Settings { return Settings{RemoveDelay: time.Second} }}
	runWithConfig(t, config, func(f *fixture, layer *frontLayer) {
		want := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, l.take()); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", what, diff)
			}
		}
		f.joinUser("a", "ada", 1)
		front := layer.last
		want("a Join", `a: 1 of "ada"`)
		f.rejoin("a", 1)
		f.request("a", event.Request{Kind: event.RequestWatch})
		want("a Join again, and a watch")
		f.leave("a", 1)
		f.leave("a", 1)
		f.leave("a", 7)
		want("a Leave", "a: not 1")

		f.joinUser("a", "", 2, 3)
		layer.handler.Lost(front)
		f.rejoin("a", 3)
		time.Sleep(answerWithin + time.Second)
		want("a Rejoin without an answer", `a: 2 of ""`, `a: 3 of ""`, "a: not 2")
		layer.handler.Gone(front)
		want("the end of a consumer", "a: not 3")

		f.joinUser("a", "ada", 4)
		layer.handler.Moved(func(string) bool { return true })
		want("a hand-over", `a: 4 of "ada"`, "a: not 4, moved")
		f.leave("a", 4)
		want("a Leave after it")

		f.store.Set(faulty.Fail(errFault), faulty.Load)
		f.joinUser("b", "ada", 5)
		f.joinUser("b", "ada", 6)
		f.leave("b", 5)
		f.leave("b", 6)
		want("a room that can't be loaded")
		f.store.Set(nil, faulty.Load)
		f.rest()

		f.joinUser("b", "ada", 7)
		f.write("b", 7, typed(7, 0))
		f.wantStored("b", typed(7, 0))
		f.delete("b").response()
		f.leave("b", 7)
		want("a deletion", `b: 7 of "ada"`, "b: not 7")
		f.logged()
	})
}
