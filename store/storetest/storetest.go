// Package storetest is the conformance suite of stores: a store that passes it can
// hold the rooms of a worker. Each rule of the contract in package store is a
// subtest, and its name states the rule.
//
// The tests of a store call Run for each level of durability that it has, except that
// they call RunNone for store.DurabilityNone. If the rooms outlive a value of the
// store, they also call RunShared for the levels other than DurabilityNone.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

// Run checks the stores that open returns. Each subtest calls open once and expects an
// empty store. open must register its cleanup with t. Rules about a method are skipped
// if the store returns errors.ErrUnsupported from it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	run(t, open, false)
}

// RunNone is Run for stores at store.DurabilityNone, whose Append may return
// position 0.
func RunNone(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	run(t, open, true)
}

// rule is a rule of the contract. needs skips the rule if the store doesn't support the
// methods that it tests. It is nil if every store supports them.
type rule struct {
	name  string
	needs func(*testing.T, store.Store)
	check func(*testing.T, store.Store)
}

func run(t *testing.T, open func(t *testing.T) store.Store, none bool) {
	t.Helper()
	rules := []rule{
		{"Load/a room that was never written to is not found", nil, loadNotFound},
		{"Load/returns every entry and its position", nil, loadEverything},
		{"Load/keeps encodings apart", nil, loadEncodings},
		{"Load/returns bytes unchanged", nil, loadBytes},
		{"Load/returns a log that the caller owns", nil, loadOwned},
		{"Load/sees a compaction wholly or not at all", nil, loadWhileCompacting},
		{"Append/borrows its data only until it returns", nil, appendBorrows},
		{"Append/is seen by every load that begins later", nil, appendSeen},
		{"Append/takes no position twice", nil, appendPositions},
		{"Append/loses nothing of many writers", nil, appendConcurrent},
		{"Append/refuses an unknown encoding", nil, appendNoEncoding},
		{"Compact/replaces what was read by the snapshot", nil, compactReplaces},
		{"Compact/keeps what was appended since the load", nil, compactKeepsLater},
		{"Compact/replaces only the entries that it was given", nil, compactExactly},
		{"Compact/borrows its arguments only until it returns", nil, compactBorrows},
		{"Compact/can follow a compaction", nil, compactAgain},
		{"Compact/of entries that are gone changes nothing", nil, compactConflict},
		{"Compact/of a single entry that was replaced changes nothing", nil, compactReplacedConflict},
		{"Compact/of entries of which some are gone changes nothing", nil, compactPartialConflict},
		{"Compact/of entries of another room changes nothing", nil, compactOtherRoom},
		{"Compact/of a room that was never written to does not make it", nil, compactNotFound},
		{"Compact/lets one of two win", nil, compactRace},
		{"Compact/loses nothing that is appended at the same time", nil, compactWhileAppending},
		{"Compact/refuses an unknown encoding", nil, compactNoEncoding},
		{"Create/makes a room with one entry", needsCreate, createMakes},
		{"Create/of a room that exists changes nothing", needsCreate, createExists},
		{"Create/borrows its data only until it returns", needsCreate, createBorrows},
		{"Create/refuses an unknown encoding", needsCreate, createNoEncoding},
		{"Create/lets one of fifty win", needsCreate, createRace},
		{"Create/wins or loses against an append", needsCreate, createAgainstAppend},
		{"Create/makes a deleted room again", needsBoth, createDeleted},
		{"Create/of a deleted room lets one of fifty win", needsBoth, createDeletedRace},
		{"Create/of a deleted room takes no position twice", needsBoth, createDeletedPositions},
		{"Delete/leaves a tombstone that refuses everything", needsDelete, deleteTombstone},
		{"Delete/of a room that was never written to leaves no tombstone", needsDelete, deleteNotFound},
		{"Delete/of a deleted room changes nothing", needsDelete, deleteAgain},
		{"Delete/leaves other rooms alone", needsDelete, deleteOther},
		{"Delete/wins against appends", needsDelete, deleteAgainstAppend},
		{"Delete/wins against a compaction", needsDelete, deleteAgainstCompact},
		{"Delete/outdates what was loaded before", needsBoth, deleteOutdates},
		{"List/returns the size of rooms and when they were stored to", needsList, listDescribes},
		{"List/returns all rooms part by part", needsList, listParts},
		{"List/returns the rooms that begin with the prefix", needsList, listPrefix},
		{"List/leaves out what was deleted", needsList, listDeleted},
		{"LoadAfter/returns the entries after a position", needsLoadAfter, afterReturns},
		{"LoadAfter/returns a snapshot that may hold something new", needsLoadAfter, afterCompaction},
		{"LoadAfter/a room that was never written to is not found", needsLoadAfter, afterNotFound},
		{"LoadAfter/says that the room was deleted since", needsLoadAfter, afterDeleted},
		{"LoadAfter/returns a log that the caller owns", needsLoadAfter, afterOwned},
		{"Position/is returned by Append as by Load", needsLoadAfter, func(t *testing.T, s store.Store) { positionsReturned(t, s, none) }},
		{"Position/is one more than the last in the room", needsLoadAfter, positionsConsecutive},
		{"Position/is not taken by what is refused", needsLoadAfter, positionsOfRefused},
		{"Position/of a snapshot is that of the newest entry it replaces", needsLoadAfter, positionOfSnapshot},
		{"Position/of a snapshot that replaces nothing is the next", needsLoadAfter, positionOfEmptyCompact},
		{"Entry/has the time at which it was stored", nil, entryAt},
		{"Entry/has the time at which it was created", needsCreate, entryAtCreated},
		{"Entry/keeps By", nil, entryBy},
		{"Room/names differ in any byte", nil, roomNames},
		{"Room/has a log of its own", nil, roomsApart},
		{"Context/that has ended ends a call", nil, contextEnded},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			s := open(t)
			if rule.needs != nil {
				rule.needs(t, s)
			}
			rule.check(t, s)
		})
	}
}

