package sqlitestore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/store"
)

// TestLargeUpdatesAreApart checks that no entry of the table updates takes more than a page,
// because SQLite would read all of it for other entries.
func TestLargeUpdatesAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, at(store.DurabilityCommit))
	large := strings.Repeat("x", 1<<20)
	for _, data := range []string{"a", large, "b", large[:900], "c"} {
		add(t, s, room, data)
	}
	wantHeld(t, s, room, "a", large, "b", large[:900], "c")
	var small, most int
	err := database(t, path).QueryRowContext(t.Context(), "SELECT count(*), max(length(data)) FROM updates").Scan(&small, &most)
	if err != nil || small != 3 || most != 1 {
		t.Errorf("the table has %d updates of %d bytes at most (%v), want 3 of 1", small, most, err)
	}
}
