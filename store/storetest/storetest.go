// Package storetest is the conformance suite of stores: whatever passes it can
// hold the rooms of a worker. Each rule of the contract in package store is one
// subtest that carries its name.
//
// Who writes a store calls Run for each of the levels of durability that it
// has, and, where its rooms outlive a value of the store, RunShared for all
// levels but None.
package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

// Run checks the stores that open makes. Each subtest calls open once and
// expects an empty store; open registers what is to be cleaned up with its t.
// The rules about creating, deleting and listing are skipped where the store is
// no store.Creator, store.Deleter or store.Lister.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*testing.T, store.Store)
	}{
		{"Load/a room that was never written to is not found", loadNotFound},
		{"Load/gives every entry and its position", loadEverything},
		{"Load/keeps encodings apart", loadEncodings},
		{"Load/gives bytes back unchanged", loadBytes},
		{"Load/the result belongs to the caller", loadOwned},
		{"Append/borrows its data only until it returns", appendBorrows},
		{"Append/is seen by every load that begins later", appendSeen},
		{"Append/never gives a position out twice", appendPositions},
		{"Append/loses nothing of many writers", appendConcurrent},
		{"Append/refuses an encoding that is none", appendNoEncoding},
		{"Load/sees a compaction whole or not at all", loadWhileCompacting},
		{"Compact/replaces what was read with the snapshot", compactReplaces},
		{"Compact/keeps what was appended since the load", compactKeepsLater},
		{"Compact/replaces only the entries that it was given", compactExactly},
		{"Compact/borrows its arguments only until it returns", compactBorrows},
		{"Compact/can follow a compaction", compactAgain},
		{"Compact/of entries that are gone changes nothing", compactConflict},
		{"Compact/of entries of which some are gone changes nothing", compactPartialConflict},
		{"Compact/of entries of another room changes nothing", compactOtherRoom},
		{"Compact/of a room that was never written to does not make it", compactNotFound},
		{"Compact/lets one of two win", compactRace},
		{"Compact/loses nothing that is appended meanwhile", compactWhileAppending},
		{"Compact/refuses an encoding that is none", compactNoEncoding},
		{"Create/makes a room with one entry", createMakes},
		{"Create/of a room that exists changes nothing", createExists},
		{"Create/borrows its data only until it returns", createBorrows},
		{"Create/refuses an encoding that is none", createNoEncoding},
		{"Create/lets one of fifty win", createRace},
		{"Create/wins or loses against an append", createAgainstAppend},
		{"Create/makes a deleted room anew", createDeleted},
		{"Create/of a deleted room lets one of fifty win", createDeletedRace},
		{"Create/of a deleted room gives no position out twice", createDeletedPositions},
		{"Delete/leaves a tombstone that refuses everything", deleteTombstone},
		{"Delete/of a room that was never written to leaves no tombstone", deleteNotFound},
		{"Delete/of a deleted room changes nothing", deleteAgain},
		{"Delete/leaves other rooms alone", deleteOther},
		{"Delete/wins against appends", deleteAgainstAppend},
		{"Delete/wins against a compaction", deleteAgainstCompact},
		{"Delete/outdates what was loaded before", deleteOutdates},
		{"List/tells the size of rooms and when they were stored to", listTells},
		{"List/gives all rooms part by part", listParts},
		{"List/gives the rooms that begin with the prefix", listPrefix},
		{"List/leaves out what was deleted", listDeleted},
		{"Room/names differ in any byte", roomNames},
		{"Room/has a log of its own", roomsApart},
		{"Context/that has ended ends a call", contextEnded},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, open(t)) })
	}
}

const room = "storetest.room"

func v1(data string) store.Entry { return store.Entry{Encoding: store.V1, Data: []byte(data)} }

func appendTo(t *testing.T, s store.Store, room string, e store.Entry) store.Position {
	t.Helper()
	p, err := s.Append(t.Context(), room, e)
	if err != nil {
		t.Fatalf("Append(%q): %v", room, err)
	}
	return p
}

func load(t *testing.T, s store.Store, room string) store.Log {
	t.Helper()
	l, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatalf("Load(%q): %v", room, err)
	}
	if len(l.Entries) != len(l.Positions) {
		t.Fatalf("Load(%q) gave %d entries with %d positions", room, len(l.Entries), len(l.Positions))
	}
	return l
}

