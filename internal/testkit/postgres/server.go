package postgres

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit"
)

// User is the superuser of a Server, and Password its password.
const (
	User     = "yroom"
	Password = "open-sesame"
)

// Server is a PostgreSQL server with its default settings of durability.
type Server struct {
	dir     string
	port    int
	process *process
	named   atomic.Int64 // databases that have a name
}

// Start runs a new server until the end of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{dir: folder(t), port: freePort(t)}
	password := filepath.Join(s.dir, "password")
	write(t, password, Password+"\n")
	initdb := command(t, program(t, "initdb"), "--pgdata", s.data(), "--no-sync", "--username", User,
		"--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Restart(t)
	t.Cleanup(func() { s.process.finish(t) }) // the last one
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Restart runs the server again after Stop or Crash, on the same port with the
// same data. It returns when the server accepts connections.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.process = launch(t, program(t, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+s.dir,
		"-c", "max_connections=300", "-c", "shared_buffers=32MB")
	testkit.Eventually(t, "PostgreSQL accepts connections", func() string {
		select {
		case <-s.process.ended:
			t.Fatalf("PostgreSQL has ended:\n%s", tail(s.process.log.Bytes()))
		default:
		}
		if err := s.try("SELECT 1"); err != nil {
			time.Sleep(10 * time.Millisecond)
			return err.Error()
		}
		return ""
	})
}

// Stop shuts the server down, and ends its connections.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.process.end(t, syscall.SIGINT) // a "fast" shutdown
}

// Crash ends the server at once, as pg_ctl stop -m immediate does. It recovers from
// its write-ahead log when it runs again.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	s.process.end(t, syscall.SIGQUIT)
}

// Pause stops the processes of the server, as if the machine hung, until Resume or the
// end of the test.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	t.Cleanup(func() { _ = s.signal("CONT") }) // they may have continued or ended
	if err := s.signal("STOP"); err != nil {
		t.Fatal(err)
	}
}

// Resume ends Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	if err := s.signal("CONT"); err != nil {
		t.Fatal(err)
	}
}

// signal sends a signal to the server and its children, each of which has a session of
// its own.
func (s *Server) signal(name string) error {
	pid := strconv.Itoa(s.PID())
	out, err := exec.Command("sh", "-c", "kill -"+name+" "+pid+" && pkill -"+name+" -P "+pid).CombinedOutput()
	if err != nil {
		return fmt.Errorf("signal %s to PostgreSQL: %w\n%s", name, err, out)
	}
	return nil
}

// PID returns the process that has started all others of the server.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// URL returns the address of a database of the server.
func (s *Server) URL(database string) string { return address(s.port, database) }

// Create creates an empty database and returns its name.
func (s *Server) Create(t testing.TB) (database string) {
	t.Helper()
	database = fmt.Sprintf("test%d", s.named.Add(1))
	s.Exec(t, "CREATE DATABASE "+database)
	return database
}

// Exec runs SQL in the database postgres as the superuser.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	if err := s.try(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (s *Server) try(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	if closing := conn.Close(ctx); err == nil {
		err = closing
	}
	return err
}
