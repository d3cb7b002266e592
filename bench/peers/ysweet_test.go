package peers_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/yroom/yroom/internal/testkit/daemon"
)

const ySweet = ".cargo/bin/y-sweet"

func missingYSweet() string {
	return noFile(ySweet, "run make bench/peers/.cargo/bin/y-sweet, which takes minutes")
}

// startYSweet starts y-sweet without a store, which keeps documents in memory, and
// without authentication. It then creates a document when the first client connects.
func startYSweet(t testing.TB, _ string) (*running, error) {
	t.Helper()
	program, err := filepath.Abs(ySweet)
	if err != nil {
		t.Fatal(err)
	}
	port := daemon.FreePort(t)
	r := &running{
		address: fmt.Sprintf("ws://127.0.0.1:%d/d/{room}/ws/{room}", port),
		port:    port,
		processes: []*daemon.Daemon{launch(t, command{
			folder: ".", variables: []string{"Y_SWEET_LOG=error"}, program: program, args: []string{"serve", "--port", strconv.Itoa(port), "--prod"},
		})},
	}
	err = r.await()
	return r, err
}
