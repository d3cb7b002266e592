package main

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

// documented returns the one shell block of a page in which a line begins with a text.
func documented(t *testing.T, page, text string) markdown.Block {
	t.Helper()
	blocks, err := markdown.Blocks(os.DirFS("../.."), "sh")
	if err != nil {
		t.Fatal(err)
	}
	var found []markdown.Block
	for _, b := range blocks {
		if b.File == page && strings.Contains("\n"+b.Text, "\n"+text) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s have a line with %q, want one", len(found), page, text)
	}
	return found[0]
}

// asked runs yroom room on a server, which must succeed.
func asked(t *testing.T, s *server, args ...string) (stdout string) {
	t.Helper()
	stdout, status := room(t, s.Dir, append(args, "--server", "http://"+s.Host, "--token-file", "yroom.token")...)
	if status != 0 {
		t.Fatalf("yroom room %q: exit status %d", args, status)
	}
	return stdout
}

// addText types a text at the end of what client 1 has typed in a room.
func addText(t *testing.T, s *server, room string, clock int, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, "add.update"), testkit.Typed(1, uint64(clock), text), 0o600); err != nil {
		t.Fatal(err)
	}
	asked(t, s, "import", room, "add.update")
}

// wantText fails the test unless the rooms of a server are exactly these, with these
// texts.
func wantText(t *testing.T, s *server, want map[string]string) {
	t.Helper()
	names := strings.Fields(asked(t, s, "list"))
	if len(names) != len(want) {
		t.Errorf("the rooms are %q, want %d", names, len(want))
	}
	for name, text := range want {
		if got := asked(t, s, "export", name, "--format", "text", "--name", "text"); got != text {
			t.Errorf("%s has the text %q, want %q", name, got, text)
		}
	}
}

// startWithToken starts a server in dir, with the token that asked sends.
func startWithToken(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "yroom.token"), []byte(theToken), 0o600); err != nil {
		t.Fatal(err)
	}
	return startIn(t, dir, append(args, "--api-token-file", "yroom.token")...)
}

// A backup that is made while a server runs, and is restored as documented, has every room
// as it was at that moment.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	s := startWithToken(t, dir)
	change := changeAfterBackup(t, s)
	back := documented(t, "docs/durability.md", "yroom backup backup.db\n")
	runShell(t, back, dir, back.Text, nil)
	change()
	s.Kill() // which leaves yroom.db-wal
	restore := documented(t, "docs/durability.md", "mv yroom.db*")
	runShell(t, restore, dir, restore.Text, nil)
	wantText(t, startWithToken(t, dir), map[string]string{"notes": "before", "gone": "before"})
	wantText(t, startWithToken(t, filepath.Join(dir, "replaced")), map[string]string{"notes": "before after", "new": "after"})
}

// changeAfterBackup writes two rooms. The function that it returns changes one of them,
// deletes the other and writes a third one.
func changeAfterBackup(t *testing.T, s *server) (change func()) {
	t.Helper()
	addText(t, s, "notes", 0, "before")
	addText(t, s, "gone", 0, "before")
	return func() {
		t.Helper()
		addText(t, s, "notes", len("before"), " after")
		addText(t, s, "new", 0, "after")
		asked(t, s, "delete", "gone")
	}
}

// TestRestorePostgres is TestRestore for a database, whose user is not a superuser.
func TestRestorePostgres(t *testing.T) {
	testkit.Program(t, "pg_dump", "apt-get install postgresql")
	testkit.Program(t, "psql", "apt-get install postgresql")
	database := postgres.Start(t)
	database.Exec(t, "CREATE USER app PASSWORD 'secret'")
	database.Exec(t, "CREATE DATABASE yroom OWNER app")
	at, err := url.Parse(database.URL("yroom"))
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("app", "secret")
	inDatabase := func(b markdown.Block, dir string) {
		t.Helper()
		text := strings.ReplaceAll(b.Text, "postgres://yroom@db.example.com/yroom", "'"+at.String()+"'")
		if text == b.Text {
			t.Fatalf("%s names no database", b)
		}
		runShell(t, b, dir, text, nil)
	}

	dir := t.TempDir()
	s := startWithToken(t, dir, "--store", at.String())
	change := changeAfterBackup(t, s)
	inDatabase(documented(t, "docs/durability.md", "pg_dump "), dir)
	change()
	s.Stop(t)
	inDatabase(documented(t, "docs/durability.md", "pg_restore "), dir)
	s = startWithToken(t, dir, "--store", at.String())
	wantText(t, s, map[string]string{"notes": "before", "gone": "before"})
	addText(t, s, "notes", len("before"), " again")
	wantText(t, s, map[string]string{"notes": "before again", "gone": "before"})
}

// Both documented ways back to a former version work. This build stands for both versions:
// the test marks the file as one that a newer version has migrated.
func TestGoBack(t *testing.T) {
	dir := t.TempDir()
	former := startWithToken(t, dir)
	change := changeAfterBackup(t, former)
	upgrade := documented(t, "docs/versions.md", "yroom backup before.db")
	runShell(t, upgrade, dir, upgrade.Text, nil)
	change()
	former.Stop(t)

	export := documented(t, "docs/versions.md", "yroom room export --all after")
	first, rest, _ := strings.Cut(export.Text, "\n")
	runShell(t, export, dir, first, nil)
	db, err := sql.Open("sqlite", filepath.Join(dir, "yroom.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	serve := exec.CommandContext(ctx, "yroom", "serve", "--listen", "127.0.0.1:0")
	serve.Dir = dir
	said, err := serve.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "its schema has version 99, and this build of yroom knows versions up to") {
		t.Errorf("the former version has started, or says: %v\n%s", err, said)
	}

	runShell(t, export, dir, rest, nil)
	former = startWithToken(t, dir)
	load := documented(t, "docs/versions.md", "yroom room import --all after")
	runShell(t, load, dir, strings.ReplaceAll(load.Text, "127.0.0.1:8000", former.Host), nil)
	wantText(t, former, map[string]string{"notes": "before after", "new": "after"})
	former.Stop(t)

	// The other way.
	if err := os.RemoveAll(filepath.Join(dir, "replaced")); err != nil {
		t.Fatal(err)
	}
	restore := documented(t, "docs/durability.md", "mv yroom.db*")
	runShell(t, restore, dir, strings.ReplaceAll(restore.Text, "backup.db", "before.db"), nil)
	wantText(t, startWithToken(t, dir), map[string]string{"notes": "before", "gone": "before"})
}
