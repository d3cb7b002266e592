package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// older creates a file with an older version of the schema, in which the rooms first and
// second have entries, and the room deleted was deleted.
func older(t *testing.T, version int) (path string) {
	t.Helper()
	schema, err := os.ReadFile(fmt.Sprintf("testdata/version%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "rooms.db")
	db := database(t, path)
	defer db.Close()
	run(t, db, "PRAGMA journal_mode = WAL")
	run(t, db, string(schema))
	for _, row := range []struct {
		position, room int
		encoding, data string
	}{
		{1, 1, "v1", "a"}, {2, 2, "v2", "snapshot"}, {4, 1, "v2", "b"}, {1_000_003, 1, "v1", "c"},
	} {
		sum := crc32.Checksum([]byte(row.encoding+row.data), crc32.MakeTable(crc32.Castagnoli))
		if version == 1 {
			run(t, db, "INSERT INTO entries VALUES (?, ?, ?, ?, ?, '2024-05-06 07:08:09.123')",
				row.position, row.room, row.encoding, []byte(row.data), int64(sum))
			continue
		}
		table := "entries"
		if version >= 3 {
			table = "snapshots"
		}
		run(t, db, "INSERT INTO "+table+" (room_id, position, encoding, data, checksum, stored_at, written_by) "+
			"VALUES (?, ?, ?, ?, ?, '2024-05-06 07:08:09.123', '')",
			row.room, row.position, row.encoding, []byte(row.data), int64(sum))
	}
	return path
}

// versions runs a test for the older versions of the schema up to one of them. In version 1,
// positions were unique in the file but not consecutive in a room. In version 2, all entries
// were in one table. In version 3, large updates could not be told from snapshots. In version 4,
// there were no notices. In version 5, notices had no data.
func versions(t *testing.T, newest int, test func(t *testing.T, version int)) {
	t.Helper()
	for version := 1; version <= newest; version++ {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) { test(t, version) })
	}
}

func TestMigration(t *testing.T) { versions(t, 5, testMigration) }

func testMigration(t *testing.T, version int) {
	t.Helper()
	path := older(t, version)
	for range 2 { // first migrated, then opened without a migration
		s := open(t, path, sqlitestore.Config{})
		l, err := s.Load(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct {
			position store.Position
			encoding store.Encoding
			data     string
		}{{1, store.V1, "a"}, {4, store.V2, "b"}, {1_000_003, store.V1, "c"}} {
			e := l.Entries[i]
			if l.Positions[i] != want.position || e.Encoding != want.encoding || string(e.Data) != want.data || e.By != "" {
				t.Errorf("entry %d is %+v at position %d, want %+v", i, e, l.Positions[i], want)
			}
			if got := e.At.Format("2006-01-02T15:04:05.000Z07:00"); got != "2024-05-06T07:08:09.123Z" {
				t.Errorf("entry %d was stored at %s", i, got)
			}
		}
		wantHeld(t, s, "second", "snapshot")
		if _, err := s.Load(t.Context(), "deleted"); !errors.Is(err, store.ErrDeleted) {
			t.Errorf("Load returned the error %v, want ErrDeleted", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, path, sqlitestore.Config{Webhooks: func(string, store.NoticeKind) []string { return []string{"hook"} }})
	if p := add(t, s, "first", "d"); p != 1_000_004 {
		t.Errorf("Append returned position %d, want the one after the newest entry", p)
	}
	if p := add(t, s, "second", "x"); p != 3 {
		t.Errorf("Append returned position %d, want the one after the newest entry", p)
	}
	if taken, err := s.TakeNotices(t.Context(), store.Taking{Webhook: "hook", Limit: 9, Lease: time.Hour}); err != nil || len(taken) != 2 {
		t.Errorf("TakeNotices returned %+v and the error %v, want one notice of each room that was changed", taken, err)
	}
	p, err := s.Create(t.Context(), "deleted", v1("again"))
	if err != nil || p != 2_000_001 {
		t.Errorf("Create returned position %d and the error %v, want one that was never taken", p, err)
	}
	if p := add(t, s, "new", "x"); p != 1 {
		t.Errorf("Append to a new room returned position %d, want 1", p)
	}
	l, err := s.Load(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), "first", l, v1("abcd")); err != nil {
		t.Error(err)
	}
	wantHeld(t, s, "first", "abcd")
	add(t, s, "first", "e")
	after, err := s.LoadAfter(t.Context(), "first", l.Positions[1])
	if err != nil || len(after.Entries) != 2 || string(after.Entries[0].Data) != "abcd" {
		t.Errorf("LoadAfter returned %+v and the error %v, want the snapshot and the entry after it", after, err)
	}
	listed, err := s.List(t.Context(), "", "", 10)
	if err != nil || len(listed) != 4 || listed[1].Room != "first" || listed[1].Bytes != 5 {
		t.Errorf("List returned %+v and the error %v", listed, err)
	}
	if err := s.Delete(t.Context(), "first"); err != nil {
		t.Error(err)
	}
	if _, err := s.Create(t.Context(), "first", v1("new")); err != nil {
		t.Error(err)
	}
	wantHeld(t, s, "first", "new")
}

// A process of an older version that still has the file open can't write to it with
// statements that don't know the new columns. One of version 3 can: what it writes is marked as
// what was there before the migration.
func TestMigrationStopsOlderWriters(t *testing.T) {
	versions(t, 2, func(t *testing.T, version int) {
		t.Helper()
		path := older(t, version)
		db := database(t, path)
		query := "INSERT INTO entries (position, room_id, encoding, data, checksum, stored_at) VALUES (77, ?, 'v1', x'00', 0, '')"
		if version == 2 {
			query = "INSERT INTO entries (room_id, position, encoding, data, checksum, stored_at, written_by) VALUES (?, 77, 'v1', x'00', 0, '', '')"
		}
		insert, err := db.PrepareContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer insert.Close()
		s := open(t, path, sqlitestore.Config{})
		if _, err := insert.ExecContext(t.Context(), 1); err == nil {
			t.Error("the insert of an older version returned no error")
		}
		wantHeld(t, s, "first", "a", "b", "c")
	})
}

func TestMigrationByManyAtOnce(t *testing.T) { versions(t, 5, testMigrationByManyAtOnce) }

func testMigrationByManyAtOnce(t *testing.T, version int) {
	t.Helper()
	path := older(t, version)
	var opening sync.WaitGroup
	for range 8 {
		opening.Go(func() {
			s, err := sqlitestore.Open(path, sqlitestore.Config{Shared: true})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Append(context.Background(), "second", v1("x")); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	wantHeld(t, open(t, path, sqlitestore.Config{}), "second", "snapshot", "x", "x", "x", "x", "x", "x", "x", "x")
}
