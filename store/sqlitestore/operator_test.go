package sqlitestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

const room = "a room"

func v1(data string) store.Entry { return store.Entry{Encoding: store.V1, Data: []byte(data)} }

func add(t testing.TB, s store.Store, room, data string) store.Position {
	t.Helper()
	p, err := s.Append(t.Context(), room, v1(data))
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return p
}

// held returns the concatenated data of a room's entries, in order of position.
func held(t testing.TB, s store.Store, room string) (all []string) {
	t.Helper()
	l, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	for _, e := range l.Entries {
		all = append(all, string(e.Data))
	}
	return all
}

func wantHeld(t testing.TB, s store.Store, room string, want ...string) {
	t.Helper()
	if got := held(t, s, room); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("room %q holds %.200q, want %.200q", room, got, want)
	}
}

// wantAdvice fails the test unless the error contains all of the words.
func wantAdvice(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error, want one with %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error %q doesn't contain %q", err, word)
		}
	}
}

// database opens the file as the sqlite3 shell does.
func database(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, bytes.Repeat([]byte("This is no database.\n"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	run(t, database(t, foreign), "CREATE TABLE bookmarks (url TEXT)")
	newer := filepath.Join(dir, "newer.db")
	open(t, newer, sqlitestore.Config{}).Close()
	run(t, database(t, newer), "PRAGMA user_version = 99")

	for _, test := range []struct {
		name, path string
		advice     []string
	}{
		{"no name", "", []string{"the path is empty", "yroom.db"}},
		{"a directory", dir, []string{dir, "is a directory", "name a file in it"}},
		{"a missing directory", filepath.Join(dir, "missing", "rooms.db"), []string{filepath.Join(dir, "missing"), "create it"}},
		{"a file for a directory", filepath.Join(text, "rooms.db"), []string{text, "is not a directory"}},
		{"another kind of file", text, []string{text, "not an SQLite database", "name another file"}},
		{"another program's database", foreign, []string{foreign, "another program", "name another file"}},
		{"a newer schema", newer, []string{newer, "version 99", "versions up to 6", "run a newer yroom"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, _ := os.ReadFile(test.path)
			s, err := sqlitestore.Open(test.path, sqlitestore.Config{})
			if err == nil {
				s.Close()
			}
			wantAdvice(t, err, append(test.advice, "sqlitestore: ")...)
			if after, _ := os.ReadFile(test.path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
		})
	}
}

func TestOpenTakesAnyName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b.db", "50%.db", "what?.db", "a#b.db", "file:x.db", ":memory:", "ä&b=c;.db", "x?mode=memory"} {
		path := filepath.Join(dir, name)
		s := open(t, path, sqlitestore.Config{})
		add(t, s, room, name)
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		wantHeld(t, open(t, path, sqlitestore.Config{}), room, name)
	}
}

func TestOpenByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	var opening sync.WaitGroup
	for i := range 8 {
		opening.Go(func() {
			s, err := sqlitestore.Open(path, sqlitestore.Config{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Append(t.Context(), room, v1(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	if got := held(t, open(t, path, sqlitestore.Config{}), room); len(got) != 8 {
		t.Errorf("the room holds %q, want 8 entries", got)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := testkit.SmallDisk(t, "4m")
	path := filepath.Join(dir, "rooms.db")
	s := open(t, path, sqlitestore.Config{})
	add(t, s, room, "a")
	s.Close()
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v: %s", err, out)
	}
	for _, path := range []string{path, filepath.Join(dir, "new.db")} {
		s, err := sqlitestore.Open(path, sqlitestore.Config{})
		if err == nil {
			s.Close()
		}
		wantAdvice(t, err, path, "let the user that yroom runs as write", dir)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	if os.Getuid() == 0 {
		runUnprivileged(t)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "rooms.db")
	s := open(t, path, sqlitestore.Config{})
	add(t, s, room, "a")
	s.Close()
	for _, test := range []struct {
		name      string
		file, dir os.FileMode
		path      string
	}{
		{"the file", 0o400, 0o700, path},
		{"the directory of a file", 0o600, 0o500, path},
		{"the directory of no file", 0o600, 0o500, filepath.Join(dir, "new.db")},
	} {
		t.Run(test.name, func(t *testing.T) {
			os.Chmod(path, test.file)
			os.Chmod(dir, test.dir)
			t.Cleanup(func() { os.Chmod(dir, 0o700) })
			s, err := sqlitestore.Open(test.path, sqlitestore.Config{})
			if err == nil {
				s.Close()
			}
			wantAdvice(t, err, test.path, "let the user that yroom runs as write", dir)
		})
	}
}

func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, sqlitestore.Config{LockWait: 50 * time.Millisecond})
	add(t, s, room, "a")
	db := database(t, path)
	db.SetMaxOpenConns(1)
	run(t, db, "BEGIN IMMEDIATE")

	_, err := s.Append(t.Context(), room, v1("b"))
	wantAdvice(t, err, path, "another process has kept it locked", "50ms", "end that process's transaction")
	wantHeld(t, s, room, "a") // reads don't wait
	if other, err := sqlitestore.Open(path, sqlitestore.Config{LockWait: 50 * time.Millisecond, Shared: true}); err == nil {
		// A file that needs no migration can be opened; only writes wait for the lock.
		_, err = other.Append(t.Context(), room, v1("b"))
		wantAdvice(t, err, "another process has kept it locked")
		other.Close()
	} else {
		wantAdvice(t, err, "another process has kept it locked")
	}

	run(t, db, "COMMIT")
	add(t, s, room, "d")
	if got := held(t, s, room); got[len(got)-1] != "d" {
		t.Errorf("the room holds %q", got)
	}

	patient := open(t, path, sqlitestore.Config{LockWait: time.Hour, Shared: true})
	run(t, db, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := patient.Append(ctx, room, v1("c")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append returned the error %v, want context.DeadlineExceeded", err)
	}
	run(t, db, "COMMIT")
}

func TestFullDisk(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		t.Run(level.String(), func(t *testing.T) {
			dir := testkit.SmallDisk(t, "1m")
			path, ballast := filepath.Join(dir, "rooms.db"), filepath.Join(dir, "ballast")
			s := open(t, path, at(level))
			var want []string
			for round := range 3 {
				for i := range 5 {
					want = append(want, fmt.Sprint(round, i))
					add(t, s, room, want[len(want)-1])
				}
				testkit.FillDisk(t, ballast)
				var full error
				for i := 0; full == nil; i++ {
					data := fmt.Sprint(round, "under load ", i, strings.Repeat(".", 1000))
					if _, full = s.Append(t.Context(), room, v1(data)); full == nil {
						want = append(want, data)
					}
				}
				wantAdvice(t, full, path, "full", "continues by itself")
				for range 3 { // the disk is still full, and nothing is damaged
					if _, err := s.Append(t.Context(), room, v1(strings.Repeat("!", 10_000))); err == nil {
						t.Error("an append to a full disk returned no error")
					}
				}
				if err := s.Compact(t.Context(), room, store.Log{}, v1(strings.Repeat("!", 10_000))); err == nil {
					t.Error("a compaction on a full disk returned no error")
				}
				wantHeld(t, s, room, want...)
				os.Remove(ballast)
			}
			add(t, s, room, "last")
			want = append(want, "last")
			wantHeld(t, s, room, want...)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			wantHeld(t, open(t, path, at(level)), room, want...)
		})
	}
}

// An entry that doesn't fit onto the disk makes only its own append fail, not the
// others of its batch.
func TestFullDiskSparesOthers(t *testing.T) {
	dir := testkit.SmallDisk(t, "1m")
	s := open(t, filepath.Join(dir, "rooms.db"), at(store.DurabilityCommit))
	ballast := filepath.Join(dir, "ballast") // disk space that Close needs
	if err := os.WriteFile(ballast, make([]byte, 200_000), 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, s, room, "a")
	large := strings.Repeat("x", 2<<20)
	var small, adding sync.WaitGroup
	for i := range 20 {
		adding.Go(func() {
			if _, err := s.Append(t.Context(), room, v1(large)); err == nil {
				t.Error("2 MiB were stored on a disk of 1 MiB")
			}
		})
		small.Go(func() {
			if _, err := s.Append(t.Context(), fmt.Sprint("room ", i), v1("small")); err != nil {
				t.Errorf("a small append returned the error %v", err)
			}
		})
	}
	small.Wait()
	adding.Wait()
	for i := range 20 {
		wantHeld(t, s, fmt.Sprint("room ", i), "small")
	}
	wantHeld(t, s, room, "a")
	os.Remove(ballast)
	if stray, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(stray) != 3 {
		t.Errorf("the directory holds %q, want the file with its -wal and -shm: %v", stray, err)
	}
}

func TestFullDiskWithoutWaiting(t *testing.T) {
	dir := testkit.SmallDisk(t, "1m")
	path, ballast := filepath.Join(dir, "rooms.db"), filepath.Join(dir, "ballast")
	s := open(t, path, at(store.DurabilityNone))
	add(t, s, room, "a")
	testkit.FillDisk(t, ballast)
	if _, err := s.Append(t.Context(), room, v1(strings.Repeat("x", 500_000))); err != nil {
		t.Errorf("an append at DurabilityNone returned the error %v", err)
	}
	wantHeld(t, s, room, "a") // this waits until the queued append has failed
	os.Remove(ballast)
	_, err := s.Append(t.Context(), room, v1("b"))
	wantAdvice(t, err, "earlier update of the room was lost", "full")
	add(t, s, room, "c")
	wantHeld(t, s, room, "a", "c")

	ends, err := sqlitestore.Open(path, at(store.DurabilityNone))
	if err != nil {
		t.Fatal(err)
	}
	add(t, ends, room, "d")
	testkit.FillDisk(t, ballast)
	if _, err := ends.Append(t.Context(), room, v1(strings.Repeat("x", 500_000))); err != nil {
		t.Errorf("an append at DurabilityNone returned the error %v", err)
	}
	wantHeld(t, ends, room, "a", "c", "d")
	os.Remove(ballast)
	wantAdvice(t, ends.Close(), "was lost", room, "full")
}
