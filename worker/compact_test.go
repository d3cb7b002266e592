package worker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// types types the characters from from up to, but not including, to, each in a turn of
// its own.
func (f *fixture) types(name string, from, to uint64) {
	f.t.Helper()
	for clock := from; clock < to; clock++ {
		f.write(name, 1, typed(7, clock))
		f.want(name + ": all Update")
	}
}

// entries returns the number of entries in the log of a room.
func (f *fixture) entries(name string) int {
	f.t.Helper()
	synctest.Wait()
	log, err := f.store.Store.Load(context.Background(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return len(log.Entries)
}

func allTyped(n uint64) (updates [][]byte) {
	for clock := range n {
		updates = append(updates, typed(7, clock))
	}
	return updates
}

// TestCompactionKeepsPendingEntries checks that an entry of which a part is pending stays
// as it was stored while others are compacted, again and again, and that it is compacted
// too once nothing in it is pending.
func TestCompactionKeepsPendingEntries(t *testing.T) {
	run(t, Settings{AutosaveDelay: time.Second}, func(f *fixture) {
		waiting := []byte("\x01\x01\x09\x00\x84\x07\x1f\x01x\x00") // client 9 types behind element 31 of client 7
		stored := append(allTyped(30), waiting)
		f.pair("a")
		f.types("a", 0, 30)
		f.write("a", 1, waiting)
		for round := range uint64(3) {
			f.logged()
			time.Sleep(time.Minute)
			log, err := f.store.Store.Load(t.Context(), "a")
			if err != nil || len(log.Entries) != 2 {
				t.Fatal(err, log.Entries)
			}
			if !slices.ContainsFunc(log.Entries, func(e store.Entry) bool { return bytes.Equal(e.Data, waiting) }) {
				t.Errorf("%x is not in the log: %v", waiting, log.Entries)
			}
			f.wantStored("a", stored...)
			// It is not logged at first, because what is missing may arrive soon.
			if got := f.logged(); strings.Contains(got, "element 0 of client 9 waits for element 31 of client 7") != (round > 0) {
				t.Errorf("round %d: %s", round, got)
			}
			for clock := round * worthEntries; clock < (round+1)*worthEntries; clock++ {
				stored = append(stored, typed(8, clock))
				f.write("a", 1, typed(8, clock))
			}
		}
		for clock := uint64(30); clock < 32; clock++ {
			f.write("a", 1, typed(7, clock))
		}
		time.Sleep(time.Minute)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries, although nothing is pending", n)
		}
		f.wantStored("a", append(stored, typed(7, 30), typed(7, 31))...)
	})
}

func TestCompactionWhenIdle(t *testing.T) {
	run(t, Settings{AutosaveDelay: 5 * time.Second}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 30)
		if n := f.entries("a"); n != 30 {
			t.Fatalf("%d entries", n)
		}
		time.Sleep(5*time.Second - 1)
		if n := f.entries("a"); n != 30 {
			t.Fatalf("%d entries: compacted too early", n)
		}
		time.Sleep(time.Nanosecond)
		if n := f.entries("a"); n != 1 {
			t.Fatalf("%d entries after the delay", n)
		}
		f.wantStored("a", allTyped(30)...)
		f.types("a", 30, 60)
		time.Sleep(5 * time.Second)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
		f.wantStored("a", allTyped(60)...)
	})
}

func TestCompactionUnderSteadyTyping(t *testing.T) {
	run(t, Settings{AutosaveDelay: 5 * time.Second}, func(f *fixture) {
		f.pair("a")
		most := 0
		for clock := range uint64(100) {
			f.types("a", clock, clock+1)
			time.Sleep(time.Second)
			most = max(most, f.entries("a"))
		}
		if most < 50 || most > 53 {
			t.Errorf("up to %d entries, want about 50 seconds' worth", most)
		}
		f.wantStored("a", allTyped(100)...)
	})
}

