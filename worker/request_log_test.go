package worker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/store"
)

func (f *fixture) cuts(name string, from uint64) *request {
	f.t.Helper()
	return f.request(name, event.Request{Kind: event.RequestCut, From: from})
}

func TestLog(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.request("a", event.Request{Kind: event.RequestLog, Limit: 9}).refused(event.CauseNotFound)
		f.pair("a")
		f.types("a", 0, 5)
		for limit, first := range map[int]uint64{2: 4, 5: 1, 9: 1} {
			log := f.request("a", event.Request{Kind: event.RequestLog, Limit: limit}).response().Log
			if len(log) != int(6-first) || log[0].Position != first || log[0].Bytes != len(typed(7, first-1)) || log[0].Stored.IsZero() {
				t.Errorf("limit %d: %+v", limit, log)
			}
		}
	})
}

// TestCut checks that a cut sets the document back, and closes the connections, whose
// clients still have what was cut.
func TestCut(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 5)
		for _, from := range []uint64{0, 1, 6, 100} {
			got := f.cuts("a", from).refused(event.CausePosition)
			if !strings.Contains(got.Refusal.Reason, "entry") {
				t.Errorf("the reason is %q", got.Refusal.Reason)
			}
		}
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 5))
		synctest.Wait()
		cut := f.cuts("a", 3)
		f.write("a", 1, typed(7, 6))
		cut.waits() // for the append in progress
		f.store.Set(nil, faulty.Append)
		gate.Release <- nil
		cut.response()
		f.want("a: all Update", "a: 1 Close 4409", "a: 2 Close 4409")
		f.wantStored("a", typed(7, 0), typed(7, 1))
		f.join("a", 3)
		f.want("a: 3 Close 4409")
		f.rest()
		f.join("a", 4)
		f.want("a: 4 SyncStep1")
		f.write("a", 4, typed(7, 2))
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0), typed(7, 1), typed(7, 2))

		// What is a snapshot now can't be cut.
		f.cuts("a", 3).refused(event.CausePosition)
		f.cuts("never", 3).refused(event.CauseNotFound)
		f.delete("a").response()
		f.rest()
		f.cuts("a", 3).refused(event.CauseNotFound)
	})
}

// TestCutDuringACompaction checks that a compaction that began before doesn't undo a cut.
func TestCutDuringACompaction(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second, AutosaveDelay: 5 * time.Second}, func(f *fixture) {
		for position := range uint64(30) {
			e := store.Entry{Encoding: store.V1, Data: typed(7, position)}
			if _, err := f.store.Store.Append(t.Context(), "a", e); err != nil {
				t.Fatal(err)
			}
		}
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Compact)
		time.Sleep(5 * time.Second)
		<-gate.Reached // the compaction has read the log
		f.store.Set(nil, faulty.Compact)
		f.cuts("a", 11).response()
		f.want("a: 1 Close 4409")
		gate.Release <- nil
		f.wantStored("a", allTyped(10)...)
		f.rest()
		f.wantStored("a", allTyped(10)...)
		f.logged()
	})
}
