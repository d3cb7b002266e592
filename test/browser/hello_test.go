package browser

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
)

// The program and the page of README.md work, at another port than the documented one.
func TestHello(t *testing.T) {
	testkit.RequireNode(t, "..", "playwright-core")
	testkit.File(t, "../../examples/hello/page/dist/page.js", "run make demos")
	chromium := testkit.Chromium(t)
	dir, source := t.TempDir(), "../../examples/hello"
	host := fmt.Sprintf("127.0.0.1:%d", daemon.FreePort(t))
	moved := make(map[string]string)
	for _, file := range []string{"main.go", "page/index.html", "page/dist/page.js"} {
		data, err := os.ReadFile(filepath.Join(source, file))
		if err != nil {
			t.Fatal(err)
		}
		moved[file] = strings.ReplaceAll(string(data), "127.0.0.1:8000", host)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(moved[file]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay := testkit.Overlay(t, map[string]string{filepath.Join(source, "main.go"): moved["main.go"]})
	program := filepath.Join(dir, "hello")
	if out, err := exec.CommandContext(t.Context(), "go", "build", overlay, "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program) // ends with the test
	cmd.Dir, cmd.Stderr = dir, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	testkit.Eventually(t, "the program listens", func() string {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	})
	if said := testkit.RunNode(t, 4*time.Minute, nil, "hello.mjs", "http://"+host+"/", chromium); len(said) > 0 {
		t.Errorf("hello.mjs has printed %s", said)
	}
}