func TestCompactionWhenTheLogIsLarge(t *testing.T) {
	run(t, Settings{AutosaveDelay: time.Hour}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, largeEntries+1)
		if n := f.entries("a"); n > largeEntries/10 { // those after the compaction
			t.Errorf("%d entries", n)
		}
		f.wantStored("a", allTyped(largeEntries+1)...)
	})
}

func TestCompactionWhenTheRoomCloses(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second, AutosaveDelay: time.Hour}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 10)
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
		if len(f.all()) != 0 {
			t.Error("the room is still open")
		}
		// And when the worker ends.
		f.pair("b")
		f.types("b", 0, 10)
		f.stop()
		<-f.ended
		if n := f.entries("b"); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// TestCompactionWritesTheRoomsEncoding checks that appended entries are V1, that
// snapshots are in the encoding of the room, and that a room loads what was stored
// when it had another encoding.
func TestCompactionWritesTheRoomsEncoding(t *testing.T) {
	kept := memstore.New()
	typist := uint64(0)
	var all [][]byte
	for _, enc := range []blocks.Encoding{0, blocks.V2, blocks.V2, blocks.V1} {
		run(t, Settings{RemoveDelay: time.Second, Room: room.Config{Encoding: enc}}, func(f *fixture) {
			enc := cmp.Or(enc, blocks.V1)
			f.store.Store = kept
			f.pair("a")
			typist++
			for clock := range uint64(10) {
				all = append(all, typed(typist, clock))
				update, err := blocks.Convert(blocks.V1, enc, typed(typist, clock))
				if err != nil {
					t.Fatal(err)
				}
				f.write("a", 1, update)
				f.want("a: all Update")
			}
			log, err := kept.Load(t.Context(), "a")
			if n := len(log.Entries); err != nil || log.Entries[n-1].Encoding != store.V1 {
				t.Errorf("a room with the encoding %d appended %v (%v), want V1", enc, log.Entries[n-1], err)
			}
			f.leave("a", 1)
			f.leave("a", 2)
			time.Sleep(time.Second)
			synctest.Wait()
			log, err = kept.Load(t.Context(), "a")
			if err != nil || len(log.Entries) != 1 || log.Entries[0].Encoding != store.Encoding(enc) {
				t.Errorf("a room with the encoding %d was compacted to %v (%v)", enc, log.Entries, err)
			}
			f.wantStored("a", all...)
		})
	}
}

// TestCompactionIgnoresLimits checks that a log is compacted even if its document
// exceeds the limits of the room.
func TestCompactionIgnoresLimits(t *testing.T) {
	limits := blocks.Options{MaxSize: 1, MaxPending: 1}
	run(t, Settings{RemoveDelay: time.Second, Room: room.Config{Blocks: limits}}, func(f *fixture) {
		stored := append(allTyped(40), typed(9, 1)) // the last update depends on one that is missing
		for _, update := range stored {
			if _, err := f.store.Store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: update}); err != nil {
				t.Fatal(err)
			}
		}
		f.pair("a")
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		if n := f.entries("a"); n != 2 {
			t.Errorf("%d entries, want the snapshot and what is pending", n)
		}
		f.wantStored("a", stored...)
	})
}

// TestCompactionDropsWhatNoClientShows checks that a map entry that another one has
// replaced is dropped, unless the room keeps its history.
func TestCompactionDropsWhatNoClientShows(t *testing.T) {
	first := []byte("\x01\x01\x07\x00\x28\x01\x03map\x03key\x01\x77\x05first\x00")
	second := []byte("\x01\x01\x07\x01\xa8\x07\x00\x01\x77\x06second\x00")
	for _, history := range []bool{false, true} {
		run(t, Settings{RemoveDelay: time.Second, Room: room.Config{Blocks: blocks.Options{History: history}}}, func(f *fixture) {
			f.pair("a")
			for _, update := range [][]byte{first, second} {
				f.write("a", 1, update)
				f.want("a: all Update")
			}
			f.leave("a", 1)
			f.leave("a", 2)
			time.Sleep(time.Second)
			synctest.Wait()
			log, err := f.store.Store.Load(t.Context(), "a")
			if err != nil || len(log.Entries) != 1 {
				t.Fatalf("%d entries (%v)", len(log.Entries), err)
			}
			snapshot := log.Entries[0].Data
			if !bytes.Contains(snapshot, []byte("second")) || bytes.Contains(snapshot, []byte("first")) != history {
				t.Errorf("history %v: the snapshot is %q", history, snapshot)
			}
		})
	}
}