func skipUnsupported(t *testing.T, method string, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("the store does not support %s", method)
	}
}

// The calls below change nothing in a store that supports the method.

func needsCreate(t *testing.T, s store.Store) {
	t.Helper()
	_, err := s.Create(t.Context(), room, store.Entry{})
	skipUnsupported(t, "Create", err)
}

func needsDelete(t *testing.T, s store.Store) {
	t.Helper()
	skipUnsupported(t, "Delete", s.Delete(t.Context(), room))
}

func needsBoth(t *testing.T, s store.Store) {
	t.Helper()
	needsCreate(t, s)
	needsDelete(t, s)
}

func needsList(t *testing.T, s store.Store) {
	t.Helper()
	_, err := s.List(t.Context(), "", "", 1)
	skipUnsupported(t, "List", err)
}

func needsLoadAfter(t *testing.T, s store.Store) {
	t.Helper()
	_, err := s.LoadAfter(t.Context(), room, 0)
	skipUnsupported(t, "LoadAfter", err)
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
	wantPositions(t, l)
	return l
}

// wantPositions fails the test unless each entry has a position, and they rise.
func wantPositions(t *testing.T, l store.Log) {
	t.Helper()
	if len(l.Entries) != len(l.Positions) {
		t.Fatalf("the log has %d entries and %d positions", len(l.Entries), len(l.Positions))
	}
	last := store.Position(0)
	for _, p := range l.Positions {
		if p <= last {
			t.Fatalf("the log has the positions %v, want them rising from 1 or more", l.Positions)
		}
		last = p
	}
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
			t.Errorf("the log holds %.40q, which it should not hold, or more often than it should", e.Data)
		}
	}
	for data, n := range missing {
		if n > 0 {
			t.Errorf("the log lacks %.40q", data)
		}
	}
}

// only returns the part of l whose entries have these data.
func only(l store.Log, data ...string) store.Log {
	part := store.Log{Generation: l.Generation}
	for i, e := range l.Entries {
		if slices.Contains(data, string(e.Data)) {
			part.Entries = append(part.Entries, e)
			part.Positions = append(part.Positions, l.Positions[i])
		}
	}
	return part
}

// positionOf returns the position of the one entry with these data.
func positionOf(t *testing.T, l store.Log, data string) store.Position {
	t.Helper()
	part := only(l, data)
	if len(part.Positions) != 1 {
		t.Fatalf("%d entries are %q, want 1", len(part.Positions), data)
	}
	return part.Positions[0]
}

func loadNotFound(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	if l, err := s.Load(t.Context(), room+"2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load returned %d entries and the error %v, want ErrNotFound", len(l.Entries), err)
	}
}

func loadEverything(t *testing.T, s store.Store) {
	for _, data := range []string{"a", "b", "b", "c"} { // equal entries count as two entries
		appendTo(t, s, room, v1(data))
	}
	wantData(t, load(t, s, room), "a", "b", "b", "c")
}

