package peers_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit/daemon"
)

// server is a program that serves rooms.
type server struct {
	name    string
	dialect string        // by which "yroom bench" talks to it
	missing func() string // why this machine can't run it; "" if it can
	start   func(t testing.TB, program string) (*running, error)
}

var allServers = []server{
	{"y-websocket", "plain", missingNode, startYWebsocket},
	{"Hocuspocus", "hocuspocus", missingNode, startHocuspocus},
	{"channels-yroom", "plain", missingDjango, startDjango},
	{"pycrdt-websocket", "plain", missingPython, startPycrdt},
	{"y-sweet", "plain", missingYSweet, startYSweet},
	{inMemory, "plain", nothingMissing, startYroom},
	{onDisk, "plain", nothingMissing, startYroomFsync},
	{"yroom, Redis", "plain", missingRedis, startYroomRedis},
}

// Names of servers that bars compare.
const (
	inMemory = "yroom"
	onDisk   = "yroom, fsync"
)

// ours reports whether the server is yroom, and not a peer.
func (s server) ours() bool { return strings.HasPrefix(s.name, "yroom") }

func nothingMissing() string { return "" }

// running is a server that was started.
type running struct {
	address   string           // for "yroom bench"
	processes []*daemon.Daemon // all of it
	kept      int              // how many of the first processes hold neither rooms nor connections
	port      int
	metrics   string // the address of metrics for Prometheus; "": there are none, or several
}

// pids returns the ids of the processes.
func (r *running) pids() (all []int) {
	for _, p := range r.processes {
		all = append(all, p.PID())
	}
	return all
}

// stop kills the processes.
func (r *running) stop(t testing.TB) {
	t.Helper()
	for _, p := range r.processes {
		p.Kill(t)
	}
}

// restart kills the processes that hold rooms or connections and starts them again at the
// same address.
func (r *running) restart(t testing.TB) error {
	t.Helper()
	for _, p := range r.processes[r.kept:] {
		p.Kill(t)
	}
	for _, p := range r.processes[r.kept:] {
		p.Restart(t)
	}
	return r.await()
}

// await waits until the server accepts connections.
func (r *running) await() error {
	for since := time.Now(); ; time.Sleep(time.Millisecond) {
		for _, p := range r.processes {
			if !p.Running() {
				return errors.New("a process of it ends when it is started")
			}
		}
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
		if err == nil {
			return conn.Close()
		}
		if time.Since(since) > *patience {
			return fmt.Errorf("it doesn't listen %v after it was started: %w", *patience, err)
		}
	}
}

// Servers run on one core, and their clients on another.
const (
	serverCore = "0"
	clientCore = "1"
)

// command is a program that is started in a folder with additional variables in its
// environment.
type command struct {
	folder    string
	variables []string
	program   string
	args      []string
}

// launch runs a command on the servers' core until the end of the test.
func launch(t testing.TB, c command) *daemon.Daemon {
	t.Helper()
	args := []string{"--cpu-list", serverCore, "env", "--chdir=" + c.folder}
	args = append(append(append(args, c.variables...), c.program), c.args...)
	return daemon.Start(t, "taskset", args...)
}

// absent returns why a program that PATH lacks is missing.
func absent(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return program + " is not installed"
	}
	return ""
}

// noFile returns why a file is missing, with what makes it.
func noFile(path, hint string) string {
	if _, err := os.Stat(path); err != nil {
		return fmt.Sprintf("%s is not there: %s", path, hint)
	}
	return ""
}

// first returns the first reason.
func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return r
		}
	}
	return ""
}

// pin lets a process run on the servers' core only.
func pin(t testing.TB, pid int) {
	t.Helper()
	if out, err := exec.Command("taskset", "--all-tasks", "--cpu-list", "--pid", serverCore, strconv.Itoa(pid)).CombinedOutput(); err != nil {
		t.Fatalf("taskset: %v: %s", err, out)
	}
}
