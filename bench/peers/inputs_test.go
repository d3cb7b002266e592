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

// inputs is a folder with the documents of rooms.
type inputs string

func (in inputs) b4() string    { return filepath.Join(string(in), "b4.update") }
func (in inputs) large() string { return filepath.Join(string(in), "x100.update") }

// makeInputs lets yjs write the documents.
func makeInputs(b *testing.B) inputs {
	b.Helper()
	traces := os.Getenv("YROOM_TRACES")
	if traces == "" {
		testkit.Missingf(b, "YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	testkit.RequireNode(b, "../../test", "yjs")
	in := inputs(b.TempDir())
	if out, err := exec.CommandContext(b.Context(), "node", "../engines/inputs.mjs", string(in), traces, "b4").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
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
	list, err := os.ReadFile(filepath.Join(string(in), name))
	if err != nil {
		return err
	}
	if len(list) < 4 || len(list)-4 < int(binary.LittleEndian.Uint32(list)) {
		return fmt.Errorf("%s has no byte string", name)
	}
	return os.WriteFile(filepath.Join(string(in), name+".update"), list[4:][:binary.LittleEndian.Uint32(list)], 0o600)
}
