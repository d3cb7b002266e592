// Package daemon runs servers for tests: programs that are started, paused, killed and
// started again.
package daemon

import (
	"bytes"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// Daemon is a server that a test runs. Its methods must not be called concurrently.
type Daemon struct {
	program string
	args    []string
	runs    []*run // the current one is the last
}

// run is one run of the program.
type run struct {
	cmd   *exec.Cmd
	log   bytes.Buffer // complete once the process has ended
	ended chan struct{}
}

// Start runs a program until the end of the test. If the test fails, it logs what the
// program has printed.
func Start(t testing.TB, program string, args ...string) *Daemon {
	t.Helper()
	d := &Daemon{program: program, args: args}
	t.Cleanup(func() {
		d.Kill(t)
		if t.Failed() {
			for _, r := range d.runs {
				t.Logf("%s %q:\n%s", program, args, tail(r.log.Bytes()))
			}
		}
	})
	d.Restart(t)
	return d
}

func tail(log []byte) []byte { return log[max(0, len(log)-4<<10):] }

// Restart starts the program again, after Stop or Kill.
func (d *Daemon) Restart(t testing.TB) {
	t.Helper()
	r := &run{cmd: exec.Command(d.program, d.args...), ended: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.runs = append(d.runs, r)
	go func() {
		_ = r.cmd.Wait() // the outcome is in ProcessState
		close(r.ended)
	}()
}

// PID returns the process id of the current run.
func (d *Daemon) PID() int { return d.runs[len(d.runs)-1].cmd.Process.Pid }

// Stop ends the program with SIGTERM.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	d.end(t, syscall.SIGTERM)
}

// Kill ends the program with SIGKILL.
func (d *Daemon) Kill(t testing.TB) {
	t.Helper()
	d.end(t, syscall.SIGKILL)
}

func (d *Daemon) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if len(d.runs) == 0 {
		return
	}
	r := d.runs[len(d.runs)-1]
	_ = r.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-r.ended:
	case <-time.After(testkit.Patience):
		_ = r.cmd.Process.Kill()
		<-r.ended
		t.Errorf("%s did not end after %v", d.program, sig)
	}
}

// Pause stops the process with SIGSTOP.
func (d *Daemon) Pause(t testing.TB) {
	t.Helper()
	d.signal(t, syscall.SIGSTOP)
}

// Resume lets a paused process run again.
func (d *Daemon) Resume(t testing.TB) {
	t.Helper()
	d.signal(t, syscall.SIGCONT)
}

func (d *Daemon) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := d.runs[len(d.runs)-1].cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Running reports whether the program has not ended.
func (d *Daemon) Running() bool {
	select {
	case <-d.runs[len(d.runs)-1].ended:
		return false
	default:
		return true
	}
}

// FreePort returns a port of 127.0.0.1 that nothing listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
