package pgstore_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// span returns how long the interleavings of each kind last.
func span() time.Duration {
	if testing.Short() {
		return time.Second
	}
	return 3 * time.Second
}

// history is what calls on one room have returned.
type history struct {
	mu      sync.Mutex
	stored  map[store.Position]string // words, by the position that Append or Create has returned
	created store.Position            // the largest that Create has returned
	deleted int                       // how many deletions have succeeded; one of a room that exists has a position, too
	seen    []seen
}

// seen is what a load has returned. Snapshots hold the words of the entries that they
// replace, so words has those of all positions from first to last.
type seen struct {
	first, last store.Position
	words       map[string]bool
}

func words(l store.Log) map[string]bool {
	all := map[string]bool{}
	for _, e := range l.Entries {
		for word := range strings.FieldsSeq(string(e.Data)) {
			all[word] = true
		}
	}
	return all
}

func (h *history) store(t *testing.T, p store.Position, word string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other, taken := h.stored[p]; taken {
		t.Errorf("%s and %s have position %d", other, word, p)
	}
	h.stored[p] = word
}

// interleave makes random calls until the span has passed. If deleting is set, it also
// deletes rooms and creates them again.
func interleave(t *testing.T, s store.Store, number int, rooms []*history, deleting bool, until time.Time) {
	random := rand.New(rand.NewPCG(uint64(number), 1))
	for n := 0; time.Now().Before(until); n++ {
		i := random.IntN(len(rooms))
		room, h := fmt.Sprintf("room %d", i), rooms[i]
		word := fmt.Sprintf("%d/%d", number, n)
		entry := store.Entry{Encoding: store.V1, Data: []byte(word)}
		var err error
		switch call := random.IntN(20); {
		case call == 0 && deleting:
			if err = s.Delete(t.Context(), room); err == nil {
				h.mu.Lock()
				h.deleted++
				h.mu.Unlock()
			}
		case call == 1 && deleting:
			var p store.Position
			if p, err = s.Create(t.Context(), room, entry); err == nil {
				h.store(t, p, word)
				h.mu.Lock()
				h.created = max(h.created, p)
				h.mu.Unlock()
			}
		case call < 4:
			var l store.Log
			if l, err = s.Load(t.Context(), room); err != nil {
				break
			}
			all := make([]string, 0, len(l.Entries))
			for _, e := range l.Entries {
				all = append(all, string(e.Data))
			}
			err = s.Compact(t.Context(), room, l, store.Entry{Encoding: store.V2, Data: []byte(strings.Join(all, " "))})
		case call < 6:
			after := store.Position(0)
			if !deleting {
				after = store.Position(random.IntN(50))
			}
			var l store.Log
			if l, err = s.LoadAfter(t.Context(), room, after); err == nil && len(l.Positions) > 0 {
				h.mu.Lock()
				h.seen = append(h.seen, seen{after + 1, l.Last(), words(l)})
				h.mu.Unlock()
			}
		default:
			var p store.Position
			if p, err = s.Append(t.Context(), room, entry); err == nil {
				h.store(t, p, word)
			}
		}
		for _, answer := range []error{store.ErrNotFound, store.ErrDeleted, store.ErrExists, store.ErrConflict} {
			if errors.Is(err, answer) {
				err = nil
			}
		}
		if err != nil {
			t.Errorf("writer %d, call %d: %v", number, n, err)
			return
		}
	}
}

// Two stores on one database change the same rooms.
func TestInterleavings(t *testing.T) {
	for _, w := range ways(t) {
		for _, deleting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/deleting=%v", w.name, deleting), func(t *testing.T) {
				w.empty(t)
				rooms := make([]*history, 8)
				for i := range rooms {
					rooms[i] = &history{stored: map[store.Position]string{}}
				}
				setForAll(t, w.url, "deadlock_timeout", "20ms")
				stores := []*pgstore.Store{open(t, w.url, at(store.DurabilityCommit)), open(t, w.url, at(store.DurabilityFsync))}
				var working sync.WaitGroup
				for number := range 10 {
					working.Go(func() { interleave(t, stores[number%2], number, rooms, deleting, time.Now().Add(span())) })
				}
				working.Wait()
				calls := 0
				for i, h := range rooms {
					h.check(t, fmt.Sprintf("room %d", i), stores[i%2], deleting)
					calls += len(h.stored)
				}
				t.Logf("%d entries", calls)
				for _, s := range stores { // a session reports deadlocks when it ends
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
				wantNoDeadlock(t, w.url)
			})
		}
	}
}

// check compares the answers with each other and with what is stored.
func (h *history) check(t *testing.T, room string, s store.Store, deleting bool) {
	t.Helper()
	last := slices.Max(slices.Collect(maps.Keys(h.stored)))
	if free := int(last) - len(h.stored); free > h.deleted || !deleting && free > 0 {
		t.Errorf("%s: %d entries were stored up to position %d, and there were %d deletions", room, len(h.stored), last, h.deleted)
	}
	if !deleting { // each load has what was stored up to its last position, so positions became visible in order
		for _, seen := range h.seen {
			for p := seen.first; p <= seen.last; p++ {
				if word := h.stored[p]; !seen.words[word] {
					t.Errorf("%s: a load up to position %d lacks %s at position %d", room, seen.last, word, p)
				}
			}
		}
	}
	l, err := s.Load(t.Context(), room)
	if errors.Is(err, store.ErrDeleted) && deleting {
		return
	}
	if err != nil {
		t.Errorf("%s: %v", room, err)
		return
	}
	held, from := words(l), max(h.created, 1)
	for p, word := range h.stored {
		if want := p >= from; held[word] != want {
			t.Errorf("%s: the log has %s at position %d: %v, want %v; the room was created at %d", room, word, p, held[word], want, from)
		}
	}
	if l.Last() != last {
		t.Errorf("%s: the last position is %d, want %d", room, l.Last(), last)
	}
	if !slices.IsSortedFunc(l.Positions, cmp.Compare) {
		t.Errorf("%s: the positions are %v", room, l.Positions)
	}
}

// wantNoDeadlock fails the test if the database has had a deadlock.
func wantNoDeadlock(t *testing.T, url string) {
	t.Helper()
	if n := query[int](t, url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}
