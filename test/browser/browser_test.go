// Package browser tests the yroom binary and its demo pages in a real browser.
package browser

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

var scenarios = flag.String("scenarios", "", "run only the scenarios whose names match this JavaScript regular expression")

// patience is how long before the timeout of "go test" all scenarios must have been played.
const patience = 30 * time.Second

// pictures is the folder for screenshots of the pages.
const pictures = "screenshots"

func TestBrowser(t *testing.T) {
	testkit.RequireNode(t, "..", "playwright-core")
	testkit.File(t, "../../web/dist", "run make demos")
	chromium := testkit.Chromium(t)
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-tags", "demo", "-o", folder, "github.com/yroom/yroom/cmd/yroom", "./robot").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}

	node := testkit.StartNode(t, "play.mjs", filepath.Join(folder, "yroom"), filepath.Join(folder, "robot"), chromium, pictures, *scenarios)
	if timeout, limited := t.Deadline(); limited {
		defer node.KillAfter(time.Until(timeout) - patience)()
	}
	node.Report(t)
	if stderr := node.Stderr(); stderr != "" {
		t.Errorf("node wrote to stderr:\n%s", stderr)
	}
}
