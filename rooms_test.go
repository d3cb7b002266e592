package yroom_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

func TestRoomsAreDescribed(t *testing.T) {
	server, web := running(t, yroom.Config{})
	if _, err := server.Document("a").Info(t.Context()); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("a room that is not open: %v, want ErrNotFound", err)
	}
	c := connect(t, web, "a")
	c.MustSend(t, testkit.Update(hello))
	c.MustAwait(t, testkit.Update(hello))
	list, err := server.Rooms(t.Context(), document.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Rooms) != 1 || list.Open != 1 || list.Next != "" {
		t.Fatalf("rooms %+v", list)
	}
	r := list.Rooms[0]
	if r.Name != "a" || r.State != event.RoomOpen || r.Summary.Conns != 1 || r.Summary.Size == 0 || r.Summary.Changed.IsZero() || r.StoredBytes == 0 || r.StoredAt.IsZero() {
		t.Errorf("room %+v", r)
	}
	info, err := server.Document("a").Query(t.Context(), event.Mark{})
	if err != nil || !bytes.Equal(info.Update, hello) || len(info.Members) != 1 || info.Members[0].Access != event.AccessWrite|event.AccessPresent {
		t.Errorf("info %+v, %v", info, err)
	}
	if info, err = server.Document("a").Query(t.Context(), info.Mark); err != nil || info.Update != nil {
		t.Errorf("nothing is new, but the response is %+v, %v", info, err)
	}
}

func TestStoredRoomsOfSeveralStores(t *testing.T) {
	rest, board := memstore.New(), memstore.New()
	add := func(s *memstore.Store, rooms ...string) {
		for _, room := range rooms {
			if _, err := s.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: hello}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(rest, "a", "board.0", "board.1", "board.2", "boards", "c", "draft.1", "default.1") // the rooms of board are in another store now
	add(board, "board", "board.7", "board.8", "x", "board-z")
	server, _ := running(t, yroom.Config{
		Store: memstore.New(), // the row default overrides it
		Rooms: map[string]yroom.Settings{"default": {Store: rest}, "board": {Store: board}, "draft": {GC: yroom.SwitchOff}},
	})
	for _, test := range []struct {
		prefix, after string
		limit         int
		want          []string
		next          string
	}{
		{"", "", 100, []string{"a", "board", "board.7", "board.8", "boards", "c", "default.1", "draft.1"}, ""},
		{"", "", 0, []string{"a", "board", "board.7", "board.8", "boards", "c", "default.1", "draft.1"}, ""},
		{"", "", 8, []string{"a", "board", "board.7", "board.8", "boards", "c", "default.1", "draft.1"}, ""},
		{"", "", 2, []string{"a", "board"}, "board"},
		{"", "board", 3, []string{"board.7", "board.8", "boards"}, "boards"},
		{"board", "", 10, []string{"board", "board.7", "board.8", "boards"}, ""},
		{"b", "board.8", 1, []string{"boards"}, ""},
		{"c", "c", 10, nil, ""},
	} {
		list, err := server.Rooms(t.Context(), document.ListOptions{Prefix: test.prefix, After: test.after, Limit: test.limit})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range list.Rooms {
			names = append(names, r.Name)
			if r.State != event.RoomStored || r.StoredBytes != len(hello) || r.StoredAt.IsZero() {
				t.Errorf("%+v", r)
			}
		}
		if diff := cmp.Diff(test.want, names); diff != "" || list.Next != test.next {
			t.Errorf("%d of %q after %q: next %q, want %q (-want +got)\n%s", test.limit, test.prefix, test.after, list.Next, test.next, diff)
		}
	}
}

// A store need not be able to list its rooms.
func TestStoredRoomsOfAStoreThatCannotList(t *testing.T) {
	s := faulty.New(memstore.New())
	s.Set(faulty.Fail(errors.ErrUnsupported), faulty.List)
	server, _ := running(t, yroom.Config{Store: s})
	if list, err := server.Rooms(t.Context(), document.ListOptions{}); err != nil || len(list.Rooms) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}
