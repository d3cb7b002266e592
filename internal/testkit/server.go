package testkit

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Server is a process of yroom that listens.
type Server struct {
	*exec.Cmd

	// Host is the address that it listens on, with the port.
	Host string
	// Log is what it has written to its standard error. It is complete, and
	// can be read, once the process has ended.
	Log bytes.Buffer

	ended chan struct{} // closed when the process has ended
}

// Serve runs "yroom serve" as Start does.
func Serve(t testing.TB, program, dir string, args ...string) *Server {
	t.Helper()
	return Start(t, program, dir, "serve", args...)
}

// Start runs yroom serve, consumer or worker on a free port in dir, which holds its
// settings and its files. program is the path of yroom, or its name in PATH. It returns
// when the process serves. At its end, the test kills the process, and prints its log if
// the test has failed.
func Start(t testing.TB, program, dir, command string, args ...string) *Server {
	t.Helper()
	cmd := exec.Command(program, append([]string{command, "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = dir
	return Launch(t, cmd)
}

// Launch runs a command as Start does. It must print its address in its first line, as yroom
// does.
func Launch(t testing.TB, cmd *exec.Cmd) *Server {
	t.Helper()
	s := &Server{Cmd: cmd, ended: make(chan struct{})}
	s.Stderr = &s.Log
	stdout, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = s.Wait() // the outcome is in ProcessState
		close(s.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-s.ended: // the test has ended it
			return
		default:
		}
		_ = s.Process.Kill() // it may have ended
		<-s.ended
		if t.Failed() {
			t.Logf("log of %q at %s:\n%s", s.Args, s.Host, &s.Log)
		}
	})
	_, rest, _ := strings.Cut(line, "http://")
	host, _, found := strings.Cut(rest, "/")
	if !found {
		_ = s.Process.Kill()
		<-s.ended
		t.Fatalf("no address in %q (%v)\n%s", line, err, &s.Log)
	}
	s.Host = host
	return s
}

// URL returns the WebSocket address of a room, whose name is escaped if need be.
func (s *Server) URL(room string) string { return "ws://" + s.Host + "/ws/" + room }

// Signal sends a signal to the process.
func (s *Server) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Ended waits until the process has ended, and returns its exit status, or -1 if a
// signal ended it.
func (s *Server) Ended(t testing.TB) (status int) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(Patience):
		t.Fatal("the server did not end")
	}
	return s.ProcessState.ExitCode()
}

// Stop sends SIGTERM to the process, and fails the test unless its exit status is 0.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGTERM)
	if status := s.Ended(t); status != 0 {
		t.Errorf("exit status %d\n%s", status, &s.Log)
	}
}

// Kill kills the process and waits until it has ended.
func (s *Server) Kill() {
	_ = s.Process.Kill() // it may have ended
	<-s.ended
}
