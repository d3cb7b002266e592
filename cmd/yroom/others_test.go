package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// Two servers that have one SQLite file open say so, and commands that only read or copy
// rooms don't.
func TestTwoServersOnOneFile(t *testing.T) {
	dir := t.TempDir()
	first := startIn(t, dir)
	second := startIn(t, dir)
	for command, want := range map[string]string{"room list --store sqlite:yroom.db": "", "backup copy.db": "sqlite:yroom.db was copied to copy.db.\n"} {
		cmd := exec.CommandContext(t.Context(), "yroom", strings.Fields(command)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("yroom %s: %v\n%s", command, err, out)
		}
	}
	second.Stop(t)
	first.Stop(t)
	_, warning, _ := strings.Cut(documentedLine(t, "SQLite file open"), "msg=")
	warning, _, _ = strings.Cut(warning, " file=")
	for _, s := range []struct{ server, other *server }{{first, second}, {second, first}} {
		log := s.server.Log.String()
		if strings.Count(log, warning) != 1 || !strings.Contains(log, fmt.Sprintf("process %d on ", s.other.Process.Pid)) {
			t.Errorf("the log doesn't name process %d once:\n%s", s.other.Process.Pid, log)
		}
	}

	// A server that was killed is not logged.
	killed := startIn(t, dir)
	killed.Kill()
	next := startIn(t, dir)
	next.Stop(t)
	if log := next.Log.String(); strings.Contains(log, warning) {
		t.Errorf("a server that is alone warns:\n%s", log)
	}
}
