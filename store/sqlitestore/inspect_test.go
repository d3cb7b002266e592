package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// inspected returns the entries of a room as an inspection finds them: their positions, with
// an s for snapshots.
func inspected(t *testing.T, path, room string) (found []string) {
	t.Helper()
	i, err := sqlitestore.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	id, err := i.Find(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	r, err := i.Read(t.Context(), id, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Entries {
		kind := ""
		if e.Snapshot {
			kind = "s"
		}
		found = append(found, fmt.Sprint(e.Position, kind))
	}
	return found
}

// Large updates are in the table of snapshots, and are none.
func TestInspectionTellsSnapshotsFromLargeUpdates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, at(store.DurabilityCommit))
	large := strings.Repeat("x", 10_000)
	for _, data := range []string{large, "a", large} {
		add(t, s, room, data)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, inspected(t, path, room)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	log, err := s.Load(t.Context(), room)
	if err == nil {
		err = s.Compact(t.Context(), room, log, v1("a"))
	}
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, room, large)
	add(t, s, room, "b")
	if diff := cmp.Diff([]string{"3s", "4", "5"}, inspected(t, path, room)); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// What was in a file before the store told the two apart may be either.
func TestInspectionOfMigratedFiles(t *testing.T) {
	versions(t, 3, func(t *testing.T, version int) {
		t.Helper()
		path := older(t, version)
		add(t, open(t, path, sqlitestore.Config{}), "first", strings.Repeat("x", 10_000))
		if diff := cmp.Diff([]string{"1s", "4s", "1000003s", "1000004"}, inspected(t, path, "first")); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}
