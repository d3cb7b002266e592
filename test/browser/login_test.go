package browser

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// In examples/login, the page says to each user whether that user may write or only read.
func TestLogin(t *testing.T) {
	testkit.RequireNode(t, "..", "playwright-core")
	testkit.File(t, "../../examples/login/page/dist/editor.js", "run make demos")
	chromium := testkit.Chromium(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "login")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/login").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-listen", "127.0.0.1:0")
	cmd.Dir = dir
	server := testkit.Launch(t, cmd)
	if said := testkit.RunNode(t, 4*time.Minute, nil, "login.mjs", "http://"+server.Host+"/", chromium, pictures); len(said) > 0 {
		t.Errorf("login.mjs has printed %s", said)
	}
}