func compact(t *testing.T, s store.Store, room string, read store.Log, snapshot store.Entry) {
	t.Helper()
	if err := s.Compact(t.Context(), room, read, snapshot); err != nil {
		t.Fatalf("Compact(%q): %v", room, err)
	}
}

// wantData fails the test unless the log holds exactly the entries with these
// data, in any order.
func wantData(t *testing.T, l store.Log, want ...string) {
	t.Helper()
	missing := map[string]int{}
	for _, data := range want {
		missing[data]++
	}
	for _, e := range l.Entries {
		if missing[string(e.Data)]--; missing[string(e.Data)] < 0 {
			t.Errorf("the log holds %.40q, which it should not, or once too often", e.Data)
		}
	}
	for data, n := range missing {
		if n > 0 {
			t.Errorf("the log lacks %.40q", data)
		}
	}
}

// only gives the part of l with these positions.
func only(l store.Log, positions ...store.Position) store.Log {
	var part store.Log
	for i, p := range l.Positions {
		for _, q := range positions {
			if p == q {
				part.Entries = append(part.Entries, l.Entries[i])
				part.Positions = append(part.Positions, p)
			}
		}
	}
	return part
}

func loadNotFound(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	if l, err := s.Load(t.Context(), room+"2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load gave %d entries and the error %v, want ErrNotFound", len(l.Entries), err)
	}
}

func loadEverything(t *testing.T, s store.Store) {
	want := map[store.Position]string{}
	for _, data := range []string{"a", "b", "b", "c"} { // equal entries are two entries
		want[appendTo(t, s, room, v1(data))] = data
	}
	l := load(t, s, room)
	wantData(t, l, "a", "b", "b", "c")
	for i, p := range l.Positions {
		if want[p] != string(l.Entries[i].Data) {
			t.Errorf("position %d has %q, but was given out for %q", p, l.Entries[i].Data, want[p])
		}
	}
}

func loadEncodings(t *testing.T, s store.Store) {
	want := map[store.Position]store.Encoding{}
	for _, enc := range []store.Encoding{store.V1, store.V2, store.V1} {
		want[appendTo(t, s, room, store.Entry{Encoding: enc, Data: []byte("same")})] = enc
	}
	l := load(t, s, room)
	for i, p := range l.Positions {
		if l.Entries[i].Encoding != want[p] {
			t.Errorf("entry %d has encoding %d, want %d", i, l.Entries[i].Encoding, want[p])
		}
	}
	compact(t, s, room, l, store.Entry{Encoding: store.V2, Data: []byte("snapshot")})
	if l := load(t, s, room); len(l.Entries) != 1 || l.Entries[0].Encoding != store.V2 {
		t.Errorf("after compacting into V2: %v", l.Entries)
	}
	compact(t, s, room, load(t, s, room), v1("snapshot"))
	if l := load(t, s, room); len(l.Entries) != 1 || l.Entries[0].Encoding != store.V1 {
		t.Errorf("after compacting into V1: %v", l.Entries)
	}
}

func loadBytes(t *testing.T, s store.Store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	large := bytes.Repeat(every, 4<<20/len(every))
	appendTo(t, s, room, store.Entry{Encoding: store.V1, Data: every})
	appendTo(t, s, room, store.Entry{Encoding: store.V1, Data: large})
	l := load(t, s, room)
	wantData(t, l, string(every), string(large))
	compact(t, s, room, l, store.Entry{Encoding: store.V1, Data: large})
	wantData(t, load(t, s, room), string(large))
}

func loadOwned(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	p := appendTo(t, s, room, v1("b"))
	l := load(t, s, room)
	for i := range l.Entries {
		copy(l.Entries[i].Data, "x")
		l.Entries[i] = v1("y")
		l.Positions[i] = p + 100
	}
	l = load(t, s, room)
	wantData(t, l, "a", "b")
	if len(only(l, p).Positions) != 1 {
		t.Errorf("position %d is gone: %v", p, l.Positions)
	}
}

