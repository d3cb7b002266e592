package peers_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// inputs are folders.
type inputs struct {
	traces    string // with recordings of editing
	documents string // with documents of rooms
}

func (in inputs) trace() string { return filepath.Join(in.traces, "automerge-paper.json.gz") }
func (in inputs) b4() string    { return filepath.Join(in.documents, "b4.update") }
func (in inputs) small() string { return filepath.Join(in.documents, "small.update") }
func (in inputs) large() string { return filepath.Join(in.documents, "x100.update") }

// makeInputs finds the traces, and lets yjs write the documents if they are needed.
func makeInputs(b *testing.B, documents bool) inputs {
	b.Helper()
	traces := os.Getenv("YROOM_TRACES")
	if traces == "" {
		testkit.Missingf(b, "YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	in := inputs{traces: traces, documents: b.TempDir()}
	if !documents {
		return in
	}
	testkit.RequireNode(b, "../../test", "yjs")
	if out, err := exec.CommandContext(b.Context(), "node", "../engines/inputs.mjs", in.documents, traces, "b4").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(in.small(), testkit.Typed(1, 0, "x"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"b4", "x100"} {
		if err := in.take(name); err != nil {
			b.Fatal(err)
		}
	}
	return in
}

// take writes the first byte string of a list, which is a whole document, to a file of its
// own.
func (in inputs) take(name string) error {
	list, err := os.ReadFile(filepath.Join(in.documents, name))
	if err != nil {
		return err
	}
	if len(list) < 4 || len(list)-4 < int(binary.LittleEndian.Uint32(list)) {
		return fmt.Errorf("%s has no byte string", name)
	}
	return os.WriteFile(filepath.Join(in.documents, name+".update"), list[4:][:binary.LittleEndian.Uint32(list)], 0o600)
}