// TestCompactionKeepsWhatOthersAppended checks that the snapshot is made from the log,
// to which another worker has appended an entry that the room lacks.
func TestCompactionKeepsWhatOthersAppended(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 10)
		e := store.Entry{Encoding: store.V1, Data: typed(9, 0)}
		if _, err := f.store.Store.Append(context.Background(), "a", e); err != nil {
			t.Fatal(err)
		}
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
		f.wantStored("a", append(allTyped(10), typed(9, 0))...)
	})
}

func TestJoinDuringCompaction(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 10)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		synctest.Wait() // it compacts
		f.join("a", 3)
		f.want("a: 3 SyncStep1")
		f.write("a", 3, typed(8, 0))
		f.want("a: all Update")
		gate.Release <- nil
		if n := f.entries("a"); n != 2 && n != 1 {
			t.Errorf("%d entries", n)
		}
		f.wantStored("a", append(allTyped(10), typed(8, 0))...)
		if len(f.all()) != 1 {
			t.Error("the room is closed although a connection is in it")
		}
	})
}

func TestCompactionThatFails(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second, AutosaveDelay: 5 * time.Second}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 30)
		f.store.Set(faulty.Fail(errors.New("no way")), faulty.Load)
		loads := f.calls(faulty.Load)
		time.Sleep(50 * time.Second)
		if n := f.calls(faulty.Load) - loads; n != 1 {
			t.Errorf("%d attempts in the pause", n)
		}
		if log := f.logged(); strings.Count(log, "could not be compacted") != 1 {
			t.Errorf("logged %q", log)
		}
		if closed := f.closed(); len(closed) > 0 {
			t.Errorf("connections were closed: %v", closed)
		}
		f.store.Set(nil, faulty.Load)
		time.Sleep(compactPause)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
		// A room is evicted although its last compaction fails.
		f.types("a", 30, 60)
		f.store.Set(faulty.Fail(errors.New("no way")), faulty.Load)
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(f.all()) != 0 {
			t.Error("the room is still open")
		}
		f.wantStored("a", allTyped(60)...)
	})
}

// TestStoreThatKeepsNothing checks that a store may drop all entries.
func TestStoreThatKeepsNothing(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.store.Set(faulty.Drop)
		f.pair("a")
		f.types("a", 0, 10)
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Second)
		if log := f.logged(); log != "" {
			t.Errorf("logged %q", log)
		}
	})
}

func TestFewCompactionsAtOnce(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		rooms := []string{"a", "b", "c", "d", "e"}
		for _, name := range rooms {
			f.pair(name)
			f.types(name, 0, 10)
		}
		gate := faulty.NewGate()
		loads := f.calls(faulty.Load)
		f.store.Set(gate.Wait, faulty.Load)
		for _, name := range rooms {
			f.leave(name, 1)
			f.leave(name, 2)
		}
		time.Sleep(time.Second)
		for i := range rooms {
			if n := f.calls(faulty.Load) - loads; n != min(i+compactsAtOnce, len(rooms)) {
				t.Errorf("%d began after %d had ended", n, i)
			}
			gate.Release <- nil
		}
		for _, name := range rooms {
			if n := f.entries(name); n != 1 {
				t.Errorf("%s: %d entries", name, n)
			}
		}
		if len(f.all()) != 0 {
			t.Error("rooms are still open")
		}
	})
}

