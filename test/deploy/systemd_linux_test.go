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

const unitFile = "../../deploy/systemd/yroom.service"

func readUnit(t *testing.T) string {
	t.Helper()
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(unit)
}

// systemd loads the unit without a warning, alone and with each documented drop-in, and the
// unit leaves the server few rights.
func TestSystemdUnit(t *testing.T) {
	analyze := testkit.Program(t, "systemd-analyze", "apt-get install systemd")
	for name, dropIn := range map[string]string{
		"alone":   "",
		"secrets": block(t, "ini", "LoadCredential="),
		"worker":  block(t, "ini", "yroom worker"),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "yroom.service")
		write(t, path, replace(t, readUnit(t), "/usr/local/bin/yroom", yroom))
		if err := os.Mkdir(path+".d", 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(path+".d", "local.conf"), strings.ReplaceAll(dropIn, "/usr/local/bin/yroom", yroom))
		for _, args := range [][]string{
			{"verify", "--recursive-errors=no", "--man=no", path},
			{"security", "--offline=true", "--threshold=12", "--no-pager", path}, // of 100: 0 is the least exposed
		} {
			if out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
				t.Errorf("%s: systemd-analyze %s: %v\n%s", name, args[0], err, out)
			}
		}
	}
}

// The command of the unit accepts the settings of the documentation.
func TestSystemdCommand(t *testing.T) {
	start := regexp.MustCompile(`(?m)^ExecStart=(.*) /etc/yroom/yroom.yaml$`).FindStringSubmatch(readUnit(t))
	if start == nil {
		t.Fatal("the unit doesn't start a program with /etc/yroom/yroom.yaml")
	}
	settings := filepath.Join(t.TempDir(), "yroom.yaml")
	write(t, settings, block(t, "yaml", "address_header: "))
	words := append(strings.Fields(start[1]), settings, "--check")
	if out, err := exec.CommandContext(t.Context(), yroom, words[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", words, err, out)
	}
}

// systemd waits longer for the end of the server than the server takes.
func TestSystemdWaits(t *testing.T) {
	stop := regexp.MustCompile(`\nTimeoutStopSec=(\d+)\n`).FindStringSubmatch(readUnit(t))
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
	for _, filter := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.+)$`).FindAllStringSubmatch(readUnit(t), -1) {
		for group := range strings.FieldsSeq(filter[2]) {
			set(group, filter[1] == "")
		}
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
