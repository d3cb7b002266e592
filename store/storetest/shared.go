package storetest

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

// RunShared checks stores whose rooms outlive them, or are used by several stores
// at once. Each subtest calls open once; each call of again returns another store on
// the same rooms, which are empty at first. Stores that have a Close method are closed
// and opened again. open must register the cleanup of other stores with its t.
func RunShared(t *testing.T, open func(t *testing.T) (again func() store.Store)) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		needs func(*testing.T, store.Store)
		check func(t *testing.T, again func() store.Store)
	}{
		{"Reopened/everything is there", nil, reopenedEverything},
		{"Reopened/no position is taken twice", nil, reopenedPositions},
		{"Reopened/a tombstone is there", needsDelete, reopenedTombstone},
		{"Shared/what one has appended the other loads", nil, sharedSeen},
		{"Shared/no position is taken twice", nil, sharedPositions},
		{"Shared/a compaction keeps what the other has appended since the load", nil, sharedCompactKeeps},
		{"Shared/one of two compactions wins", nil, sharedCompactRace},
		{"Shared/one of fifty creates a room", needsCreate, sharedCreateRace},
		{"Shared/a deletion wins against the other's appends", needsDelete, sharedDelete},
		{"Shared/a gap in the positions shows the other's appends", needsLoadAfter, sharedGap},
		{"Shared/each of two finds everything that the other has appended", needsLoadAfter, sharedFollow},
	} {
		t.Run(rule.name, func(t *testing.T) {
			again := open(t)
			if rule.needs != nil {
				rule.needs(t, again())
			}
			rule.check(t, again)
		})
	}
}

// closeStore closes s if it has a Close method.
func closeStore(t *testing.T, s store.Store) {
	t.Helper()
	if c, ok := s.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

func reopenedEverything(t *testing.T, again func() store.Store) {
	s := again()
	p := appendTo(t, s, room, store.Entry{Encoding: store.V2, Data: []byte("a")})
	appendTo(t, s, room, v1("b"))
	appendTo(t, s, room+"2", v1("c"))
	compact(t, s, room+"2", load(t, s, room+"2"), store.Entry{Encoding: store.V2, Data: []byte("snapshot of c")})
	appendTo(t, s, room+"2", v1("d"))
	for range 2 {
		closeStore(t, s)
		s = again()
		l := load(t, s, room)
		wantData(t, l, "a", "b")
		if a := only(l, "a"); len(a.Entries) != 1 || a.Entries[0].Encoding != store.V2 || a.Positions[0] != p {
			t.Errorf("a is %v at %v, want V2 at position %d", a.Entries, a.Positions, p)
		}
		l = load(t, s, room+"2")
		wantData(t, l, "snapshot of c", "d")
		for _, e := range l.Entries {
			if isSnapshot := string(e.Data) == "snapshot of c"; (e.Encoding == store.V2) != isSnapshot {
				t.Errorf("%q has the encoding %d", e.Data, e.Encoding)
			}
		}
		wantNotFound(t, s, room+"3")
	}
}

func reopenedPositions(t *testing.T, again func() store.Store) {
	taken := map[store.Position]bool{}
	for range 3 {
		s := again()
		for _, p := range []store.Position{appendTo(t, s, room, v1("a")), appendTo(t, s, room, v1("b"))} {
			if taken[p] {
				t.Errorf("position %d was taken twice", p)
			}
			taken[p] = true
		}
		compact(t, s, room, load(t, s, room), v1("snapshot"))
		closeStore(t, s)
	}
}

func reopenedTombstone(t *testing.T, again func() store.Store) {
	s := again()
	appendTo(t, s, room, v1("a"))
	remove(t, s, room)
	closeStore(t, s)
	s = again()
	wantDeleted(t, s, room)
}

func sharedSeen(t *testing.T, again func() store.Store) {
	one, two := again(), again()
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprint("one ", i), fmt.Sprint("two ", i))
		appendTo(t, one, room, v1(want[2*i]))
		wantData(t, load(t, two, room), want[:2*i+1]...)
		appendTo(t, two, room, v1(want[2*i+1]))
		wantData(t, load(t, one, room), want...)
	}
}

func sharedPositions(t *testing.T, again func() store.Store) {
	const writers, each = 4, 25
	var mu sync.Mutex
	taken := map[store.Position]bool{}
	var want []string
	var writing sync.WaitGroup
	stores := []store.Store{again(), again()}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				data := fmt.Sprintf("writer %d, entry %d", w, i)
				p, err := stores[w%2].Append(t.Context(), room, v1(data))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				mu.Lock()
				if taken[p] {
					t.Errorf("position %d was taken twice", p)
				}
				taken[p] = true
				want = append(want, data)
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	for _, s := range stores {
		wantData(t, load(t, s, room), want...)
	}
}

func sharedCompactKeeps(t *testing.T, again func() store.Store) {
	one, two := again(), again()
	appendTo(t, one, room, v1("a"))
	read := load(t, one, room)
	appendTo(t, two, room, v1("b"))
	compact(t, one, room, read, v1("snapshot of a"))
	wantData(t, load(t, two, room), "snapshot of a", "b")
	wantConflict(t, two.Compact(t.Context(), room, read, v1("late")))
}

func sharedCompactRace(t *testing.T, again func() store.Store) {
	stores := []store.Store{again(), again()}
	for round := range 20 {
		name := fmt.Sprint(room, round)
		appendTo(t, stores[0], name, v1("a"))
		appendTo(t, stores[1], name, v1("b"))
		errs := make([]error, len(stores))
		read := load(t, stores[0], name)
		var compacting sync.WaitGroup
		for i, s := range stores {
			compacting.Go(func() { errs[i] = s.Compact(t.Context(), name, read, v1(fmt.Sprint("by ", i))) })
		}
		compacting.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil {
			t.Fatalf("no compaction has succeeded: %v", errs)
		}
		if !errors.Is(errs[1-winner], store.ErrConflict) {
			t.Errorf("the other's error is %v, want ErrConflict", errs[1-winner])
		}
		wantData(t, load(t, stores[1-winner], name), fmt.Sprint("by ", winner))
	}
}

func sharedCreateRace(t *testing.T, again func() store.Store) {
	one, two := again(), again()
	for round := range 5 {
		raceCreate(t, fmt.Sprint(room, round), one, two)
	}
}

func sharedDelete(t *testing.T, again func() store.Store) {
	one, two := again(), again()
	for round := range 3 {
		raceDelete(t, fmt.Sprint(room, round), one, two)
	}
}