// TestCompactionOfALargeDocument checks that the bytes that compactions write are bounded
// by the number and the size of the edits, not by the size of the document times the
// number of pauses, and that the log nevertheless stays short enough to load.
func TestCompactionOfALargeDocument(t *testing.T) {
	const size, rounds, edits = 8 << 20, 60, 100
	run(t, Settings{AutosaveDelay: 5 * time.Second, RemoveDelay: time.Second}, func(f *fixture) {
		counted := &countingStore{Store: f.store.Store}
		f.store.Store = counted
		f.pair("a")
		f.write("a", 1, testkit.Typed(7, 0, strings.Repeat("a", size)))
		f.want("a: all Update")
		most := 0
		for round := range uint64(rounds) {
			f.types("a", size+round*edits, size+(round+1)*edits)
			if round%2 == 0 {
				time.Sleep(time.Minute) // the room is idle
			} else {
				f.leave("a", 1)
				f.leave("a", 2)
				time.Sleep(2 * time.Second)
				if len(f.inMemory()) > 0 {
					t.Fatal("the room is still open")
				}
				f.pair("a")
			}
			most = max(most, f.entries("a"))
		}
		if bound := 5*counted.appended + rounds*edits*worthFraction*entryCost; counted.snapshots > bound {
			t.Errorf("compactions have written %d bytes for %d edits of %d bytes, want %d at most",
				counted.snapshots, rounds*edits, counted.appended, bound)
		}
		if counted.snapshots == 0 || most*entryCost > size {
			t.Errorf("compactions have written %d bytes, and the log had up to %d entries", counted.snapshots, most)
		}
	})
}

// countingStore counts the bytes that a room writes after the first entry.
type countingStore struct {
	store.Store

	begun               bool
	appended, snapshots int
}

func (s *countingStore) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	if s.begun {
		s.appended += len(e.Data)
	}
	s.begun = true
	return s.Store.Append(ctx, room, e)
}

func (s *countingStore) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	s.snapshots += len(snapshot.Data)
	return s.Store.Compact(ctx, room, read, snapshot)
}

func TestTailOfALoadedLog(t *testing.T) {
	now := time.Unix(0, 0)
	entry := func(size int) store.Entry { return store.Entry{Data: make([]byte, size)} }
	w := tailOf(store.Log{Entries: []store.Entry{entry(10), entry(2 * largeCost), entry(20)}}, now)
	if w.base != 2*largeCost || w.entries != 2 || w.bytes != 30 || w.worthwhile() || w.large() {
		t.Errorf("%+v: the snapshot is the largest entry, at any position", w)
	}
	if w := tailOf(store.Log{}, now); w != (tail{}) {
		t.Errorf("%+v for an empty log", w)
	}
}

func TestTail(t *testing.T) {
	now := time.Unix(0, 0)
	var w tail
	w.add(1000, now)
	if w.worthwhile() || w.large() {
		t.Error("one entry counts as a snapshot")
	}
	w.add(249, now)
	if w.worthwhile() {
		t.Error("a small change to a large document")
	}
	w.add(1, now)
	if !w.worthwhile() || w.large() {
		t.Error("a quarter of the snapshot")
	}
	w.add(largeCost, now)
	if !w.large() {
		t.Error("a large tail")
	}
	w = tail{base: 10 * largeCost}
	w.add(largeCost, now)
	if w.large() || w.worthwhile() {
		t.Error("a tail that is small compared to the document")
	}
	w = tail{base: largeCost, entries: largeEntries/worthFraction - 1}
	if w.worthwhile() {
		t.Error("entries that cost less than a quarter of the snapshot")
	}
	w.add(0, now)
	if !w.worthwhile() || w.large() {
		t.Error("entries that cost a quarter of the snapshot")
	}
	w = tail{base: 10 * largeCost, entries: 10*largeEntries - 1}
	if w.large() {
		t.Error("entries that cost less than the snapshot")
	}
	w.add(0, now)
	if !w.large() {
		t.Error("entries that cost as much as the snapshot")
	}
}
