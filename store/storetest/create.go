package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/yroom/yroom/store"
)

func create(t *testing.T, s store.Store, room string, e store.Entry) store.Position {
	t.Helper()
	p, err := s.Create(t.Context(), room, e)
	if err != nil {
		t.Fatalf("Create(%q): %v", room, err)
	}
	return p
}

func createMakes(t *testing.T, s store.Store) {
	p := create(t, s, room, store.Entry{Encoding: store.V2, Data: []byte("a")})
	l := load(t, s, room)
	wantData(t, l, "a")
	if l.Entries[0].Encoding != store.V2 {
		t.Errorf("the encoding is %d, want V2", l.Entries[0].Encoding)
	}
	if p != l.Last() {
		t.Errorf("Create returned position %d, Load returned %d", p, l.Last())
	}
	appendTo(t, s, room, v1("b"))
	l = load(t, s, room)
	wantData(t, l, "a", "b")
	if l.Positions[0] == l.Positions[1] {
		t.Errorf("both entries have position %d", l.Positions[0])
	}
}

func createExists(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("a"))
	create(t, s, room+"2", v1("b"))
	for _, name := range []string{room, room + "2"} {
		if _, err := s.Create(t.Context(), name, v1("c")); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create(%q) returned the error %v, want ErrExists", name, err)
		}
	}
	wantData(t, load(t, s, room), "a")
	wantData(t, load(t, s, room+"2"), "b")
}

func createBorrows(t *testing.T, s store.Store) {
	e := v1("before")
	create(t, s, room, e)
	copy(e.Data, "after!")
	wantData(t, load(t, s, room), "before")
}

func createNoEncoding(t *testing.T, s store.Store) {
	for _, enc := range noEncodings {
		if _, err := s.Create(t.Context(), room, store.Entry{Encoding: enc, Data: []byte("a")}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Create with an entry of encoding %d returned the error %v, want ErrInvalid", enc, err)
		}
	}
	wantNotFound(t, s, room)
}

// raceCreate calls Create for one room fifty times at once, spread over the stores,
// and fails the test unless exactly one call succeeds.
func raceCreate(t *testing.T, room string, stores ...store.Store) {
	t.Helper()
	errs := make([]error, 50)
	var creating sync.WaitGroup
	for i := range errs {
		creating.Go(func() { _, errs[i] = stores[i%len(stores)].Create(t.Context(), room, v1(fmt.Sprint("by ", i))) })
	}
	creating.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("calls %d and %d have both created the room", winner, i)
		case !errors.Is(err, store.ErrExists):
			t.Errorf("Create returned the error %v, want ErrExists", err)
		}
	}
	if winner < 0 {
		t.Fatal("no call has created the room")
	}
	for _, s := range stores {
		wantData(t, load(t, s, room), fmt.Sprint("by ", winner))
	}
}

func createRace(t *testing.T, s store.Store) {
	for round := range 5 {
		raceCreate(t, fmt.Sprint(room, round), s)
	}
}

func createAgainstAppend(t *testing.T, s store.Store) {
	for round := range 20 {
		name := fmt.Sprint(room, round)
		var created error
		var both sync.WaitGroup
		both.Go(func() { _, created = s.Create(t.Context(), name, v1("created")) })
		both.Go(func() {
			if _, err := s.Append(t.Context(), name, v1("appended")); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
		both.Wait()
		switch {
		case created == nil:
			wantData(t, load(t, s, name), "created", "appended")
		case errors.Is(created, store.ErrExists):
			wantData(t, load(t, s, name), "appended")
		default:
			t.Errorf("Create: %v", created)
		}
	}
}

func createDeleted(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("before"))
	remove(t, s, room)
	create(t, s, room, v1("again"))
	wantData(t, load(t, s, room), "again")
	appendTo(t, s, room, v1("more"))
	compact(t, s, room, load(t, s, room), v1("snapshot"))
	wantData(t, load(t, s, room), "snapshot")
	remove(t, s, room)
	wantDeleted(t, s, room)
}

func createDeletedRace(t *testing.T, s store.Store) {
	appendTo(t, s, room, v1("before"))
	remove(t, s, room)
	raceCreate(t, room, s)
}

func createDeletedPositions(t *testing.T, s store.Store) {
	taken := map[store.Position]bool{}
	for range 4 {
		if len(taken) == 0 {
			appendTo(t, s, room, v1("a"))
		} else {
			create(t, s, room, v1("a"))
		}
		appendTo(t, s, room, v1("b"))
		for _, p := range load(t, s, room).Positions {
			if taken[p] {
				t.Errorf("position %d was taken twice", p)
			}
			taken[p] = true
		}
		remove(t, s, room)
	}
}
