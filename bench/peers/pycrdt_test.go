package peers_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/yroom/yroom/internal/testkit/daemon"
)

// startPycrdt starts the server of pycrdt-websocket, which keeps documents in memory.
func startPycrdt(t testing.TB, _ string) (*running, error) {
	t.Helper()
	port := daemon.FreePort(t)
	r := &running{
		address: fmt.Sprintf("ws://127.0.0.1:%d/", port),
		port:    port,
		processes: []*daemon.Daemon{launch(t, command{
			folder: ".", program: interpreter(t), args: []string{"pycrdt_server.py", strconv.Itoa(port)},
		})},
	}
	err := r.await()
	return r, err
}
