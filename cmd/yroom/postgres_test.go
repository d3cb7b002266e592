package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
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

// A document in a PostgreSQL database is set back to what it was before an entry of its
// log, on a server with a client in the room, and on the database.
func TestRoomCutPostgres(t *testing.T) {
	database := postgres.Start(t)
	url := database.URL(database.Create(t))
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir, "--store", url, "--api-token-file", "yroom.token")
	server := []string{"--server", "http://" + s.Host, "--token-file", "yroom.token"}
	stored := []string{"--store", url}
	run := func(place []string, args string) string {
		t.Helper()
		out, status := room(t, dir, append(strings.Fields(args), place...)...)
		if status != 0 {
			t.Fatalf("%s: exit status %d", args, status)
		}
		return out
	}
	holds := func(place []string, want string) {
		t.Helper()
		if got := run(place, "export cut --format text --name text"); got != want {
			t.Errorf("the document is %q, want %q", got, want)
		}
	}
	add := func(place []string, client, clock uint64, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "add.update"), testkit.Typed(client, clock, text), 0o600); err != nil {
			t.Fatal(err)
		}
		run(place, "import cut add.update")
	}
	// logged checks which entries the log has, and returns the position of the last.
	logged := func(place []string, want ...string) (last string) {
		t.Helper()
		var got []string
		for entry := range strings.Lines(run(place, "log cut")) {
			columns := strings.Split(strings.TrimSuffix(entry, "\n"), "\t")
			last, got = columns[0], append(got, columns[3])
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log has %q, want %q", got, want)
		}
		return last
	}
	client, err := s.dial(t, "cut", nil)
	if err != nil {
		t.Fatal(err)
	}
	add(server, 1, 0, "one ")
	add(server, 1, 4, "two ")
	add(server, 1, 8, "nonsense ")
	run(server, "cut cut "+logged(server, "1:0-4", "1:4-8", "1:8-17"))
	if code, _, err := client.AwaitClose(); code != 4409 {
		t.Errorf("closed with %d (%v), want 4409", code, err)
	}
	testkit.Eventually(t, "the room is open again", func() string {
		if _, status := room(t, dir, append([]string{"export", "cut"}, server...)...); status != 0 {
			return "it is closed"
		}
		return ""
	})
	holds(server, "one two ")
	logged(server, "1:0-8")
	add(server, 1, 8, "three ")
	add(server, 1, 14, "more nonsense")
	last := logged(server, "1:0-8", "1:8-14", "1:14-27")
	if _, status := room(t, dir, append([]string{"cut", "cut", "1"}, server...)...); status != 1 {
		t.Errorf("a cut within the snapshot: exit status %d, want 1", status)
	}
	s.Kill() // a server that is stopped compacts the log
	run(stored, "cut cut "+last)
	holds(stored, "one two three ")
	add(stored, 1, 14, "four")
	holds(stored, "one two three four")
}