func appendBorrows(t *testing.T, s store.Store) {
	e := v1("entry 000")
	var want []string
	for i := range 200 {
		want = append(want, fmt.Sprintf("entry %03d", i))
		copy(e.Data, want[i])
		appendTo(t, s, room, e)
	}
	copy(e.Data, "changed!!")
	wantData(t, load(t, s, room), want...)
}

func appendSeen(t *testing.T, s store.Store) {
	var want []string
	for i := range 20 {
		want = append(want, strconv.Itoa(i))
		appendTo(t, s, room, v1(want[i]))
		wantData(t, load(t, s, room), want...)
	}
}

func appendPositions(t *testing.T, s store.Store) {
	given := map[store.Position]bool{}
	take := func(p store.Position) {
		t.Helper()
		if given[p] {
			t.Errorf("position %d was given out before", p)
		}
		given[p] = true
	}
	for i := range 3 {
		take(appendTo(t, s, room, v1("a")))
		take(appendTo(t, s, room, v1("b")))
		compact(t, s, room, load(t, s, room), v1(fmt.Sprint("snapshot", i)))
		take(load(t, s, room).Positions[0]) // the snapshot's
	}
}

func appendConcurrent(t *testing.T, s store.Store) {
	const writers, each = 8, 25
	var mu sync.Mutex
	given := map[store.Position]string{}
	var want []string
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				data := fmt.Sprintf("writer %d, entry %d", w, i)
				p, err := s.Append(t.Context(), room, v1(data))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				mu.Lock()
				if other, twice := given[p]; twice {
					t.Errorf("position %d was given out for %q and for %q", p, other, data)
				}
				given[p] = data
				want = append(want, data)
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	wantData(t, load(t, s, room), want...)
}

var noEncodings = []store.Encoding{0, 3, 255}

func appendNoEncoding(t *testing.T, s store.Store) {
	for _, enc := range noEncodings {
		if _, err := s.Append(t.Context(), room, store.Entry{Encoding: enc, Data: []byte("a")}); err == nil {
			t.Errorf("Append took an entry with the encoding %d", enc)
		}
	}
	wantNotFound(t, s, room)
	appendTo(t, s, room, v1("b"))
	wantData(t, load(t, s, room), "b")
}

func wantNotFound(t *testing.T, s store.Store, room string) {
	t.Helper()
	if l, err := s.Load(t.Context(), room); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load(%q) gave %d entries and the error %v, want ErrNotFound", room, len(l.Entries), err)
	}
}

// loadWhileCompacting replaces all entries by one that holds as many bytes.
func loadWhileCompacting(t *testing.T, s store.Store) {
	const rounds, each = 30, 5
	appendTo(t, s, room, v1("."))
	held := 1
	var loading sync.WaitGroup
	ended := make(chan struct{})
	var mu sync.Mutex // held while the log is not known to hold held bytes
	for range 2 {
		loading.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				mu.Lock()
				least := held
				mu.Unlock()
				l, err := s.Load(t.Context(), room)
				mu.Lock()
				most := held + each // of the round under way
				mu.Unlock()
				got := 0
				for _, e := range l.Entries {
					got += len(e.Data)
				}
				if err != nil || got < least || got > most {
					t.Errorf("Load gave %d bytes, want %d to %d, and the error %v", got, least, most, err)
					return
				}
			}
		})
	}
	for range rounds {
		for range each {
			appendTo(t, s, room, v1("."))
		}
		mu.Lock()
		held += each
		now := held
		mu.Unlock()
		compact(t, s, room, load(t, s, room), v1(strings.Repeat(".", now)))
	}
	close(ended)
	loading.Wait()
}

func compactReplaces(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	compact(t, s, room, load(t, s, room), v1("ab"))
	wantData(t, load(t, s, room), "ab")
}

func compactKeepsLater(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read := load(t, s, room)
	appendTo(t, s, room, v1("b"))
	compact(t, s, room, read, v1("snapshot of a"))
	wantData(t, load(t, s, room), "snapshot of a", "b")
}

