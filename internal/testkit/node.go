package testkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// RequireNode checks that Node.js is installed, and that npm has installed these
// packages into the folder node_modules of dir.
func RequireNode(t testing.TB, dir string, packages ...string) {
	t.Helper()
	Program(t, "node", "apt-get install nodejs")
	for _, name := range packages {
		File(t, filepath.Join(dir, "node_modules", name), "run npm ci in the folder "+dir)
	}
}

// A Node is a process of Node.js that runs a script. It reads and writes lines,
// most of them JSON.
type Node struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	wait   func() error
	killed atomic.Bool
}

// StartNode runs node with these arguments in the folder of the test. At its end, the
// test kills the process and the processes that it has started.
func StartNode(t testing.TB, args ...string) *Node {
	t.Helper()
	n := &Node{cmd: exec.Command("node", args...)}
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the processes that it starts
	n.cmd.WaitDelay = 10 * time.Second                      // processes that outlive it would keep its stderr open
	n.cmd.Stderr = &n.stderr
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if n.in, err = n.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.out = bufio.NewReader(out)
	n.wait = sync.OnceValue(n.cmd.Wait)
	t.Cleanup(n.Kill)
	return n
}

// RunNode runs node with these arguments and this standard input, and returns
// what it has printed. It fails the test if that takes longer than patience.
func RunNode(t testing.TB, patience time.Duration, input []byte, args ...string) []byte {
	t.Helper()
	n := StartNode(t, args...)
	defer n.KillAfter(patience)()
	n.Input(t, input)
	printed, err := io.ReadAll(n.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.end(); err != nil {
		t.Fatal(err)
	}
	return printed
}

// Kill kills the process, with those that it has started.
func (n *Node) Kill() {
	n.kill()
	_ = n.wait()
	n.killed.Store(true) // from now on its number may be that of another process
}

func (n *Node) kill() {
	if !n.killed.Load() {
		_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	}
}

// KillAfter kills the process and those that it has started after some time, unless
// stop is called before.
func (n *Node) KillAfter(patience time.Duration) (stop func() bool) {
	return time.AfterFunc(patience, n.kill).Stop
}

// Input writes the whole standard input of the process.
func (n *Node) Input(t testing.TB, input []byte) {
	t.Helper()
	_, err := n.in.Write(input)
	if err == nil {
		err = n.in.Close()
	}
	if err != nil {
		t.Fatalf("input of node: %v\n%s", err, &n.stderr)
	}
}

// Ask writes request as a line of JSON, and reads the line that answers it. It
// fails the test if that takes longer than patience.
func (n *Node) Ask(t testing.TB, patience time.Duration, request, answer any) {
	t.Helper()
	defer n.KillAfter(patience)()
	if err := json.NewEncoder(n.in).Encode(request); err != nil {
		t.Fatalf("asking node: %v", err)
	}
	n.Read(t, answer)
}

// Read reads a line of JSON.
func (n *Node) Read(t testing.TB, v any) {
	t.Helper()
	line, err := n.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	if err != nil {
		t.Fatalf("node says %q: %v", line, err)
	}
}

// End closes the standard input of the process, and fails the test unless its exit
// status is 0. Further output of the process is discarded.
func (n *Node) End(t testing.TB) {
	t.Helper()
	if err := n.end(); err != nil {
		t.Error(err)
	}
}

func (n *Node) end() error {
	_ = n.in.Close() // it may be closed
	_, _ = io.Copy(io.Discard, n.out)
	if err := n.wait(); err != nil {
		return fmt.Errorf("node: %w\n%s", err, &n.stderr)
	}
	return nil
}

// Report reads what a script reports about the scenarios that it plays, and
// makes a subtest of each. A line of the script is an object with the name of a
// scenario, the milliseconds that it took, and an error if it failed. The last
// line has the number of those that it has played.
func (n *Node) Report(t *testing.T) {
	t.Helper()
	reported, played := 0, -1
	lines := bufio.NewScanner(n.out)
	for lines.Scan() {
		var line struct {
			Name, Error  string
			Milliseconds int
			Played       int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("node says %q: %v", lines.Bytes(), err)
			continue
		}
		if line.Name == "" {
			played = line.Played
			continue
		}
		reported++
		t.Run(line.Name, func(t *testing.T) {
			t.Logf("%d ms", line.Milliseconds)
			if line.Error != "" {
				t.Error(line.Error)
			}
		})
	}
	n.End(t)
	if reported != played {
		t.Errorf("the script reported %d scenarios, but played %d", reported, played)
	}
}

// Stderr returns what the process has written to its standard error. It must
// have ended.
func (n *Node) Stderr() string { return n.stderr.String() }
