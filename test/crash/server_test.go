package crash_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that has to happen.
const patience = 20 * time.Second

var program string // yroom, as it is shipped

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "yroom-crash")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "yroom")
		if out, err := exec.Command("go", "build", "-o", program, "github.com/yroom/yroom/cmd/yroom").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// server is a running yroom serve.
type server struct {
	cmd    *exec.Cmd
	url    string
	ended  chan struct{} // closed when the process has ended
	stderr bytes.Buffer  // to be read when it has ended
}

// start starts a server in dir, where its settings and its files are. The test
// ends it.
func start(t *testing.T, dir string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(program, "serve", "--listen", "127.0.0.1:0"), ended: make(chan struct{})}
	s.cmd.Dir = dir
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = s.cmd.Wait() // its outcome is in ProcessState
		close(s.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-s.ended: // before the test did
			return
		default:
		}
		s.signal(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", s.url, &s.stderr)
		}
	})
	_, rest, _ := strings.Cut(line, "http://")
	host, _, found := strings.Cut(rest, "/")
	if !found {
		t.Fatalf("no address in %q (%v)", line, err)
	}
	s.url = "ws://" + host + "/ws/"
	return s
}

// signal signals the process and waits until it has ended.
func (s *server) signal(sig os.Signal) {
	_ = s.cmd.Process.Signal(sig) // it may have ended
	<-s.ended
}

// stop ends the server in good order.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d\n%s", code, &s.stderr)
	}
}

// configure writes yroom.yaml into a new directory.
func configure(t *testing.T, dir, yaml string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// eventually waits until lacks is "": what is lacking still.
func eventually(t *testing.T, what string, lacks func() string) {
	t.Helper()
	end := time.Now().Add(patience)
	for lack := lacks(); lack != ""; lack = lacks() {
		if time.Now().After(end) {
			t.Fatalf("%s has not happened: %s", what, lack)
		}
		time.Sleep(time.Millisecond)
	}
}
