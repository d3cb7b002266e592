package peers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/internal/testkit/daemon"
)

// settings let a client send a document of 20 MB in one message, as the peers do.
const settings = `
log_level: warn
joins_per_second: 20000
rooms_per_second: 20000
rooms:
  default: {limits: {message: 64MiB, mailbox_size: 64MiB}}
`

// startYroom starts "yroom serve", which keeps documents in memory.
func startYroom(t testing.TB, program string) (*running, error) {
	t.Helper()
	return startServe(t, program, "memory:")
}

// startYroomFsync starts "yroom serve" with SQLite. An edit is on the disk before any
// other client receives it.
func startYroomFsync(t testing.TB, program string) (*running, error) {
	t.Helper()
	return startServe(t, program, "sqlite:rooms.db")
}

func startServe(t testing.TB, program, store string) (*running, error) {
	t.Helper()
	r, run := yroom(t, program)
	r.processes = []*daemon.Daemon{run("serve", "--listen", r.host(), "--store", store)}
	r.metrics = "http://" + r.host() + "/metrics"
	err := r.await()
	return r, err
}

// startYroomRedis starts a consumer and a worker, which Redis connects. The worker keeps
// documents in memory.
func startYroomRedis(t testing.TB, program string) (*running, error) {
	t.Helper()
	broker := startRedis(t)
	r, run := yroom(t, program)
	r.kept = 1
	r.processes = []*daemon.Daemon{
		broker.Daemon,
		run("worker", "--listen", "127.0.0.1:0", "--layer", broker.URL(), "--store", "memory:"),
		run("consumer", "--listen", r.host(), "--layer", broker.URL()),
	}
	err := r.await()
	return r, err
}

// yroom returns a server at a free port, which has no processes yet, and what starts
// one in a folder with the settings.
func yroom(t testing.TB, program string) (r *running, run func(args ...string) *daemon.Daemon) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "yroom.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	port := daemon.FreePort(t)
	r = &running{address: fmt.Sprintf("ws://127.0.0.1:%d/ws/", port), port: port}
	return r, func(args ...string) *daemon.Daemon {
		return launch(t, command{folder: folder, program: program, args: args})
	}
}

// host returns the address that the server listens on.
func (r *running) host() string { return fmt.Sprintf("127.0.0.1:%d", r.port) }
