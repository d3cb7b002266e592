package main

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// A backup of a server that is running has what was acknowledged before, and works as the
// store of another server.
func TestBackup(t *testing.T) {
	s := start(t)
	c, err := s.dial(t, "notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	text := testkit.Typed(1, 0, "a sentence")
	if err := c.Send(testkit.Update(text)); err != nil {
		t.Fatal(err)
	}
	for { // the update comes back once it is stored
		_, message, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(message, []byte("a sentence")) {
			break
		}
	}
	backup := func(args ...string) (complaint string, err error) {
		command := exec.CommandContext(t.Context(), "yroom", append([]string{"backup"}, args...)...)
		command.Dir = s.Dir
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if complaint, err := backup("copy.db"); err != nil {
		t.Fatalf("%v\n%s", err, complaint)
	}
	path := filepath.Join(s.Dir, "copy.db")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the backup is %v (%v), want the mode 0600", info, err)
	}
	if out, status := room(t, s.Dir, "--store", "sqlite:copy.db", "export", "notes", "--format", "text", "--name", "text"); status != 0 || strings.TrimSpace(out) != "a sentence" {
		t.Errorf("the backup has %q, exit status %d", out, status)
	}

	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a file that exists":   {[]string{"copy.db"}, "exist"},
		"no store":             {[]string{"--store", "sqlite:nothing.db", "new.db"}, "there is no store"},
		"no directory":         {[]string{"nothing/new.db"}, "no such"},
		"postgres":             {[]string{"--store", "postgres://u:secret@127.0.0.1/x", "new.db"}, "pg_dump"},
		"memory":               {[]string{"--store", "memory:", "new.db"}, "only an SQLite file"},
		"not an SQLite file":   {[]string{"--store", "sqlite:yroom.txt", "new.db"}, "not copied"},
		"the file of settings": {[]string{"--config", "nothing.yaml", "new.db"}, "--config"},
	} {
		if err := os.WriteFile(filepath.Join(s.Dir, "yroom.txt"), bytes.Repeat([]byte("text "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		complaint, err := backup(test.args...)
		if err == nil || !strings.Contains(complaint, test.want) || strings.Contains(complaint, "secret") {
			t.Errorf("%s: %v, %s", name, err, complaint)
		}
		if _, err := os.Stat(filepath.Join(s.Dir, "new.db")); err == nil {
			t.Errorf("%s: a file is left", name)
		}
	}
}

// A backup of the database of a Django app is two files, which are the store of another worker.
func TestBackupDjango(t *testing.T) {
	dir := t.TempDir()
	tables, err := os.ReadFile("../../store/djangostore/testdata/sqlite.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "db.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(tables)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.update"), testkit.Typed(1, 0, "a sentence"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out string, err error) {
		command := exec.CommandContext(t.Context(), "yroom", args...)
		command.Dir = dir
		printed, err := command.CombinedOutput()
		return string(printed), err
	}
	backup := []string{"backup", "--store", "sqlite+django:db.sqlite3", "copy.sqlite3"}
	if out, err := run(backup...); err == nil || !strings.Contains(out, "db.sqlite3.yroom") {
		t.Errorf("without the log: %v, %s", err, out)
	}
	if out, err := run("room", "import", "notes", "a.update", "--store", "sqlite+django:db.sqlite3"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "copy.sqlite3.yroom"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(backup...); err == nil || !strings.Contains(out, "exist") {
		t.Errorf("with a file in the way: %v, %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "copy.sqlite3")); err == nil {
		t.Error("one of two files is left")
	}
	if err := os.Remove(filepath.Join(dir, "copy.sqlite3.yroom")); err != nil {
		t.Fatal(err)
	}
	if out, err := run(backup...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Each of both files has the document.
	for _, store := range []string{"sqlite+django:copy.sqlite3", "sqlite:copy.sqlite3.yroom"} {
		if out, err := run("room", "export", "notes", "--format", "text", "--name", "text", "--store", store); err != nil || strings.TrimSpace(out) != "a sentence" {
			t.Errorf("%s: %v, %s", store, err, out)
		}
	}
}
