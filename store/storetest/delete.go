package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

func remove(t *testing.T, s store.Store, room string) {
	t.Helper()
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatalf("Delete(%q): %v", room, err)
	}
}

// wantDeleted fails the test unless the room refuses every call.
func wantDeleted(t *testing.T, s store.Store, room string) {
	t.Helper()
	if l, err := s.Load(t.Context(), room); !errors.Is(err, store.ErrDeleted) {
		t.Errorf("Load(%q) returned %d entries and the error %v, want ErrDeleted", room, len(l.Entries), err)
	}
	if _, err := s.Append(t.Context(), room, v1("late")); !errors.Is(err, store.ErrDeleted) {
		t.Errorf("Append(%q) returned the error %v, want ErrDeleted", room, err)
	}
	if err := s.Compact(t.Context(), room, store.Log{}, v1("late")); !errors.Is(err, store.ErrDeleted) {
		t.Errorf("Compact(%q) returned the error %v, want ErrDeleted", room, err)
	}
}

func deleteTombstone(t *testing.T, s store.Store) {
	for range 3 {
		appendTo(t, s, room, v1("a"))
	}
	read := load(t, s, room)
	remove(t, s, room)
	for range 2 { // the refused calls have not removed the tombstone
		wantDeleted(t, s, room)
		if err := s.Compact(t.Context(), room, read, v1("snapshot")); !errors.Is(err, store.ErrDeleted) {
			t.Errorf("Compact returned the error %v, want ErrDeleted", err)
		}
	}
}

func deleteNotFound(t *testing.T, s store.Store) {
	if err := s.Delete(t.Context(), room); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete returned the error %v, want ErrNotFound", err)
	}
	wantNotFound(t, s, room)
	appendTo(t, s, room, v1("a"))
	wantData(t, load(t, s, room), "a")
}

func deleteAgain(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	remove(t, s, room)
	remove(t, s, room)
	wantDeleted(t, s, room)
}

func deleteOther(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	appendTo(t, s, room+"2", v1("b"))
	remove(t, s, room)
	wantData(t, load(t, s, room+"2"), "b")
	appendTo(t, s, room+"2", v1("c"))
	wantData(t, load(t, s, room+"2"), "b", "c")
}

// raceDelete deletes a room while four goroutines append to it.
func raceDelete(t *testing.T, room string, appending, deleting store.Store) {
	t.Helper()
	appendTo(t, appending, room, v1("a"))
	var writing sync.WaitGroup
	begun := make(chan struct{}, 4)
	for range 4 {
		writing.Go(func() {
			for i := range 300 { // bounded, because appends at DurabilityNone could fill the queue
				_, err := appending.Append(t.Context(), room, v1("b"))
				if i == 0 {
					begun <- struct{}{}
				}
				if err != nil {
					if !errors.Is(err, store.ErrDeleted) {
						t.Errorf("Append returned the error %v, want ErrDeleted", err)
					}
					return
				}
			}
		})
	}
	<-begun
	remove(t, deleting, room)
	if l, err := appending.Load(t.Context(), room); !errors.Is(err, store.ErrDeleted) {
		t.Errorf("Load returned %d entries and the error %v, want ErrDeleted", len(l.Entries), err)
	}
	writing.Wait()
	wantDeleted(t, appending, room)
	wantDeleted(t, deleting, room)
}

func deleteAgainstAppend(t *testing.T, s store.Store) {
	for round := range 5 {
		raceDelete(t, fmt.Sprint(room, round), s, s)
	}
}

func deleteAgainstCompact(t *testing.T, s store.Store) {
	for round := range 20 {
		name := fmt.Sprint(room, round)
		appendTo(t, s, name, v1("a"))
		read := load(t, s, name)
		var both sync.WaitGroup
		both.Go(func() {
			if err := s.Compact(t.Context(), name, read, v1("snapshot")); err != nil && !errors.Is(err, store.ErrDeleted) {
				t.Errorf("Compact returned the error %v, want nil or ErrDeleted", err)
			}
		})
		both.Go(func() {
			if err := s.Delete(t.Context(), name); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
		both.Wait()
		wantDeleted(t, s, name)
	}
}

// deleteOutdates tests the calls of a worker that has not noticed that its room was
// deleted and created again.
func deleteOutdates(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("before"))
	read := load(t, s, room)
	remove(t, s, room)
	create(t, s, room, v1("again"))
	wantConflict(t, s.Compact(t.Context(), room, read, v1("snapshot of before")))
	wantData(t, load(t, s, room), "again")
}
