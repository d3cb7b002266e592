package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// runWithin is run with a worker that has so much memory.
func runWithin(t *testing.T, memory int, settings Settings, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{Memory: memory, Room: func(string) Settings { return settings }})
		synctest.Wait()
		test(f)
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if m := &f.memory; m.used != 0 || m.rooms != 0 || m.busy != 0 || m.idle.Len() != 0 {
			t.Errorf("after the end, %d bytes, %d rooms, %d bytes in progress and %d idle rooms are charged", m.used, m.rooms, m.busy, m.idle.Len())
		}
		f.front.Close()
	})
}

// keep stores a document of this size.
func (f *fixture) keep(name string, size int) {
	f.t.Helper()
	e := store.Entry{Encoding: store.V1, Data: testkit.Typed(9, 0, strings.Repeat("x", size))}
	if _, err := f.store.Store.Append(context.Background(), name, e); err != nil {
		f.t.Fatal(err)
	}
}

// TestIdleRoomsMakeWay checks that rooms without connections are evicted when the memory is
// needed, those that have been idle longest first.
func TestIdleRoomsMakeWay(t *testing.T) {
	runWithin(t, 1<<20, Settings{RemoveDelay: time.Hour}, func(f *fixture) {
		for _, name := range []string{"a", "b", "c", "d"} {
			f.keep(name, 300<<10)
		}
		for _, name := range []string{"a", "b"} {
			f.join(name, 1)
		}
		time.Sleep(memoryPause) // b is loaded after a
		f.want("a: 1 SyncStep1", "b: 1 SyncStep1")
		f.leave("b", 1)
		synctest.Wait()
		f.leave("a", 1)
		f.join("c", 1)
		time.Sleep(2 * memoryPause)
		f.want("c: 1 SyncStep1")
		if diff := cmp.Diff([]string{"a", "c"}, f.inMemory()); diff != "" {
			t.Errorf("in memory (-want +got)\n%s", diff)
		}
		f.write("c", 1, testkit.Typed(8, 0, strings.Repeat("y", 200<<10)))
		f.want("c: all Update")
		f.write("c", 1, testkit.Typed(8, 200<<10, strings.Repeat("y", 200<<10)))
		f.want("c: all Update")
		if diff := cmp.Diff([]string{"c"}, f.inMemory()); diff != "" {
			t.Errorf("in memory (-want +got)\n%s", diff)
		}
	})
}

// TestMemoryIsUsedUp checks that rooms whose connections use all of the memory stay open,
// that no other room is opened, and that large rooms don't grow while small ones do.
func TestMemoryIsUsedUp(t *testing.T) {
	runWithin(t, 1<<20, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.keep("stored", 1000)
		f.keep("other", 1000)
		f.join("small", 1)
		f.join("large", 1, 2)
		f.want("large: 1 SyncStep1", "large: 2 SyncStep1", "small: 1 SyncStep1")
		f.write("large", 1, testkit.Typed(8, 0, strings.Repeat("y", 1<<20)))
		f.want("large: all Update")
		f.join("stored", 1)
		f.join("new", 1)
		f.write("large", 1, testkit.Typed(8, 1<<20, "z"))
		f.want("large: 1 Close 1013", "new: 1 Close 1013", "stored: 1 Close 1013")
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "memory for rooms is used up") {
			t.Errorf("logged: %s", log)
		}
		f.leave("large", 1)
		f.join("large", 3)
		f.write("large", 3, []byte{0, 0})
		f.write("small", 1, testkit.Typed(8, 0, "abc"))
		f.want("large: 3 SyncStep1", "small: all Update")
		f.write("small", 1, testkit.Typed(8, 3, strings.Repeat("y", 1<<20)))
		f.want("small: 1 Close 1013")
		if got := f.query("other", event.Mark{}).response(); len(got.Update) == 0 {
			t.Errorf("a query is answered with %+v: one at a time is always possible", got)
		}

		f.leave("large", 2)
		f.leave("large", 3)
		time.Sleep(2 * time.Second) // all rooms are evicted
		f.join("stored", 3)
		f.want("stored: 3 SyncStep1")
		f.logged()
	})
}

