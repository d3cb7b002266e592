package makers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// ySweet is the real program, which only make bench-peers builds.
const ySweet = "../../bench/peers/.cargo/bin/y-sweet"

// otherStore is a store of another server.
type otherStore struct {
	name    string
	flag    string   // imports it
	make    []string // the program that makes it, if its path and the folder of originals follow; nil: it is in testdata
	more    string   // the last argument of the program
	names   []string // of its documents
	refused string   // what is said of a document that is refused
}

var otherStores = []otherStore{
	{
		name: "y-leveldb", flag: "--y-leveldb", make: []string{"node", "stores.mjs", "y-leveldb"}, names: []string{"notes", "folder/ü", "one"},
		refused: `"lost" was not imported: its state vector counts elements that its updates lack`,
	},
	{name: "pycrdt-store", flag: "--pycrdt", make: []string{python, "pycrdt_store.py"}, names: []string{"notes", "folder/ü", "one"}},
	{name: "hocuspocus", flag: "--hocuspocus", names: []string{"notes", "folder/ü", "one"}},
	{name: "y-sweet", flag: "--y-sweet", names: []string{"notes", "with-dash_1", "one", "empty"}},
	{
		name: "y-sweet, made now", flag: "--y-sweet", make: []string{"node", "stores.mjs", "y-sweet"}, more: ySweet,
		names: []string{"notes", "with-dash_1", "one", "empty"},
	},
}

// place makes the store, and returns its path and the folder with its documents as their clients
// had them.
func (s otherStore) place(t *testing.T, dir string) (made, originals string) {
	t.Helper()
	made, originals = filepath.Join(dir, "store"), filepath.Join(dir, "originals")
	if s.make == nil {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", s.name))); err != nil {
			t.Fatal(err)
		}
		return made, originals
	}
	args := slices.Concat(s.make[1:], []string{made, originals})
	if s.more != "" {
		if _, err := os.Stat(s.more); err != nil {
			t.Skipf("%s is not there; the stores in testdata are tested: make-stores makes it", s.more)
		}
		args = append(args, s.more)
	}
	if _, complaint, status := run(t, s.make[0], args...); status != 0 {
		t.Fatalf("%q: %s", args, complaint)
	}
	return made, originals
}

// TestStoresOfOtherServers imports the stores that other programs have made. Each document
// must be the original in yjs.
func TestStoresOfOtherServers(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs", "y-leveldb")
	testkit.File(t, python, "run make test/makers/.venv/installed")
	for _, other := range otherStores {
		t.Run(other.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			made, originals := other.place(t, dir)
			store := []string{"--store", "sqlite:" + filepath.Join(dir, "yroom.db")}
			testkit.Serve(t, program, dir, "--store", "sqlite:yroom.db").Stop(t)

			room := func(args ...string) (stdout, stderr string, status int) {
				return run(t, program, append(append([]string{"room"}, args...), store...)...)
			}
			wantStatus := 0
			if other.refused != "" {
				wantStatus = 1
			}
			out, complaint, status := room("import", "--new", other.flag, made)
			imported := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			slices.Sort(imported)
			if diff := cmp.Diff(slices.Sorted(slices.Values(other.names)), imported); diff != "" || status != wantStatus || !strings.Contains(complaint, other.refused) {
				t.Fatalf("status %d, %s\nimported (-want +got):\n%s", status, complaint, diff)
			}
			for _, name := range other.names {
				copied := filepath.Join(dir, "copied.update")
				if _, complaint, status := room("export", name, "-o", copied); status != 0 {
					t.Fatal(complaint)
				}
				if _, complaint, status := run(t, "node", "stores.mjs", "compare", filepath.Join(originals, name+".update"), copied); status != 0 {
					t.Errorf("%s is another document: %s", name, complaint)
				}
			}
			// Rooms that exist are left alone, and files of updates are imported in the same way.
			if out, complaint, _ := room("import", "--new", other.flag, made); out != "" || strings.Count(complaint, "exists") != len(other.names) {
				t.Errorf("the second time: %q, %s", out, complaint)
			}
			if _, _, status := room("delete", "one"); status != 0 {
				t.Errorf("delete: exit status %d", status)
			}
			if out, complaint, status := room("import", "--new", "--updates", originals); out != "one\n" || status != 0 {
				t.Errorf("imported %q, status %d: %s", out, status, complaint)
			}
			for _, wrong := range []string{originals, os.Args[0], filepath.Join(dir, "nothing")} {
				if out, complaint, status := room("import", other.flag, wrong); out != "" || status != 1 || complaint == "" {
					t.Errorf("%s: imported %q, status %d: %s", wrong, out, status, complaint)
				}
			}
			if _, complaint, status := run(t, program, "doctor", store[0], store[1]); status != 0 {
				t.Errorf("doctor: status %d: %s", status, complaint)
			}
		})
	}
}