func compactExactly(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	b := appendTo(t, s, room, v1("b"))
	appendTo(t, s, room, v1("c"))
	d := appendTo(t, s, room, v1("d"))
	// As after a load that ran while c was on its way: positions don't say in
	// which order entries became visible.
	compact(t, s, room, only(load(t, s, room), b, d), v1("bd"))
	wantData(t, load(t, s, room), "a", "bd", "c")
}

func compactBorrows(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read, snapshot := load(t, s, room), v1("snapshot")
	compact(t, s, room, read, snapshot)
	copy(snapshot.Data, "SNAPSHOT")
	copy(read.Entries[0].Data, "x")
	read.Positions[0] = 0
	wantData(t, load(t, s, room), "snapshot")
}

func compactAgain(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	compact(t, s, room, load(t, s, room), v1("first"))
	compact(t, s, room, load(t, s, room), v1("second"))
	appendTo(t, s, room, v1("b"))
	compact(t, s, room, load(t, s, room), v1("third"))
	wantData(t, load(t, s, room), "third")
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("Compact gave the error %v, want ErrConflict", err)
	}
}

func compactConflict(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read := load(t, s, room)
	compact(t, s, room, read, v1("first"))
	wantConflict(t, s.Compact(t.Context(), room, read, v1("second")))
	wantData(t, load(t, s, room), "first")
}

func compactPartialConflict(t *testing.T, s store.Store) {
	a := appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	read := load(t, s, room)
	compact(t, s, room, only(read, a), v1("snapshot of a"))
	wantConflict(t, s.Compact(t.Context(), room, read, v1("snapshot of ab")))
	wantData(t, load(t, s, room), "snapshot of a", "b")
}

func compactNoEncoding(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	for _, enc := range noEncodings {
		if err := s.Compact(t.Context(), room, load(t, s, room), store.Entry{Encoding: enc, Data: []byte("b")}); err == nil {
			t.Errorf("Compact took a snapshot with the encoding %d", enc)
		}
	}
	wantData(t, load(t, s, room), "a")
}

func compactOtherRoom(t *testing.T, s store.Store) {
	// More entries in one, so that at least one position is in that room only.
	for i := range 3 {
		appendTo(t, s, room, v1(strconv.Itoa(i)))
	}
	appendTo(t, s, room+"2", v1("other"))
	wantConflict(t, s.Compact(t.Context(), room+"2", load(t, s, room), v1("snapshot")))
	wantData(t, load(t, s, room), "0", "1", "2")
	wantData(t, load(t, s, room+"2"), "other")
}

func compactNotFound(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	wantConflict(t, s.Compact(t.Context(), room+"2", load(t, s, room), v1("snapshot")))
	if _, err := s.Load(t.Context(), room+"2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load gave the error %v, want ErrNotFound", err)
	}
}

func compactRace(t *testing.T, s store.Store) {
	for round := range 10 {
		name := fmt.Sprint(room, round)
		appendTo(t, s, name, v1("a"))
		appendTo(t, s, name, v1("b"))
		read := load(t, s, name)
		errs := make([]error, 4)
		var compacting sync.WaitGroup
		for i := range errs {
			compacting.Go(func() { errs[i] = s.Compact(t.Context(), name, read, v1(fmt.Sprint("by ", i))) })
		}
		compacting.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err != nil:
				wantConflict(t, err)
			case winner >= 0:
				t.Errorf("%d and %d have both compacted the same entries", winner, i)
			default:
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("nobody has compacted: %v", errs)
		}
		wantData(t, load(t, s, name), fmt.Sprint("by ", winner))
	}
}