// TestMemoryBoundsAllRooms checks the bound while many rooms grow as far as they can.
func TestMemoryBoundsAllRooms(t *testing.T) {
	const memory, message = 4 << 20, 50 << 10
	runWithin(t, memory, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		most := 0
		for round := range uint64(40) {
			for room := range 40 {
				name := fmt.Sprint("room", room)
				f.join(name, 1)
				f.write(name, 1, testkit.Typed(8, round*message, strings.Repeat("y", message)))
			}
			synctest.Wait()
			most = max(most, f.memory.used)
		}
		if most < memory || most > memory*5/4+message {
			t.Errorf("rooms took %d bytes at most, want %d to %d", most, memory, memory*5/4)
		}
		f.logged()
	})
}

// TestCompactionsWaitForMemory checks that a compaction doesn't begin while another one
// has what it needs.
func TestCompactionsWaitForMemory(t *testing.T) {
	runWithin(t, 1<<20, Settings{RemoveDelay: time.Hour, AutosaveDelay: time.Second}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 30)
		if !f.memory.begin(1 << 20) {
			t.Fatal("nothing can be in progress")
		}
		time.Sleep(time.Minute)
		if n := f.entries("a"); n != 30 {
			t.Errorf("%d entries", n)
		}
		f.memory.end(1 << 20)
		time.Sleep(compactPause)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// TestJoinsWaitForCompactions checks that a room whose memory a compaction has is opened when
// that has ended, and that no connection waits for long.
func TestJoinsWaitForCompactions(t *testing.T) {
	runWithin(t, 1<<20, Settings{RemoveDelay: time.Hour}, func(f *fixture) {
		for _, name := range []string{"a", "b", "c"} {
			f.keep(name, 100<<10)
		}
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		f.memory.take(1 << 20)
		f.join("b", 1)
		time.Sleep(memoryWaits / 2 * memoryPause)
		f.want()
		f.memory.end(1 << 20)
		time.Sleep(memoryPause)
		f.want("b: 1 SyncStep1")

		f.memory.take(1 << 20)
		f.join("c", 1)
		time.Sleep(memoryWaits * memoryPause)
		f.want("c: 1 Close 1013")
		f.join("a", 2)
		f.want("a: 2 SyncStep1")
		f.memory.end(1 << 20)
		f.logged()
	})
}

// TestEditsDuringACompaction checks that rooms accept edits while a compaction or a read takes
// what is left of the memory, and after it.
func TestEditsDuringACompaction(t *testing.T) {
	runWithin(t, 1<<20, Settings{RemoveDelay: time.Hour}, func(f *fixture) {
		f.keep("a", 400<<10)
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		if !f.memory.begin(1 << 20) {
			t.Fatal("nothing can be in progress")
		}
		for clock, text := range []string{"x", "y"} {
			f.write("a", 1, testkit.Typed(8, uint64(clock), text))
			f.want("a: all Update")
		}
		f.memory.end(1 << 20)
		f.write("a", 1, testkit.Typed(8, 2, "z"))
		f.want("a: all Update")
	})
}

// TestStoreThatListsNothing checks that rooms of a store that can't tell their size are
// opened.
func TestStoreThatListsNothing(t *testing.T) {
	runWithin(t, 1<<20, Settings{}, func(f *fixture) {
		f.keep("a", 1<<20)
		f.store.Set(func(context.Context, string) error { return errors.ErrUnsupported }, faulty.List)
		f.join("b", 1)
		f.want("b: 1 SyncStep1")
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		f.join("c", 1)
		f.want(fmt.Sprint("c: 1 Close ", protocol.CloseTryLater))
		f.logged()
	})
}
