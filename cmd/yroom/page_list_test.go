package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// keep stores a room with an update.
func keep(t *testing.T, s store.Store, room, update string) {
	t.Helper()
	if _, err := s.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: []byte(update)}); err != nil {
		t.Fatal(err)
	}
}

func TestListsAreSortedAndSearched(t *testing.T) {
	kept := memstore.New()
	keep(t, kept, "notes/b", typedHello)
	keep(t, kept, "Notes/c", string(testkit.Typed(1, 0, "a longer text")))
	keep(t, kept, "z", typedHello)
	keep(t, kept, "a", string(testkit.Typed(1, 0, "a much longer text")))
	p := newPlace(t, yroom.Config{Store: kept})
	p.say(p.connect("z"), typing(more))
	p.connect("z")
	p.say(p.connect("notes/b"), adaAt1)
	testkit.Eventually(t, "the room z has two connections", func() string {
		_, answer := get[listed](p, "/rooms.json", "search", "z")
		return cmp.Diff(2, answer.Connections)
	})

	for _, test := range []struct {
		query []string
		want  string
	}{
		{nil, "Notes/c a notes/b z"},
		{[]string{"order", "descending"}, "z notes/b a Notes/c"},
		{[]string{"sort", "name"}, "Notes/c a notes/b z"},
		{[]string{"sort", "nonsense", "order", "nonsense", "skip", "-1"}, "Notes/c a notes/b z"},
		{[]string{"sort", "size"}, "notes/b z Notes/c a"},
		{[]string{"sort", "size", "order", "descending"}, "a Notes/c z notes/b"},
		{[]string{"sort", "connections", "order", "descending"}, "z notes/b Notes/c a"},
		{[]string{"sort", "people", "order", "descending"}, "notes/b Notes/c a z"},
		{[]string{"sort", "changed", "order", "descending"}, "z a Notes/c notes/b"},
		{[]string{"sort", "state"}, "notes/b z Notes/c a"},
		{[]string{"search", "NOTES"}, "Notes/c notes/b"},
		{[]string{"search", "nothing"}, ""},
		{[]string{"show", "open"}, "notes/b z"},
		{[]string{"show", "stored"}, "Notes/c a"},
		{[]string{"show", "failed"}, ""},
		{[]string{"show", "open", "search", "o"}, "notes/b"},
		{[]string{"skip", "3"}, "z"},
		{[]string{"skip", "9"}, ""},
		{[]string{"after", "a"}, "notes/b z"},
	} {
		_, answer := get[listed](p, "/rooms.json", test.query...)
		if got := strings.Join(names(answer.Rooms), " "); got != test.want {
			t.Errorf("%q: %s, want %s", test.query, got, test.want)
		}
	}

	// The totals are of the rooms that match the search, in whatever state.
	_, answer := get[listed](p, "/rooms.json", "search", "notes", "show", "open")
	want := listed{
		Found: 2, Open: 1, Stored: 1, People: 1, Connections: 1, Matching: 1, Read: 4, Page: roomsShown, Consumer: "c",
		Rooms: answer.Rooms, Bytes: answer.Bytes,
	}
	if diff := cmp.Diff(want, answer); diff != "" || len(answer.Rooms) != 1 || answer.Bytes <= answer.Rooms[0].Bytes {
		t.Errorf("%d bytes (-want +got)\n%s", answer.Bytes, diff)
	}
}

// Rooms are sorted by the edits of the last seconds, and by what is pending.
func TestListsAreSortedByEditsAndPending(t *testing.T) {
	p := newPlace(t, yroom.Config{})
	p.say(p.connect("a"), typing(typedHello))
	c := p.connect("c")
	p.say(c, typing(typedHello))
	p.say(c, typing(more))
	p.connect("b").MustSend(t, []byte(typing(more))) // it waits for what is before it, so it isn't broadcast
	var answer listed
	testkit.Eventually(t, "something is pending", func() string {
		if _, answer = get[listed](p, "/rooms.json", "sort", "pending", "order", "descending"); answer.Pending == 0 {
			return fmt.Sprintf("%+v", answer)
		}
		return ""
	})
	if b := answer.Rooms[0]; b.Name != "b" || b.Pending != answer.Pending || b.Bytes < b.Pending {
		t.Errorf("%d bytes are pending: %+v", answer.Pending, answer.Rooms)
	}
	_, answer = get[listed](p, "/rooms.json", "sort", "edits", "order", "descending")
	if c := answer.Rooms[0]; c.Name != "c" || c.Edits != 0.2 {
		t.Errorf("two edits in ten seconds: %+v", answer.Rooms)
	}
}

// A room that clients have opened without writing is listed only while they are in it.
func TestARoomThatWasOnlyLookedInto(t *testing.T) {
	p := newPlace(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {RemoveDelay: time.Hour}}})
	reader, writer := p.connect("looked?readonly"), p.connect("written")
	reader.MustSend(t, []byte(adaAt1)) // dropped
	p.say(writer, typing(typedHello))
	var answer listed
	testkit.Eventually(t, "both are listed with clients in them", func() string {
		_, answer = get[listed](p, "/rooms.json")
		if got := names(answer.Rooms); !cmp.Equal(got, []string{"looked", "written"}) || answer.Open != 2 || answer.Stored != 0 {
			return fmt.Sprintf("%q, %d open, %d stored", got, answer.Open, answer.Stored)
		}
		return ""
	})
	for _, c := range []interface{ Close() error }{reader, writer} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "only the other is listed", func() string {
		_, answer = get[listed](p, "/rooms.json")
		if len(answer.Rooms) != 1 {
			return fmt.Sprint(names(answer.Rooms))
		}
		return ""
	})
	if answer.Rooms[0].Name != "written" || answer.Found != 1 || answer.Open != 1 || answer.Read != 2 {
		t.Errorf("%+v", answer)
	}
}

// A list of more rooms than are read is sorted and searched among those that were read,
// and names that begin with the search are found among all.
func TestListsAreBounded(t *testing.T) {
	kept := memstore.New()
	for i := range roomsRead + 10 {
		keep(t, kept, fmt.Sprintf("r.%04d", i), typedHello)
	}
	keep(t, kept, "s", typedHello)
	p := newPlace(t, yroom.Config{Store: kept})
	last := fmt.Sprintf("r.%04d", roomsRead-1)

	_, answer := get[listed](p, "/rooms.json", "order", "descending")
	if len(answer.Rooms) != roomsShown || answer.Rooms[0].Name != last || answer.Found != roomsRead || answer.Read != roomsRead || answer.Next != last {
		t.Errorf("%d rooms from %s on, %d found, %d read, next %q", len(answer.Rooms), answer.Rooms[0].Name, answer.Found, answer.Read, answer.Next)
	}
	_, answer = get[listed](p, "/rooms.json", "skip", fmt.Sprint(roomsRead-1))
	if got := names(answer.Rooms); !cmp.Equal(got, []string{last}) || answer.Skip != roomsRead-1 {
		t.Errorf("the last page: %q, after %d", got, answer.Skip)
	}
	_, answer = get[listed](p, "/rooms.json", "after", last)
	if got := names(answer.Rooms); len(got) != 11 || got[10] != "s" || answer.Next != "" {
		t.Errorf("the next rooms: %q, next %q", got, answer.Next)
	}
	for search, want := range map[string]int{"s": 1, "r.500": 10, "500": 5, "x": 0} {
		if _, answer = get[listed](p, "/rooms.json", "search", search); answer.Found != want {
			t.Errorf("the search for %s finds %d rooms, want %d", search, answer.Found, want)
		}
	}
}