func loadEncodings(t *testing.T, s store.Store) {
	want := []store.Encoding{store.V1, store.V2, store.V1}
	for _, enc := range want {
		appendTo(t, s, room, store.Entry{Encoding: enc, Data: []byte("same")})
	}
	l := load(t, s, room)
	for i, e := range l.Entries {
		if e.Encoding != want[i] {
			t.Errorf("entry %d has encoding %d, want %d", i, e.Encoding, want[i])
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
	appendTo(t, s, room, v1("b"))
	l := load(t, s, room)
	want := slices.Clone(l.Positions)
	for i := range l.Entries {
		copy(l.Entries[i].Data, "x")
		l.Entries[i] = v1("y")
		l.Positions[i] += 100
	}
	l = load(t, s, room)
	wantData(t, l, "a", "b")
	if !slices.Equal(l.Positions, want) {
		t.Errorf("the positions are %v, want %v", l.Positions, want)
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
	taken := map[store.Position]bool{}
	for i := range 3 {
		for _, data := range []string{"a", "b"} {
			appendTo(t, s, room, v1(data))
			p := positionOf(t, load(t, s, room), data)
			if taken[p] {
				t.Errorf("position %d was taken twice", p)
			}
			taken[p] = true
		}
		compact(t, s, room, load(t, s, room), v1(fmt.Sprint("snapshot", i)))
	}
}

func appendConcurrent(t *testing.T, s store.Store) {
	const writers, each = 8, 25
	var mu sync.Mutex
	taken := map[store.Position]string{}
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
				if other, twice := taken[p]; twice && p != 0 {
					t.Errorf("Append returned position %d for %q and for %q", p, other, data)
				}
				taken[p] = data
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
		if _, err := s.Append(t.Context(), room, store.Entry{Encoding: enc, Data: []byte("a")}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Append of an entry with encoding %d returned the error %v, want ErrInvalid", enc, err)
		}
	}
	wantNotFound(t, s, room)
	appendTo(t, s, room, v1("b"))
	wantData(t, load(t, s, room), "b")
}

func wantNotFound(t *testing.T, s store.Store, room string) {
	t.Helper()
	if l, err := s.Load(t.Context(), room); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load(%q) returned %d entries and the error %v, want ErrNotFound", room, len(l.Entries), err)
	}
}

// loadWhileCompacting replaces all entries by one with as many bytes as they have
// together, while others load the log and count its bytes.
func loadWhileCompacting(t *testing.T, s store.Store) {
	const rounds, each = 30, 5
	appendTo(t, s, room, v1("."))
	held := 1
	var loading sync.WaitGroup
	ended := make(chan struct{})
	var mu sync.Mutex // guards held
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
				most := held + each // the entries that the current round appended
				mu.Unlock()
				got := 0
				for _, e := range l.Entries {
					got += len(e.Data)
				}
				if err != nil || got < least || got > most {
					t.Errorf("Load returned %d bytes, want %d to %d, and the error %v", got, least, most, err)
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

func roomNames(t *testing.T, s store.Store) {
	names := []string{
		"a", "A", " a", "a ", "a\t", "a\n", "a\x00", "a\x00b", "\x00", "\x01\x7f", "á", "a\u0301", "ａ", "ß", "ss", "İ", "i", "ı",
		"a/b", "a//b", "a/../b", "..", ".", "/", "a.b", "a:b", "a*", "a?", "[a]", "a%", "a_", "_a", "%61", "a'b", `a"b`, `a\b`, "a`b",
		"a;--", "{a}", "null", "0", "00", "1e1", "\u2028", "\ufeffa", "\ufffd", "🙂", "\U0010ffff",
		strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("é", 127), strings.Repeat("\U0010ffff", 63),
	}
	for _, name := range names {
		if l, err := s.Load(t.Context(), name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("room %q was not written to yet, but Load returned %d entries and the error %v", name, len(l.Entries), err)
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
		t.Errorf("Load returned the error %v, want context.Canceled", err)
	}
	if _, err := s.Append(ctx, room, v1("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append returned the error %v, want context.Canceled", err)
	}
	if err := s.Compact(ctx, room, read, v1("snapshot")); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact returned the error %v, want context.Canceled", err)
	}
	_, created := s.Create(ctx, room+"2", v1("b"))
	_, listed := s.List(ctx, "", "", 1)
	_, loaded := s.LoadAfter(ctx, room, 0)
	for name, err := range map[string]error{
		"Create": created, "Delete": s.Delete(ctx, room), "List": listed, "LoadAfter": loaded,
	} {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s returned the error %v, want context.Canceled", name, err)
		}
	}
	appendTo(t, s, room, v1("c")) // calls that have ended don't block others
}
