package storetest

import (
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

// between fails the test unless at is in UTC and between two moments. A store may
// round to milliseconds, and another machine's clock may differ a little.
func between(t *testing.T, what string, at, begin, end time.Time) {
	t.Helper()
	const rounding = time.Second
	if at.Before(begin.Add(-rounding)) || at.After(end.Add(rounding)) {
		t.Errorf("%s is %v, want it between %v and %v", what, at, begin, end)
	}
	if at.Location() != time.UTC {
		t.Errorf("%s is in %v, want UTC", what, at.Location())
	}
}

func entryAt(t *testing.T, s store.Store) {
	begin := time.Now()
	given := v1("a")
	given.At = time.Date(2001, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))
	appendTo(t, s, room, given)
	appendTo(t, s, room, v1("b"))
	l := load(t, s, room)
	for _, e := range l.Entries {
		between(t, "At of an entry", e.At, begin, time.Now())
	}
	if l.Entries[0].At.After(l.Entries[1].At) {
		t.Errorf("the first entry was stored at %v, the second at %v", l.Entries[0].At, l.Entries[1].At)
	}
	again := load(t, s, room)
	for i, e := range again.Entries {
		if !e.At.Equal(l.Entries[i].At) {
			t.Errorf("At is %v when loaded again, want %v", e.At, l.Entries[i].At)
		}
	}
	made := time.Now()
	compact(t, s, room, l, given)
	between(t, "At of a snapshot", load(t, s, room).Entries[0].At, made, time.Now())
}

func entryAtCreated(t *testing.T, s store.Store) {
	needsCreate(t, s)
	begin := time.Now()
	given := v1("a")
	given.At = begin.Add(1000 * time.Hour)
	create(t, s, room, given)
	between(t, "At of a created room's entry", load(t, s, room).Entries[0].At, begin, time.Now())
}

func entryBy(t *testing.T, s store.Store) {
	by := []string{"", "ann@example.com", "Zoë 🙂"}
	for _, name := range by {
		e := v1("data")
		e.By = name
		appendTo(t, s, room, e)
	}
	want := map[string]int{"": 1, "ann@example.com": 1, "Zoë 🙂": 1}
	l := load(t, s, room)
	for _, e := range l.Entries {
		want[e.By]--
	}
	for name, n := range want {
		if n != 0 {
			t.Errorf("%d more entries must be by %q", n, name)
		}
	}
	snapshot := v1("snapshot")
	snapshot.By = "ben"
	compact(t, s, room, l, snapshot)
	if got := load(t, s, room).Entries[0].By; got != "ben" {
		t.Errorf("the snapshot is by %q, want ben", got)
	}
}
