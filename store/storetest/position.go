package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

func loadAfter(t *testing.T, s store.Store, room string, after store.Position) store.Log {
	t.Helper()
	l, err := s.LoadAfter(t.Context(), room, after)
	if err != nil {
		t.Fatalf("LoadAfter(%q, %d): %v", room, after, err)
	}
	wantPositions(t, l)
	return l
}

// wantAfter fails the test unless LoadAfter returns entries with these data, in
// this order.
func wantAfter(t *testing.T, s store.Store, after store.Position, want ...string) {
	t.Helper()
	var got []string
	for _, e := range loadAfter(t, s, room, after).Entries {
		got = append(got, string(e.Data))
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("LoadAfter(%d) returned %q, want %q", after, got, want)
	}
}

// positionsReturned checks the positions that Append returns. At DurabilityNone
// they may be 0.
func positionsReturned(t *testing.T, s store.Store, none bool) {
	for i := range 5 {
		data := strconv.Itoa(i)
		p := appendTo(t, s, room, v1(data))
		if l := load(t, s, room); p != positionOf(t, l, data) && (p != 0 || !none) {
			t.Errorf("Append returned position %d, Load returned %d", p, positionOf(t, l, data))
		}
		if i%2 == 1 {
			compact(t, s, room, load(t, s, room), v1("snapshot"))
		}
	}
}

func positionsConsecutive(t *testing.T, s store.Store) {
	for i := range 10 {
		appendTo(t, s, room, v1(strconv.Itoa(i)))
		appendTo(t, s, room+"2", v1("in between"))
		if l := load(t, s, room); l.Last() != store.Position(i+1) || len(l.Positions) != i+1 {
			t.Fatalf("after %d appends, the positions are %v", i+1, l.Positions)
		}
	}
	for i, e := range load(t, s, room).Entries {
		if string(e.Data) != strconv.Itoa(i) {
			t.Errorf("position %d has entry %q, want %q", i+1, e.Data, strconv.Itoa(i))
		}
	}
}

func positionsOfRefused(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read := load(t, s, room)
	appendTo(t, s, room, v1("b"))
	compact(t, s, room, load(t, s, room), v1("ab"))
	if err := s.Compact(t.Context(), room, read, v1("late")); err == nil {
		t.Error("Compact returned no error, want ErrConflict")
	}
	if _, err := s.Create(t.Context(), room, v1("late")); err == nil {
		t.Error("Create returned no error, want ErrExists")
	}
	appendTo(t, s, room, v1("c"))
	if p := positionOf(t, load(t, s, room), "c"); p != 3 {
		t.Errorf("the third append has position %d, want 3", p)
	}
}

func positionOfSnapshot(t *testing.T, s store.Store) {
	for _, data := range []string{"a", "b", "c"} {
		appendTo(t, s, room, v1(data))
	}
	read := load(t, s, room)
	appendTo(t, s, room, v1("d"))
	compact(t, s, room, read, v1("abc"))
	appendTo(t, s, room, v1("e"))
	l := load(t, s, room)
	for data, want := range map[string]store.Position{"abc": 3, "d": 4, "e": 5} {
		if p := positionOf(t, l, data); p != want {
			t.Errorf("%q has position %d, want %d", data, p, want)
		}
	}
	compact(t, s, room, l, v1("abcde"))
	if p := positionOf(t, load(t, s, room), "abcde"); p != 5 {
		t.Errorf("the second snapshot has position %d, want 5", p)
	}
	compact(t, s, room, load(t, s, room), v1("again"))
	if p := positionOf(t, load(t, s, room), "again"); p != 5 {
		t.Errorf("the third snapshot has position %d, want 5", p)
	}
}

// positionOfEmptyCompact tests the position of a snapshot that replaces nothing.
func positionOfEmptyCompact(t *testing.T, s store.Store) {
	compact(t, s, room, store.Log{}, v1("a"))
	compact(t, s, room, store.Log{}, v1("b"))
	l := load(t, s, room)
	if a, b := positionOf(t, l, "a"), positionOf(t, l, "b"); a != 1 || b != 2 {
		t.Errorf("the positions are %d and %d, want 1 and 2", a, b)
	}
}

func afterReturns(t *testing.T, s store.Store) {
	for _, data := range []string{"a", "b", "c"} {
		appendTo(t, s, room, v1(data))
	}
	wantAfter(t, s, 0, "a", "b", "c")
	wantAfter(t, s, 1, "b", "c")
	wantAfter(t, s, 2, "c")
	wantAfter(t, s, 3)
	wantAfter(t, s, 100)
	appendTo(t, s, room, v1("d"))
	wantAfter(t, s, 3, "d")
}

func afterCompaction(t *testing.T, s store.Store) {
	for _, data := range []string{"a", "b", "c"} {
		appendTo(t, s, room, v1(data))
	}
	read := load(t, s, room)
	appendTo(t, s, room, v1("d"))
	compact(t, s, room, read, v1("abc"))
	for after := range store.Position(3) { // the caller may lack b or c
		wantAfter(t, s, after, "abc", "d")
	}
	wantAfter(t, s, 3, "d") // the caller lacks nothing that the snapshot replaced
	wantAfter(t, s, 4)
}

