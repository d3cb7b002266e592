package yroom_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/storetest"
)

// running starts a server that ends with the test.
func running(t *testing.T, cfg yroom.Config) (*yroom.Server, *httptest.Server) {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	server, err := yroom.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return server, web
}

func TestRoomsTellAboutThemselves(t *testing.T) {
	server, web := running(t, yroom.Config{})
	if _, err := server.Query(t.Context(), "ws/a", yroom.Mark{}); !errors.Is(err, yroom.ErrUnavailable) {
		t.Errorf("a room that is not open gave the error %v", err)
	}
	c := connect(t, web, "a") // at /ws/a, which is the room's name here
	send(t, c, update(hello))
	await(t, c, update(hello))
	if diff := cmp.Diff([]string{"ws/a"}, server.Rooms()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	all := server.Summaries(t.Context(), server.Rooms())
	if len(all) != 1 || all[0].State != yroom.Open || all[0].Conns != 1 || all[0].Size == 0 || all[0].Changed.IsZero() {
		t.Errorf("summaries %+v", all)
	}
	a, err := server.Query(t.Context(), "ws/a", yroom.Mark{})
	if err != nil || !bytes.Equal(a.Update, hello) || len(a.Members) != 1 || a.Members[0].Access != yroom.Write|yroom.Present {
		t.Errorf("answer %+v, %v", a, err)
	}
	if a, err = server.Query(t.Context(), "ws/a", a.At); err != nil || a.Update != nil {
		t.Errorf("nothing is new, but the answer is %+v, %v", a, err)
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
	add(rest, "a", "board.0", "board.1", "board.2", "boards", "c", "draft.1", "default.1") // board's are elsewhere by now
	add(board, "board", "board.7", "board.8", "x", "board-z")
	server, _ := running(t, yroom.Config{
		Store: memstore.New(), // the row default beats it
		Rooms: map[string]yroom.Settings{"default": {Store: rest}, "board": {Store: board}, "draft": {GC: new(false)}},
	})
	for _, test := range []struct {
		prefix, after string
		most          int
		want          []string
	}{
		{"", "", 100, []string{"a", "board", "board.7", "board.8", "boards", "c", "default.1", "draft.1"}},
		{"", "", 2, []string{"a", "board"}},
		{"", "board", 3, []string{"board.7", "board.8", "boards"}},
		{"board", "", 10, []string{"board", "board.7", "board.8", "boards"}},
		{"b", "board.8", 1, []string{"boards"}},
		{"c", "c", 10, nil},
		{"", "", 0, nil},
	} {
		listed, err := server.Stored(t.Context(), test.prefix, test.after, test.most)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range listed {
			names = append(names, l.Room)
			if l.Bytes != len(hello) || l.Stored.IsZero() {
				t.Errorf("%+v", l)
			}
		}
		if diff := cmp.Diff(test.want, names); diff != "" {
			t.Errorf("%d of %q after %q (-want +got)\n%s", test.most, test.prefix, test.after, diff)
		}
	}
}

// A store need not be able to list its rooms.
func TestStoredRoomsOfAStoreThatCannotList(t *testing.T) {
	server, _ := running(t, yroom.Config{Store: storetest.Basic(memstore.New())})
	if listed, err := server.Stored(t.Context(), "", "", 10); err != nil || listed != nil {
		t.Errorf("%v, %v", listed, err)
	}
}
