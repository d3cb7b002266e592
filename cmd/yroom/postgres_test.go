package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom/internal/testkit/postgres"
)

// Servers keep rooms in a database that they share, and show its password nowhere.
func TestServePostgres(t *testing.T) {
	database := postgres.Start(t)
	url := database.URL(database.Create(t))
	dir := t.TempDir()
	file := "store: " + url + "\nrooms:\n  draft: {durability: commit}\n  file: {store: 'sqlite:file.db'}\n"
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	first := startIn(t, dir)
	for _, room := range []string{"note", "draft.1", "file.1"} {
		write(t, first, room)
	}
	if _, page := first.get(t, "/"); !strings.Contains(page, "in a PostgreSQL database") {
		t.Errorf("the page does not tell where documents are:\n%s", page)
	}
	second := startIn(t, t.TempDir(), "--store", url)
	for room, want := range map[string]bool{"note": true, "draft.1": true, "file.1": false} {
		if got := holds(t, second, room); got != want {
			t.Errorf("%s: the second server has it: %v, want %v", room, got, want)
		}
	}
	for _, s := range []*server{first, second} {
		s.Signal(t, syscall.SIGTERM)
		if code := s.Ended(t); code != 0 {
			t.Errorf("exit status %d\n%s", code, &s.Log)
		}
		if log := s.Log.String(); !strings.Contains(log, "postgres://") || strings.Contains(log, postgres.Password) {
			t.Errorf("the log doesn't name the store, or shows its password:\n%s", log)
		}
	}

	// The password may be in the environment, as in compose.yaml.
	bare := strings.Replace(url, ":"+postgres.Password+"@", "@", 1)
	if bare == url {
		t.Fatalf("no password in %s", url)
	}
	for _, place := range []struct{ url, env string }{{url, "PGPASSWORD=wrong"}, {bare, "PGPASSWORD=" + postgres.Password}} {
		list := exec.CommandContext(t.Context(), "yroom", "room", "list", "--store", place.url)
		list.Dir, list.Env = t.TempDir(), append(os.Environ(), place.env)
		out, err := list.CombinedOutput()
		if err != nil || string(out) != "draft.1\nnote\n" {
			t.Errorf("room list with %s printed %q, %v", place.env, out, err)
		}
	}
}
