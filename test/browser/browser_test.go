// Package browser has people with real browsers use a yroom server as it is
// shipped.
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

var scenarios = flag.String("scenarios", "", "play only those whose names match this regular expression of JavaScript")

// patience bounds the whole play: more than it takes, less than a test's time.
const patience = 8 * time.Minute

// pictures is where the play keeps what the pages looked like.
const pictures = "screenshots"

func TestBrowser(t *testing.T) {
	testkit.RequireNode(t, "..", "playwright-core")
	testkit.File(t, "../../web/dist", "run make demos")
	chromium := testkit.Program(t, "chromium", "apt-get install chromium")
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-tags", "demo", "-o", folder, "github.com/yroom/yroom/cmd/yroom", "./robot").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}

	node := testkit.StartNode(t, "play.mjs", filepath.Join(folder, "yroom"), filepath.Join(folder, "robot"), chromium, pictures, *scenarios)
	defer node.KillAfter(patience)()
	node.Report(t)
	if complaint := node.Stderr(); complaint != "" {
		t.Errorf("node complains:\n%s", complaint)
	}
}
