package postgres

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// process is a server that the test runs.
type process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer // complete once the process has ended
	ended chan struct{}
}

// launch runs a program. The caller must call finish at the end of the test.
func launch(t testing.TB, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, program, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	endWithTest(p.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the process would end with the thread that has started it
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // the outcome is in ProcessState
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	return p
}

// finish ends the process at the end of the test, and prints its log if the test has
// failed.
func (p *process) finish(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGQUIT)
	if t.Failed() {
		t.Logf("log of %s:\n%s", p.cmd.Path, tail(p.log.Bytes()))
	}
}

// end sends a signal to the process and waits until it has ended.
func (p *process) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	_ = p.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(testkit.Patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		t.Errorf("%s did not end after signal %v\n%s", p.cmd.Path, sig, tail(p.log.Bytes()))
	}
}

// tail returns the last part of a log.
func tail(log []byte) []byte { return log[max(0, len(log)-8<<10):] }

// command returns a command that runs as the unprivileged user if the test runs as root.
func command(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = "/" // the user may not enter the folder of the test
	if uid, gid, other := account(t); other {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	return cmd
}

// account returns the user that runs the programs, and reports whether it differs from
// the user of the test.
func account(t testing.TB) (uid, gid uint32, other bool) {
	t.Helper()
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	if found, err := user.Lookup("postgres"); err == nil {
		u, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		g, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return uint32(u), uint32(g), true
		}
	}
	testkit.Missingf(t, "PostgreSQL doesn't run as root, and there is no user postgres: apt-get install postgresql")
	return 0, 0, false
}

// folder returns a temporary folder that belongs to the user that runs the programs.
func folder(t testing.TB) string {
	t.Helper()
	// The folders above t.TempDir belong to the user of the test, and others can't enter them.
	dir, err := os.MkdirTemp("", "yroom-postgres-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	own(t, dir)
	return dir
}

// write writes a file that the programs can read.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	own(t, path)
}

// own makes the user that runs the programs the owner of a file or a folder.
func own(t testing.TB, path string) {
	t.Helper()
	if uid, gid, other := account(t); other {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// freePort returns a port of 127.0.0.1 that nothing listens on.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Installed reports whether the machine has PostgreSQL.
func Installed() bool { return find("postgres") != "" }

// program returns the path of a program of PostgreSQL.
func program(t testing.TB, name string) string {
	t.Helper()
	path := find(name)
	if path == "" {
		testkit.Missingf(t, "%s is not installed: apt-get install postgresql", name)
	}
	return path
}

// find returns the path of a program of PostgreSQL, "" if there is none. Debian keeps
// those of each version in a folder that isn't in PATH.
func find(name string) (newest string) {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	var version float64
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is valid
	for _, path := range found {
		v, err := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
		if err == nil && v > version {
			newest, version = path, v
		}
	}
	return newest
}

// address returns the URL of a database at a port.
func address(port int, database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", User, Password, port, database)
}
