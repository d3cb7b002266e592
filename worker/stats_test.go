package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
)

// wantStats checks the Stats that don't depend on the sizes of things.
func (f *fixture) wantStats(want Stats) {
	f.t.Helper()
	synctest.Wait()
	got := f.Stats()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Stats{}, "Pending", "Waiting", "WaitingLimit", "Memory", "MemoryLimit")); diff != "" {
		f.t.Errorf("stats (-want +got):\n%s", diff)
	}
}

// Stats follow a room from its load to its eviction.
func TestStats(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.wantStats(Stats{})
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.send("a", event.Input{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite | event.AccessPresent})
		f.wantStats(Stats{Loading: 1})
		gate.Release <- nil
		f.wantStats(Stats{Open: 1})
		f.store.Set(nil, faulty.Load)

		f.join("b", 2)
		in := message(1, protocol.Awareness, testkit.Present(5, 1, `{}`))
		in.Client = 5
		f.send("a", in)
		f.write("a", 1, typed(7, 3)) // what is before it is missing
		f.wantStats(Stats{Open: 2, Awareness: 1, Edits: 1})
		if s := f.Stats(); s.Pending != f.find("a").room.Pending() || s.Pending == 0 || s.Memory == 0 || s.MemoryLimit == 0 {
			t.Errorf("stats: %+v", s)
		}
		f.store.Set(faulty.Fail(errFull), faulty.Append)
		f.write("a", 1, typed(7, 0))
		afterPatience()
		f.wantStats(Stats{Open: 1, Suspended: 1, Edits: 2})
		f.store.Set(nil, faulty.Append)
		time.Sleep(2 * suspendedPause)
		f.wantStats(Stats{Open: 2, Edits: 2})

		f.leave("a", 1)
		f.leave("b", 2)
		time.Sleep(time.Minute)
		f.wantStats(Stats{Edits: 2})
		if s := f.Stats(); s.Pending != 0 || s.Waiting != 0 {
			t.Errorf("without rooms: %+v", s)
		}

		f.store.Set(faulty.Fail(errFull), faulty.Load)
		f.send("c", event.Input{Kind: event.InputJoin, Conn: 3, Access: event.AccessWrite})
		afterPatience()
		f.wantStats(Stats{Failed: 1, Edits: 2})
		time.Sleep(2 * closedFor)
		f.wantStats(Stats{Edits: 2})
	})
}
