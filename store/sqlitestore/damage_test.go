package sqlitestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// wantDamage fails the test unless Load returns ErrCorrupt with these words and the
// name of the room.
func wantDamage(t *testing.T, s store.Store, room string, words ...string) {
	t.Helper()
	l, err := s.Load(t.Context(), room)
	if !errors.Is(err, store.ErrCorrupt) || len(l.Entries) != 0 {
		t.Errorf("Load(%q) returned %d entries and the error %v, want ErrCorrupt", room, len(l.Entries), err)
		return
	}
	wantAdvice(t, err, append(words, room)...)
}

func TestDamagedRow(t *testing.T) {
	for _, test := range []struct{ name, query, word string }{
		{"an unknown encoding", "UPDATE updates SET encoding = 'v9' WHERE position = ?", `"v9"`},
		{"another encoding", "UPDATE updates SET encoding = 'v2' WHERE position = ?", "checksum"},
		{"other data", "UPDATE updates SET data = x'00' WHERE position = ?", "checksum"},
		{"no data", "UPDATE updates SET data = x'' WHERE position = ?", "checksum"},
		{"another checksum", "UPDATE updates SET checksum = -1 WHERE position = ?", "checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.db")
			s := open(t, path, sqlitestore.Config{})
			add(t, s, room, "a")
			p := add(t, s, room, "b")
			add(t, s, "other", "c")
			run(t, database(t, path), test.query, int64(p))
			wantDamage(t, s, room, fmt.Sprint("position ", p), test.word)
			wantHeld(t, s, "other", "c")
			add(t, s, room, "d") // appends are still stored, in case the room is repaired
			wantDamage(t, s, room)
		})
	}
}

func TestLostEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, sqlitestore.Config{})
	add(t, s, room, "a")
	run(t, database(t, path), "DELETE FROM updates")
	wantDamage(t, s, room, "no entries")
}

// damagedFile returns a closed file with 200 rooms, whose data takes most of it.
func damagedFile(t *testing.T, damage func(content []byte) []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, at(store.DurabilityCommit))
	for r := range 200 {
		for i := range 3 {
			add(t, s, fmt.Sprint("room ", r), dataOf(r, i))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, damage(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func dataOf(r, i int) string {
	return strings.Repeat(fmt.Sprint("room ", r, " entry ", i, "; "), 1+(r*7+i)%200)
}

// intact loads all rooms of a damaged file and returns how many are unchanged. For all
// others, Load must return an error, never fewer or other entries, and the error must
// name an entry in the damaged part of the file.
func intact(t *testing.T, path string, damaged ...byte) (n int) {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Config{})
	if err != nil {
		wantAdvice(t, err, path)
		return 0
	}
	defer s.Close()
	for r := range 200 {
		name := fmt.Sprint("room ", r)
		l, err := s.Load(t.Context(), name)
		switch {
		case err == nil:
			n++
			if len(l.Entries) != 3 {
				t.Errorf("%s has %d entries and no error", name, len(l.Entries))
			}
			for i, e := range l.Entries {
				if string(e.Data) != dataOf(r, i) {
					t.Errorf("%s holds %.40q", name, e.Data)
				}
			}
		case !errors.Is(err, store.ErrCorrupt):
			t.Errorf("Load(%q) returned the error %v, want ErrCorrupt", name, err)
		case damaged != nil:
			before, said, _ := strings.Cut(err.Error(), "position ")
			var position int
			fmt.Sscan(strings.TrimSuffix(strings.Fields(said + " 0")[0], ":"), &position)
			if strings.HasSuffix(before, "after ") {
				position++
			}
			entry := fmt.Sprintf("room %d entry %d;", r, position-1)
			if !bytes.Contains(damaged, []byte(entry)) {
				t.Errorf("the error %q is not about an entry on the damaged page", err)
			}
		}
	}
	return n
}

func TestFlippedByte(t *testing.T) {
	path := damagedFile(t, func(content []byte) []byte {
		at := bytes.Index(content, []byte("room 77 entry 1;"))
		if at < 0 {
			t.Fatal("the data is not in the file")
		}
		content[at] ^= 1
		return content
	})
	if n := intact(t, path); n != 199 {
		t.Errorf("%d rooms can be loaded, want 199", n)
	}
	wantDamage(t, open(t, path, sqlitestore.Config{}), "room 77", "position 2", "checksum")
}

// Each seed overwrites another page that holds data.
func TestOverwrittenPage(t *testing.T) {
	marker := []byte(" entry ")
	for _, seed := range []uint64{1, 2, 3} {
		random := rand.New(rand.NewPCG(seed, 0))
		var before []byte
		path := damagedFile(t, func(content []byte) []byte {
			for {
				page := content[4096*random.IntN(len(content)/4096):][:4096]
				if bytes.Count(page, marker) < 5 {
					continue
				}
				before = bytes.Clone(page)
				for i := range page {
					page[i] = byte(random.Uint32())
				}
				return content
			}
		})
		if n := intact(t, path, before...); n < 100 || n == 200 {
			t.Errorf("seed %d: %d rooms can be loaded, want most but not all", seed, n)
		}
	}
}

func TestTruncatedFile(t *testing.T) {
	for _, part := range []float64{0.9, 0.5, 0.1, 0.01} {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			path := damagedFile(t, func(content []byte) []byte { return content[:int(part*float64(len(content)))] })
			if n := intact(t, path); n == 200 {
				t.Error("all rooms can be loaded")
			}
		})
	}
}

// A file can be read in the sqlite3 shell.
func TestShell(t *testing.T) {
	testkit.Program(t, "sqlite3", "apt-get install sqlite3")
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path, sqlitestore.Config{})
	add(t, s, "garden", "abc")
	add(t, s, "garden", "de")
	add(t, s, "gone", "x")
	if err := s.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	shell := func(query string) string {
		t.Helper()
		out, err := exec.Command("sqlite3", path, query).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	want := "garden|2|5|1|1|0\ngone|0|0|1||1"
	if got := shell("SELECT name, entries, bytes, created_at > '2020-01-01 00:00:00', changed_at >= created_at, " +
		"deleted_at IS NOT NULL FROM room_sizes"); got != want {
		t.Errorf("the view shows %q, want %q", got, want)
	}
	if got := shell("PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity_check: %s", got)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	shell(".backup " + backup)
	wantHeld(t, open(t, backup, sqlitestore.Config{}), "garden", "abc", "de")
}
