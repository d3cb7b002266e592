package peers_test

import (
	"fmt"
	"testing"

	"github.com/yroom/yroom/internal/testkit/daemon"
)

// nodeModules has the servers that npm has installed.
const nodeModules = "../../test/node_modules"

func missingNode() string {
	return first(absent("node"), noFile(nodeModules+"/@hocuspocus/server", "run make test/node_modules/.package-lock.json"))
}

// startYWebsocket starts the server that y-websocket 2 brings.
func startYWebsocket(t testing.TB, _ string) (*running, error) {
	t.Helper()
	return startNode(t, "/", nodeModules+"/y-websocket-2/bin/server.cjs")
}

// startHocuspocus starts @hocuspocus/server 4 without extensions, which keeps documents in
// memory.
func startHocuspocus(t testing.TB, _ string) (*running, error) {
	t.Helper()
	return startNode(t, "", "hocuspocus.mjs")
}

func startNode(t testing.TB, path, script string) (*running, error) {
	t.Helper()
	port := daemon.FreePort(t)
	r := &running{
		address: fmt.Sprintf("ws://127.0.0.1:%d%s", port, path),
		port:    port,
		processes: []*daemon.Daemon{launch(t, command{
			folder:    ".",
			variables: []string{"HOST=127.0.0.1", fmt.Sprintf("PORT=%d", port)},
			program:   "node",
			args:      []string{script},
		})},
	}
	err := r.await()
	return r, err
}
