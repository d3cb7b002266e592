package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// systemd loads the documented unit, with its secrets, without a warning, and the unit leaves
// the server few rights.
func TestSystemdUnit(t *testing.T) {
	analyze := testkit.Program(t, "systemd-analyze", "apt-get install systemd")
	dir := t.TempDir()
	path := filepath.Join(dir, "yroom.service")
	unit := replace(t, block(t, "ini", "[Unit]"), "/usr/local/bin/yroom", yroom)
	_, secrets, _ := strings.Cut(block(t, "ini", "LoadCredential="), "[Service]\n")
	write(t, path, replace(t, unit, "\nRestart=", "\n"+secrets+"Restart="))
	for _, args := range [][]string{
		{"verify", "--recursive-errors=no", "--man=no", path},
		{"security", "--offline=true", "--threshold=20", "--no-pager", path}, // of 100: 0 is the least exposed
	} {
		if out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
	stop := regexp.MustCompile(`\nTimeoutStopSec=(\d+)\n`).FindStringSubmatch(unit)
	if stop == nil {
		t.Fatal("the unit doesn't say how long a shutdown may take")
	}
	if d, err := time.ParseDuration(stop[1] + "s"); err != nil || d <= 30*time.Second {
		t.Errorf("systemd kills the server after %v (%v), which may shut down for 30s", d, err)
	}
}

// The server makes only system calls that the unit allows it.
func TestSystemCalls(t *testing.T) {
	analyze := testkit.Program(t, "systemd-analyze", "apt-get install systemd")
	strace := testkit.Program(t, "strace", "apt-get install strace")
	allowed := map[string]bool{}
	var set func(group string, to bool)
	set = func(group string, to bool) {
		out, err := exec.CommandContext(t.Context(), analyze, "syscall-filter", "--no-pager", group).Output()
		if err != nil {
			t.Fatalf("%s: %v", group, err)
		}
		for line := range strings.Lines(string(out)) {
			switch name := strings.TrimSpace(line); {
			case !strings.HasPrefix(line, " ") || strings.HasPrefix(name, "#"):
			case strings.HasPrefix(name, "@"):
				set(name, to)
			default:
				allowed[name] = to
			}
		}
	}
	for _, filter := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(@\S+)$`).FindAllStringSubmatch(block(t, "ini", "[Unit]"), -1) {
		set(filter[2], filter[1] == "")
	}

	allowed["restart_syscall"] = true // that of the kernel itself, after a pause
	if os.Getuid() == 0 {
		allowed["fchown"] = true // only as root, SQLite lets its files belong to the owner of the database
	}

	dir := t.TempDir()
	summary := filepath.Join(dir, "summary")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-c", "-o", summary, yroom, "serve", "--listen", "127.0.0.1:0")
	cmd.Dir = dir
	s := testkit.Launch(t, cmd)
	typed := testkit.Update(testkit.Typed(1, 0, "hello"))
	c := wsclient.Connect(t, s.URL("notes"), nil)
	c.MustSend(t, typed)
	c.MustAwait(t, typed)
	server, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(server)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.Ended(t)
	counted, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(counted)) {
		words := strings.Fields(line)
		if len(words) < 5 || !regexp.MustCompile(`^[\d.]+$`).MatchString(words[0]) || words[len(words)-1] == "total" {
			continue
		}
		seen++
		if name := words[len(words)-1]; !allowed[name] {
			t.Errorf("the server calls %s, which the unit forbids", name)
		}
	}
	if seen < 20 {
		t.Errorf("only %d system calls were counted:\n%s", seen, counted)
	}
}
