package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// writeHocuspocus writes the documents a, b/ü and one whose name a room can't have, as
// Hocuspocus stores them: as a database, and as a folder with a copy of its S3 objects.
func writeHocuspocus(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "db.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.Exec(`CREATE TABLE documents (name varchar(255) NOT NULL, data blob NOT NULL, UNIQUE(name))`); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b/ü", "\u202eevil"} {
		data := testkit.Typed(uint64(i+1), 0, "text of "+name)
		if _, err := db.Exec(`INSERT INTO documents (name, data) VALUES (?, ?)`, name, data); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "objects", filepath.FromSlash(name)+".bin")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "objects", "notes.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImportHocuspocus(t *testing.T) {
	for _, from := range []string{"db.sqlite", "objects"} {
		t.Run(from, func(t *testing.T) {
			dir := inDir(t, "yroom.token", "0123456789abcdef")
			writeHocuspocus(t, dir)
			s := startIn(t, dir, "--api-token-file", "yroom.token")
			server := []string{"--server", "http://" + s.Host, "--token-file", "yroom.token"}
			out, status := room(t, dir, append(server, "import", "--new", "--hocuspocus", from)...)
			if out != "a\nb/ü\n" || status != 1 {
				t.Errorf("imported %q with the exit status %d", out, status)
			}
			for name, want := range map[string]string{"a": "text of a", "b/ü": "text of b/ü"} {
				if got, _ := room(t, dir, append(server, "export", name, "--format", "text", "--name", "text")...); strings.TrimSpace(got) != want {
					t.Errorf("room %s: %q, want %q", name, got, want)
				}
			}
			if out, status := room(t, dir, append(server, "import", "--new", "--hocuspocus", from)...); out != "" || status != 1 { // for the name that no room can have
				t.Errorf("a second time: imported %q with the exit status %d", out, status)
			}
			if out, status := room(t, dir, append(server, "import", "--hocuspocus", from)...); out != "a\nb/ü\n" || status != 1 {
				t.Errorf("merged %q with the exit status %d", out, status)
			}
			for _, bad := range []string{"nothing", "yroom.token", "empty"} {
				if out, status := room(t, dir, append(server, "import", "--hocuspocus", bad)...); out != "" || status != 1 {
					t.Errorf("%s: imported %q with the exit status %d", bad, out, status)
				}
			}
		})
	}
}
