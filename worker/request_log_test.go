package worker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
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

// TestLogHasAuthors checks that the log says whose elements an entry has, of a bounded
// number of clients, and that an entry which can't be read is in it.
func TestLogHasAuthors(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		var many [][]byte
		for client := range uint64(event.MaxAuthors + 3) {
			many = append(many, testkit.Typed(100+client, 0, "x"))
		}
		all, err := blocks.Merge(blocks.V2, inV2(t, many)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []store.Entry{
			{Encoding: store.V1, Data: testkit.Typed(7, 3, "abc")},
			{Encoding: store.V1, Data: []byte{0, 1, 7, 2, 0, 1, 4, 5}}, // deletes 0 and 4 to 8
			{Encoding: store.V2, Data: all},
			{Encoding: store.V1, Data: []byte{0xff}},
		} {
			if _, err := f.store.Store.Append(t.Context(), "a", e); err != nil {
				t.Fatal(err)
			}
		}
		log := f.request("a", event.Request{Kind: event.RequestLog, Limit: 9}).response().Log
		for i := range log {
			log[i].Bytes, log[i].Stored = 0, time.Time{}
		}
		want := []event.LogEntry{
			{Position: 1, Written: []event.Written{{Client: 7, From: 3, To: 6}}, Clients: 1},
			{Position: 2, Deleted: 6},
			{Position: 3, Clients: event.MaxAuthors + 3},
			{Position: 4},
		}
		for client := uint64(event.MaxAuthors + 2); len(want[2].Written) < event.MaxAuthors; client-- {
			want[2].Written = append(want[2].Written, event.Written{Client: 100 + client, From: 0, To: 1})
		}
		if diff := cmp.Diff(want, log); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func inV2(t *testing.T, updates [][]byte) (converted [][]byte) {
	t.Helper()
	for _, update := range updates {
		v2, err := blocks.Convert(blocks.V1, blocks.V2, update)
		if err != nil {
			t.Fatal(err)
		}
		converted = append(converted, v2)
	}
	return converted
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

// A cut that is refused doesn't make the worker compact the log when the room leaves its memory: then
// the cut that was meant could not be made any more.
func TestRefusedCutKeepsTheLog(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second, AutosaveDelay: 5 * time.Second}, func(f *fixture) {
		for position := range uint64(5000) { // a log that is compacted at once
			e := store.Entry{Encoding: store.V1, Data: typed(7, position)}
			if _, err := f.store.Store.Append(t.Context(), "a", e); err != nil {
				t.Fatal(err)
			}
		}
		f.cuts("a", 5001).refused(event.CausePosition)
		f.rest()
		if rooms := f.inMemory(); len(rooms) > 0 {
			t.Errorf("the rooms %q are in memory", rooms)
		}
		f.cuts("a", 11).response()
		f.rest()
		f.wantStored("a", allTyped(10)...)
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