func afterNotFound(t *testing.T, s store.Store) {
	for after := range store.Position(2) {
		if _, err := s.LoadAfter(t.Context(), room, after); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("LoadAfter(%d) returned the error %v, want ErrNotFound", after, err)
		}
	}
}

func afterDeleted(t *testing.T, s store.Store) {
	needsBoth(t, s)
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	compact(t, s, room, load(t, s, room), v1("ab"))
	wantOutdated := func(after store.Position) {
		t.Helper()
		if l, err := s.LoadAfter(t.Context(), room, after); !errors.Is(err, store.ErrDeleted) {
			t.Errorf("LoadAfter(%d) returned %v and the error %v, want ErrDeleted", after, l, err)
		}
	}
	remove(t, s, room)
	for after := range store.Position(4) {
		wantOutdated(after)
	}
	if p := create(t, s, room, v1("c")); p != 4 {
		t.Errorf("Create returned position %d, want 4, because the deletion has taken 3", p)
	}
	appendTo(t, s, room, v1("d"))
	wantOutdated(1)
	wantOutdated(2)
	wantOutdated(3)
	wantAfter(t, s, 0, "c", "d")
	wantAfter(t, s, 4, "d")
	remove(t, s, room)
	create(t, s, room, v1("e"))
	wantOutdated(4)
	wantOutdated(5)
	wantOutdated(6)
	wantAfter(t, s, 7)
}

func afterOwned(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	copy(loadAfter(t, s, room, 1).Entries[0].Data, "x")
	wantAfter(t, s, 1, "b")
}

// follower reads a room as a worker that appends to it does: it finds what others have
// appended from the positions that its own appends return.
type follower struct {
	t    *testing.T
	s    store.Store
	last store.Position
	has  map[string]bool // words of the entries
}

func (f *follower) take(l store.Log) {
	for _, e := range l.Entries {
		for word := range strings.FieldsSeq(string(e.Data)) {
			f.has[word] = true
		}
	}
	f.last = max(f.last, l.Last())
}

// append appends an entry and loads missing ones. It returns false after an error.
func (f *follower) append(word string) bool {
	f.has[word] = true
	p, err := f.s.Append(f.t.Context(), room, v1(word))
	if err != nil {
		f.t.Errorf("Append: %v", err)
		return false
	}
	if p <= f.last {
		f.t.Errorf("Append returned position %d after %d", p, f.last)
	}
	if p != f.last+1 {
		l, err := f.s.LoadAfter(f.t.Context(), room, f.last)
		if err != nil {
			f.t.Errorf("LoadAfter: %v", err)
			return false
		}
		if l.Last() < p {
			f.t.Errorf("LoadAfter returned nothing after %d, want %d", l.Last(), p)
		}
		f.take(l)
	}
	f.last = max(f.last, p)
	return true
}

// sharedFollow lets two writers append to one room, with compactions in between.
// Each must have found everything that the other has appended before its own last
// append.
func sharedFollow(t *testing.T, again func() store.Store) {
	const each = 60
	var both [2]*follower
	for i := range both {
		both[i] = &follower{t: t, s: again(), has: map[string]bool{}}
	}
	compacting := again()
	var writing, compactor sync.WaitGroup
	for i, f := range both {
		writing.Go(func() {
			for n := 0; n < each && f.append(fmt.Sprintf("%d/%d", i, n)); n++ {
			}
		})
	}
	ended := make(chan struct{})
	compactor.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
			}
			l, err := compacting.Load(t.Context(), room)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			var all []string
			for _, e := range l.Entries {
				all = append(all, string(e.Data))
			}
			if err == nil {
				err = compacting.Compact(t.Context(), room, l, v1(strings.Join(all, " ")))
			}
			if err != nil {
				t.Errorf("Load and Compact: %v", err)
				return
			}
		}
	})
	writing.Wait()
	close(ended)
	compactor.Wait()
	for i, f := range both {
		f.append(fmt.Sprintf("%d/last", i))
	}
	for i, f := range both {
		for j := range both {
			for n := range each {
				if word := fmt.Sprintf("%d/%d", j, n); !f.has[word] {
					t.Errorf("writer %d has not found %s", i, word)
				}
			}
		}
		if want := store.Position(2*each + 1 + i); f.last != want {
			t.Errorf("the last position of writer %d is %d, want %d: one for each append, none for compactions", i, f.last, want)
		}
	}
}

// sharedGap is sharedFollow step by step.
func sharedGap(t *testing.T, again func() store.Store) {
	one, two := again(), again()
	for i, step := range []struct {
		s    store.Store
		data string
	}{{one, "a"}, {two, "b"}, {two, "c"}, {one, "d"}} {
		if p := appendTo(t, step.s, room, v1(step.data)); p != store.Position(i+1) {
			t.Errorf("append %d returned position %d", i+1, p)
		}
	}
	wantAfter(t, one, 1, "b", "c", "d")
	compact(t, two, room, load(t, two, room), v1("abcd"))
	if p := appendTo(t, one, room, v1("e")); p != 5 { // no gap
		t.Errorf("after a compaction by the other, Append returned position %d, want 5", p)
	}
	wantAfter(t, two, 4, "e")
	wantAfter(t, two, 3, "abcd", "e")
}
