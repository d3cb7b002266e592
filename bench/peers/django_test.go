package peers_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
)

func missingDjango() string { return first(missingPython(), missingRedis()) }

// startDjango starts channels-yroom: the project in the folder django, served by daphne,
// and a worker, which Redis connects.
func startDjango(t testing.TB, _ string) (*running, error) {
	t.Helper()
	port := daemon.FreePort(t)
	broker := startRedis(t)
	run := func(args ...string) *daemon.Daemon {
		return launch(t, command{
			folder:    "django",
			variables: []string{"DJANGO_SETTINGS_MODULE=peer.settings", "REDIS=" + broker.URL()},
			program:   interpreter(t),
			args:      args,
		})
	}
	r := &running{
		address: fmt.Sprintf("ws://127.0.0.1:%d/ws/", port),
		port:    port,
		kept:    1,
		processes: []*daemon.Daemon{
			broker.Daemon,
			run("-m", "django", "yroom"),
			run("-m", "daphne", "--verbosity", "0", "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "peer.asgi:application"),
		},
	}
	err := r.await()
	return r, err
}

func missingRedis() string { return absent("redis-server") }

// startRedis starts a Redis server on the servers' core.
func startRedis(t testing.TB) *redis.Server {
	t.Helper()
	s := redis.Start(t, redis.Options{})
	pin(t, s.PID())
	return s
}
