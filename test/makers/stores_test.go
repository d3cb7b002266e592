package makers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// run runs a program, and returns what it writes to stdout and to stderr, and its exit status.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	_ = cmd.Run() // the status says more
	return out.String(), complaint.String(), cmd.ProcessState.ExitCode()
}

// TestStoresOfOtherServers imports the stores that other programs have made. Each document
// must be the original in yjs.
func TestStoresOfOtherServers(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs", "y-leveldb")
	testkit.File(t, python, "run make test/makers/.venv/installed")
	for _, kind := range []struct {
		name    string
		make    []string // followed by the store, and the folder of originals
		flag    string
		refused string // a document, and what is said of it
	}{
		{"y-leveldb", []string{"node", "stores.mjs", "make"}, "--y-leveldb", `"lost" was not imported: its state vector counts elements that its updates lack`},
		{"pycrdt-store", []string{python, "pycrdt_store.py"}, "--pycrdt", ""},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			made, originals := filepath.Join(dir, "made"), filepath.Join(dir, "originals")
			args := slices.Concat(kind.make[1:], []string{made, originals})
			if _, complaint, status := run(t, kind.make[0], args...); status != 0 {
				t.Fatalf("%q: %s", args, complaint)
			}
			store := []string{"--store", "sqlite:" + filepath.Join(dir, "yroom.db")}
			testkit.Serve(t, program, dir, "--store", "sqlite:yroom.db").Stop(t)

			room := func(args ...string) (stdout, stderr string, status int) {
				return run(t, program, append(append([]string{"room"}, args...), store...)...)
			}
			wantStatus := 0
			if kind.refused != "" {
				wantStatus = 1
			}
			out, complaint, status := room("import", "--new", kind.flag, made)
			if len(strings.Split(out, "\n")) != 4 || status != wantStatus || !strings.Contains(complaint, kind.refused) {
				t.Fatalf("imported %q, status %d: %s", out, status, complaint)
			}
			for _, name := range []string{"notes", "folder/ü", "one"} {
				copied := filepath.Join(dir, "copied.update")
				if _, complaint, status := room("export", name, "-o", copied); status != 0 {
					t.Fatal(complaint)
				}
				if _, complaint, status := run(t, "node", "stores.mjs", "compare", filepath.Join(originals, name+".update"), copied); status != 0 {
					t.Errorf("%s is another document: %s", name, complaint)
				}
			}
			// Rooms that exist are left alone, and files of updates are imported in the same way.
			if out, complaint, _ := room("import", "--new", kind.flag, made); out != "" || strings.Count(complaint, "exists") != 3 {
				t.Errorf("the second time: %q, %s", out, complaint)
			}
			if _, _, status := room("delete", "one"); status != 0 {
				t.Errorf("delete: exit status %d", status)
			}
			if out, complaint, status := room("import", "--new", "--updates", originals); out != "one\n" || status != 0 {
				t.Errorf("imported %q, status %d: %s", out, status, complaint)
			}
			for _, wrong := range []string{originals, os.Args[0], filepath.Join(dir, "nothing")} {
				if out, complaint, status := room("import", kind.flag, wrong); out != "" || status != 1 || complaint == "" {
					t.Errorf("%s: imported %q, status %d: %s", wrong, out, status, complaint)
				}
			}
		})
	}
}
