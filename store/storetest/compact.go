package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

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
	for _, data := range []string{"a", "b", "c", "d"} {
		appendTo(t, s, room, v1(data))
	}
	compact(t, s, room, only(load(t, s, room), "b", "d"), v1("bd"))
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
		t.Errorf("Compact returned the error %v, want ErrConflict", err)
	}
}

func compactConflict(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	read := load(t, s, room)
	compact(t, s, room, read, v1("first"))
	wantConflict(t, s.Compact(t.Context(), room, read, v1("second")))
	wantData(t, load(t, s, room), "first")
}

// compactReplacedConflict tests Compact after an entry was replaced by one with the
// same position.
func compactReplacedConflict(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	read := load(t, s, room)
	compact(t, s, room, read, v1("snapshot of ab"))
	wantConflict(t, s.Compact(t.Context(), room, only(read, "b"), v1("snapshot of b")))
	wantData(t, load(t, s, room), "snapshot of ab")
}

func compactPartialConflict(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room, v1("b"))
	read := load(t, s, room)
	compact(t, s, room, only(read, "a"), v1("snapshot of a"))
	wantConflict(t, s.Compact(t.Context(), room, read, v1("snapshot of ab")))
	wantData(t, load(t, s, room), "snapshot of a", "b")
}

func compactNoEncoding(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	for _, enc := range noEncodings {
		if err := s.Compact(t.Context(), room, load(t, s, room), store.Entry{Encoding: enc, Data: []byte("b")}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Compact with a snapshot of encoding %d returned the error %v, want ErrInvalid", enc, err)
		}
	}
	wantData(t, load(t, s, room), "a")
}

func compactOtherRoom(t *testing.T, s store.Store) {
	// The first room has more entries, so that some of its positions don't exist in the second.
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
		t.Errorf("Load returned the error %v, want ErrNotFound", err)
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
				t.Errorf("calls %d and %d have both compacted the same entries", winner, i)
			default:
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("no call has compacted: %v", errs)
		}
		wantData(t, load(t, s, name), fmt.Sprint("by ", winner))
	}
}

// compactWhileAppending numbers the entries, and makes each snapshot of the numbers
// that it replaces, so that lost and duplicate entries are found.
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
			t.Errorf("the log holds entry %d %d times, want once", n, seen[n])
		}
	}
}
