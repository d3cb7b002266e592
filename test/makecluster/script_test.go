// Package makecluster tests the cluster that make cluster runs: scripts/cluster with its
// processes.
package makecluster

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// scripted is a cluster of scripts/cluster.
type scripted struct {
	*exec.Cmd

	proxy     string // its address with the port
	consumers []string
	token     string
	ended     chan error
}

// start runs scripts/cluster, with its folder below dir.
func start(t *testing.T, dir string) *scripted {
	t.Helper()
	s := &scripted{Cmd: exec.Command("../../scripts/cluster", testkit.Build(t)), ended: make(chan error, 1)}
	s.Env = append(os.Environ(), "TMPDIR="+dir)
	var complaint strings.Builder
	s.Stderr = &complaint
	stdout, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	first, firstErr := lines.ReadString('\n')
	second, secondErr := lines.ReadString('\n')
	go func() {
		s.ended <- s.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.Process.Signal(syscall.SIGTERM) // it may have ended
		<-s.ended
	})
	addresses := regexp.MustCompile(`http://([^/ ]+)/`)
	proxy, consumers := addresses.FindStringSubmatch(first), addresses.FindAllStringSubmatch(second, -1)
	folder := regexp.MustCompile(`\S+/token`).FindString(second)
	if why := first + complaint.String(); strings.Contains(why, "is not installed") {
		testkit.Missingf(t, "scripts/cluster: %s", why)
	}
	if firstErr != nil || secondErr != nil || proxy == nil || len(consumers) != 2 {
		t.Fatalf("scripts/cluster has printed %q %q (%v, %v)\n%s", first, second, firstErr, secondErr, <-s.ended)
	}
	token, err := os.ReadFile(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.proxy, s.consumers, s.token = proxy[1], []string{consumers[0][1], consumers[1][1]}, string(token)
	return s
}

// get requests an address with the token.
func (s *scripted) get(t *testing.T, host, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s%s: %s %s (%v)", host, path, resp.Status, body, err)
	}
	return string(body)
}

// The script starts a cluster in which clients of both consumers edit together, and
// leaves nothing when it ends.
func TestScript(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs")
	dir, err := os.MkdirTemp("", "yroom-makecluster") //nolint:usetesting // another user may not enter the parent of a t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)

	var got struct {
		Consumers []string
		Text      string
	}
	said := testkit.RunNode(t, time.Minute, nil, "cross.mjs", "ws://"+s.proxy, "notes")
	if err := json.Unmarshal(said, &got); err != nil || !slices.Equal(got.Consumers, []string{"consumer-1", "consumer-2"}) {
		t.Fatalf("the clients say %s (%v)", said, err)
	}
	for _, host := range append(s.consumers, s.proxy) {
		if text := s.get(t, host, "/api/rooms/notes?format=text&name=text"); text != got.Text {
			t.Errorf("%s: the document is %q, want %q", host, text, got.Text)
		}
		if rooms := s.get(t, host, "/rooms.json"); !regexp.MustCompile(`"name":"notes",.*"worker":"worker-[12]"`).MatchString(rooms) {
			t.Errorf("%s: the rooms are %s", host, rooms)
		}
		if served := s.get(t, host, "/served.json?room=notes"); !regexp.MustCompile(`"consumer":"consumer-[12]","worker":"worker-[12]"`).MatchString(served) {
			t.Errorf("%s: the room is served by %s", host, served)
		}
	}

	if len(running(t, dir)) < 7 {
		t.Errorf("processes %q", running(t, dir))
	}
	if err := s.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("scripts/cluster: %v\n%s", err, s.Stderr)
	}
	if left := running(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v (%v)", left, err)
	}
}

// running returns the command lines of the processes whose folder is below dir, or whose
// arguments have it.
func running(t *testing.T, dir string) (commands []string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		t.Fatalf("no processes in /proc (%v)", err)
	}
	for _, process := range processes {
		folder, _ := os.Readlink(filepath.Join(process, "cwd")) // the process may have ended
		command, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		if strings.HasPrefix(folder, dir+"/") || strings.Contains(string(command), dir+"/") {
			commands = append(commands, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return commands
}
