package differential

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// oracle is a node process that has yjs.
type oracle struct {
	process *exec.Cmd
	in      *json.Encoder
	out     *json.Decoder
	stderr  bytes.Buffer
}

// patience bounds one answer: more than any takes, less than a test's time.
const patience = 3 * time.Minute

func startOracle(t *testing.T) *oracle {
	t.Helper()
	missing := t.Skip
	if os.Getenv("YROOM_TEST_REQUIRED") == "1" {
		missing = t.Fatal
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing("node is not installed")
	}
	if _, err := os.Stat("../node_modules/yjs"); err != nil {
		missing("the npm packages are not installed: run npm ci in the folder test")
	}
	o := &oracle{process: exec.Command(node, "oracle.mjs")}
	o.process.Stderr = &o.stderr
	stdin, err := o.process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := o.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.process.Start(); err != nil {
		t.Fatal(err)
	}
	o.in, o.out = json.NewEncoder(stdin), json.NewDecoder(stdout)
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		if err := o.process.Wait(); err != nil {
			t.Errorf("node: %v\n%s", err, o.stderr.String())
		}
	})
	return o
}

// ask sends a request and reads the answer to it.
func (o *oracle) ask(t *testing.T, request, answer any) {
	t.Helper()
	deadline := time.AfterFunc(patience, func() { _ = o.process.Process.Kill() })
	defer deadline.Stop()
	if err := o.in.Encode(request); err != nil {
		t.Fatalf("asking node: %v", err)
	}
	if err := o.out.Decode(answer); err != nil {
		t.Fatalf("node's answer: %v", err)
	}
}
