// Package browser has people with real browsers use a yroom server as it is
// shipped.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var scenarios = flag.String("scenarios", "", "play only those whose names match this regular expression of JavaScript")

// patience bounds the whole play: more than it takes, less than a test's time.
const patience = 8 * time.Minute

// pictures is where the play keeps what the pages looked like.
const pictures = "screenshots"

func TestBrowser(t *testing.T) {
	chromium := require(t)
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-tags", "demo", "-o", folder, "github.com/yroom/yroom/cmd/yroom", "./robot").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}

	node := exec.Command("node", "play.mjs", filepath.Join(folder, "yroom"), filepath.Join(folder, "robot"), chromium, pictures, *scenarios)
	node.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the servers that it starts
	node.WaitDelay = 10 * time.Second                      // where it ended without them, they keep its stderr open
	var stderr bytes.Buffer
	node.Stderr = &stderr
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { _ = syscall.Kill(-node.Process.Pid, syscall.SIGKILL) } // it may have ended
	t.Cleanup(end)
	defer time.AfterFunc(patience, end).Stop()

	seen, expected := 0, -1
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var line struct {
			Name, Error  string
			Milliseconds int
			Played       int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("node says %q: %v", lines.Bytes(), err)
			continue
		}
		if line.Name == "" {
			expected = line.Played
			continue
		}
		seen++
		t.Run(line.Name, func(t *testing.T) {
			t.Logf("%d ms", line.Milliseconds)
			if line.Error != "" {
				t.Error(line.Error)
			}
		})
	}
	if err := node.Wait(); err != nil || seen != expected || stderr.Len() > 0 {
		t.Errorf("%d scenarios reported, %d played, node: %v\n%s", seen, expected, err, stderr.String())
	}
}

// require gives the file of Chromium. What is missing skips the test, or fails it.
func require(t *testing.T) (chromium string) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("YROOM_TEST_REQUIRED") == "1" {
		missing = t.Fatal
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is not installed")
	}
	if _, err := os.Stat("../node_modules/playwright-core"); err != nil {
		missing("the npm packages are not installed: run npm ci in the folder test")
	}
	if _, err := os.Stat("../../web/dist"); err != nil {
		missing("the demo editors are not built: run make demos")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing("chromium is not installed")
	}
	return chromium
}