// compactWhileAppending lets snapshots carry the numbers of what they stand
// for, so that a lost or doubled entry shows.
func compactWhileAppending(t *testing.T, s store.Store) {
	const writers, each = 4, 25
	number := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	appendTo(t, s, room, store.Entry{Encoding: store.V1, Data: number(0)})
	var writing, compacting sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				e := store.Entry{Encoding: store.V1, Data: number(uint32(1 + w*each + i))}
				if _, err := s.Append(t.Context(), room, e); err != nil {
					t.Errorf("Append: %v", err)
					return
				}
			}
		})
	}
	written := make(chan struct{})
	for range 2 {
		compacting.Go(func() {
			for last := false; !last; {
				select {
				case <-written:
					last = true
				default:
				}
				read, err := s.Load(t.Context(), room)
				if err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				var snapshot []byte
				for _, e := range read.Entries {
					snapshot = append(snapshot, e.Data...)
				}
				err = s.Compact(t.Context(), room, read, store.Entry{Encoding: store.V1, Data: snapshot})
				if err != nil && !errors.Is(err, store.ErrConflict) {
					t.Errorf("Compact: %v", err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(written)
	compacting.Wait()
	seen := map[uint32]int{}
	for _, e := range load(t, s, room).Entries {
		for data := e.Data; len(data) >= 4; data = data[4:] {
			seen[binary.BigEndian.Uint32(data)]++
		}
	}
	for n := range uint32(1 + writers*each) {
		if seen[n] != 1 {
			t.Errorf("entry %d is there %d times", n, seen[n])
		}
	}
}

func roomNames(t *testing.T, s store.Store) {
	names := []string{
		"a", "A", " a", "a ", "a\t", "a\n", "a\x00", "a\x00b", "\x00", "\x01\x7f", "á", "a\u0301", "ａ", "ß", "ss", "İ", "i", "ı",
		"a/b", "a//b", "a/../b", "..", ".", "/", "a.b", "a:b", "a*", "a?", "[a]", "a%", "a_", "_a", "%61", "a'b", `a"b`, `a\b`, "a`b",
		"a;--", "{a}", "null", "0", "00", "1e1", "\u2028", "\ufeffa", "\ufffd", "🙂", "\U0010ffff",
		strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("é", 127), strings.Repeat("\U0010ffff", 63),
	}
	for _, name := range names {
		if l, err := s.Load(t.Context(), name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before it was written to, room %q gave %d entries and the error %v", name, len(l.Entries), err)
		}
		appendTo(t, s, name, v1("data of "+name))
	}
	for _, name := range names {
		wantData(t, load(t, s, name), "data of "+name)
	}
	for _, name := range names {
		compact(t, s, name, load(t, s, name), v1("snapshot of "+name))
	}
	for _, name := range names {
		wantData(t, load(t, s, name), "snapshot of "+name)
	}
}

func roomsApart(t *testing.T, s store.Store) {
	const rooms = 20
	var writing sync.WaitGroup
	for r := range rooms {
		writing.Go(func() {
			for i := range 5 {
				if _, err := s.Append(t.Context(), fmt.Sprint(room, r), v1(fmt.Sprint(r, "-", i))); err != nil {
					t.Errorf("Append: %v", err)
				}
			}
		})
	}
	writing.Wait()
	for r := range rooms {
		name := fmt.Sprint(room, r)
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprint(r, "-", i))
		}
		wantData(t, load(t, s, name), want...)
		if r%2 == 0 {
			compact(t, s, name, load(t, s, name), v1("snapshot"))
		}
	}
	wantData(t, load(t, s, room+"0"), "snapshot")
	wantData(t, load(t, s, room+"1"), "1-0", "1-1", "1-2", "1-3", "1-4")
}

func contextEnded(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read := load(t, s, room)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(ctx, room); !errors.Is(err, context.Canceled) {
		t.Errorf("Load gave the error %v, want context.Canceled", err)
	}
	if _, err := s.Append(ctx, room, v1("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append gave the error %v, want context.Canceled", err)
	}
	if err := s.Compact(ctx, room, read, v1("snapshot")); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact gave the error %v, want context.Canceled", err)
	}
	if c, ok := s.(store.Creator); ok {
		if err := c.Create(ctx, room+"2", v1("b")); !errors.Is(err, context.Canceled) {
			t.Errorf("Create gave the error %v, want context.Canceled", err)
		}
	}
	if d, ok := s.(store.Deleter); ok {
		if err := d.Delete(ctx, room); !errors.Is(err, context.Canceled) {
			t.Errorf("Delete gave the error %v, want context.Canceled", err)
		}
	}
	if l, ok := s.(store.Lister); ok {
		if _, err := l.List(ctx, "", "", 1); !errors.Is(err, context.Canceled) {
			t.Errorf("List gave the error %v, want context.Canceled", err)
		}
	}
	appendTo(t, s, room, v1("c")) // what was cancelled holds nothing up
}
