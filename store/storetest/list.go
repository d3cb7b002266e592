package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
)

// list returns the names that List returns, and fails the test unless they are in order.
func list(t *testing.T, s store.Store, prefix, after string, limit int) (names []string) {
	t.Helper()
	for _, l := range listed(t, s, prefix, after, limit) {
		names = append(names, l.Room)
	}
	if !slices.IsSorted(names) {
		t.Errorf("List(%q, %q, %d) returned %q, which are not in order", prefix, after, limit, names)
	}
	return names
}

func listed(t *testing.T, s store.Store, prefix, after string, limit int) []store.Listed {
	t.Helper()
	all, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	return all
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("List returned %q, want %q", got, want)
	}
}

func listDescribes(t *testing.T, s store.Store) {
	wantNames(t, list(t, s, "", "", 10))
	begin := time.Now()
	appendTo(t, s, room, v1("four"))
	appendTo(t, s, room, v1("seven77"))
	appendTo(t, s, room+"2", v1(""))
	sizes := map[string]int{room: 11, room + "2": 0}
	all := listed(t, s, "", "", 10)
	for _, l := range all {
		if l.Bytes != sizes[l.Room] {
			t.Errorf("%s has %d bytes, want %d", l.Room, l.Bytes, sizes[l.Room])
		}
		between(t, "Stored of "+l.Room, l.Stored, begin, time.Now())
	}
	if len(all) != len(sizes) {
		t.Errorf("List returned %d rooms, want %d", len(all), len(sizes))
	}
	compact(t, s, room, load(t, s, room), v1("nine99999"))
	if got := listed(t, s, room, "", 1); len(got) != 1 || got[0].Bytes != 9 {
		t.Errorf("after a compaction List returned %v, want 9 bytes", got)
	}
}

func listParts(t *testing.T, s store.Store) {
	var all []string
	for i := range 25 {
		name := fmt.Sprintf("%s.%02d", room, i)
		all = append(all, name)
		appendTo(t, s, name, v1("a"))
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		part := list(t, s, "", after, 10)
		got = append(got, part...)
		if len(part) < 10 {
			break
		}
	}
	wantNames(t, got, all...)
	wantNames(t, list(t, s, "", all[3]+"x", 2), all[4], all[5]) // after a name that doesn't exist
	wantNames(t, list(t, s, "", all[24], 10))
}

func listPrefix(t *testing.T, s store.Store) {
	for _, name := range []string{"a", "a.1", "a/", "aé", "a🙂", "a\x00", "a%b", "a_b", "axb", "A.1", "b", "é", "ê"} {
		appendTo(t, s, name, v1("data"))
	}
	for prefix, want := range map[string][]string{
		"a":   {"a", "a\x00", "a%b", "a.1", "a/", "a_b", "axb", "aé", "a🙂"},
		"a.":  {"a.1"},
		"a_":  {"a_b"},
		"a%":  {"a%b"},
		"A":   {"A.1"},
		"é":   {"é"},
		"b.":  nil,
		"a🙂🙂": nil,
	} {
		wantNames(t, list(t, s, prefix, "", 100), want...)
	}
	wantNames(t, list(t, s, "a", "a.1", 2), "a/", "a_b")
	wantNames(t, list(t, s, "b", "a", 10), "b")
	wantNames(t, list(t, s, "a", "b", 10))
}

func listDeleted(t *testing.T, s store.Store) {
	needsBoth(t, s)
	for i := range 3 {
		appendTo(t, s, fmt.Sprint(room, i), v1("a"))
	}
	remove(t, s, room+"1")
	wantNames(t, list(t, s, "", "", 2), room+"0", room+"2")
	create(t, s, room+"1", v1("again"))
	got := listed(t, s, "", "", 3)
	i, found := slices.BinarySearchFunc(got, room+"1", func(l store.Listed, name string) int { return cmp.Compare(l.Room, name) })
	if !found || got[i].Bytes != len("again") {
		t.Errorf("List returned %v, want %s with %d bytes", got, room+"1", len("again"))
	}
}
