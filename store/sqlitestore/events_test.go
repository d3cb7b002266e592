package sqlitestore_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

func TestEvents(t *testing.T) {
	type compacted struct {
		Room           string
		Entries, Bytes int
	}
	var commits []sqlitestore.Commit
	var compactions []compacted
	config := at(store.DurabilityCommit)
	config.Events = sqlitestore.Events{
		Committed: func(c sqlitestore.Commit) { commits = append(commits, c) },
		Compacted: func(room string, entries, bytes int) {
			compactions = append(compactions, compacted{room, entries, bytes})
		},
		Failed: func(room string, err error) { t.Errorf("%s has failed: %v", room, err) },
	}
	s := open(t, filepath.Join(t.TempDir(), "rooms.db"), config)
	add(t, s, room, "abc")
	add(t, s, room, "de")
	l, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), room, l, v1("abcde")); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), room, l, v1("late")); !errors.Is(err, store.ErrConflict) { // reports nothing
		t.Errorf("Compact returned the error %v, want ErrConflict", err)
	}
	if err := s.Delete(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	want := []sqlitestore.Commit{
		{Changes: 1, Bytes: 3, Level: store.DurabilityCommit},
		{Changes: 1, Bytes: 2, Level: store.DurabilityCommit},
		{Changes: 1, Bytes: 5, Level: store.DurabilityCommit},
		{Changes: 1, Level: store.DurabilityCommit},
	}
	if diff := cmp.Diff(want, commits, cmpopts.IgnoreFields(sqlitestore.Commit{}, "Took")); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	for _, c := range commits {
		if c.Took <= 0 {
			t.Errorf("a commit took %v", c.Took)
		}
	}
	if diff := cmp.Diff([]compacted{{room, 2, 5}}, compactions); diff != "" {
		t.Errorf("compactions (-want +got):\n%s", diff)
	}
}

func TestFailedEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	failed := make(chan error, 10)
	s := open(t, path, sqlitestore.Config{LockWait: 20 * time.Millisecond, Events: sqlitestore.Events{
		Failed: func(name string, err error) {
			if name != room {
				t.Errorf("room %q has failed", name)
			}
			failed <- err
		},
	}})
	add(t, s, room, "a")
	db := database(t, path)
	db.SetMaxOpenConns(1)
	run(t, db, "BEGIN IMMEDIATE")
	_, err := s.Append(t.Context(), room, v1("b"))
	run(t, db, "COMMIT")
	if got := <-failed; err == nil || !errors.Is(err, got) {
		t.Errorf("Append returned the error %v, Failed was called with %v", err, got)
	}
}
