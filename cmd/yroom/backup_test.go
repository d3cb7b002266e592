package main

import (
	"bytes"
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
