package attack_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// server is the server that is attacked.
type server struct {
	*testkit.Server

	killed atomic.Bool // it took too much memory
}

// attack starts an attack in a process of its own, and returns once it is prepared. The
// process has a lower priority: attackers would have other machines.
func (s *server) attack(t *testing.T, name string) *process {
	t.Helper()
	p := &process{cmd: exec.Command("nice", "-n", "5", os.Args[0], "attack", name, s.Host)}
	p.cmd.Stderr = t.Output()
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()         // it was killed
	})
	if line, err := p.out.ReadString('\n'); err != nil {
		t.Fatalf("the attackers say %q: %v", line, err)
	}
	return p
}

// process is the process of an attack.
type process struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

// stop ends the attack, and returns what the attackers say.
func (p *process) stop() string {
	_ = p.in.Close()                  // the process may have ended
	line, _ := p.out.ReadString('\n') // it may have ended without a word
	return strings.TrimSpace(line)
}

// guard kills the server when it takes so much memory that the machine would suffer.
func (s *server) guard() {
	for !s.ended() {
		if resident, err := s.status("VmRSS"); err == nil && resident > 2*memory {
			s.killed.Store(true)
			_ = s.Process.Kill() // it may have ended
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *server) ended() bool { return s.Process.Signal(syscall.Signal(0)) != nil }

// check fails the test if the server has ended.
func (s *server) check(t *testing.T) {
	t.Helper()
	if s.killed.Load() {
		t.Fatalf("the server was killed because it took more than %d MiB", 2*memory>>20)
	}
	if s.ended() {
		t.Fatal("the server has ended")
	}
}

// resetPeak forgets the most memory that the server took so far.
func (s *server) resetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Process.Pid), []byte("5"), 0); err != nil {
		testkit.Missingf(t, "the memory of a process can't be measured: %v", err)
	}
}

// peak returns the most memory that the server took since resetPeak, in bytes.
func (s *server) peak(t *testing.T) int {
	t.Helper()
	s.check(t)
	peak, err := s.status("VmHWM")
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// status returns a field of the status of the process, in bytes.
func (s *server) status(field string) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(status, []byte(field+":"))
	if !found {
		return 0, fmt.Errorf("no %s: the process has ended", field)
	}
	line, _, _ := strings.Cut(string(rest), "kB")
	n, err := strconv.Atoi(strings.TrimSpace(line))
	return n << 10, err
}
