// Package planted builds the command yroom with faults in its decoder of updates, and
// checks that nothing partial is written over a whole document.
package planted

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// A fault is a list of changes of a file of package blocks. A change is a text that the
// file has once, and the text that replaces it.
type fault struct {
	name    string
	changes [][2]string
}

const faulty = "v2_read.go"

// Both faults lose GC blocks in V2, and both were in other servers.
var faults = []fault{
	{name: "a GC block becomes a gap", changes: [][2]string{{
		`	d.out = append(d.out, info)
	k := kind(info & kindMask)
`, `	k := kind(info & kindMask)
	if k == kindGC {
		d.out = append(d.out, byte(kindSkip))
	} else {
		d.out = append(d.out, info)
	}
`,
	}}},
	{name: "a GC block is left out", changes: [][2]string{{
		`		count := d.copyUint()
`, `		count := d.rest.Uint()
		infos, kept := d.infos, count
		for range count {
			if kind(infos.Byte()&kindMask) == kindGC {
				kept--
			}
		}
		d.uint(kept)
`,
	}, {
		`	d.out = append(d.out, info)
	k := kind(info & kindMask)
`, `	k := kind(info & kindMask)
	if k == kindGC {
		d.lengths.Uint()
		return
	}
	d.out = append(d.out, info)
`,
	}}},
}

// overlay returns the flag with which the go command compiles the fault.
func (f fault) overlay(t *testing.T) (flag string) {
	t.Helper()
	file := filepath.Join("..", "..", "blocks", faulty)
	return testkit.Overlay(t, map[string]string{file: testkit.Changed(t, file, f.changes...)})
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// collected returns an update of client 5 in V2: it has typed "abc", five elements that
// are a GC block now, and "xyz".
func collected(t *testing.T) []byte {
	t.Helper()
	v1, err := hex.DecodeString("01030500" + "0401047465787403616263" + "0005" + "8405020378797a" + "0105" + "010305")
	if err != nil {
		t.Fatal(err)
	}
	v2, err := blocks.Convert(blocks.V1, blocks.V2, v1)
	if err != nil {
		t.Fatal(err)
	}
	return v2
}

func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			overlay := f.overlay(t)
			program := testkit.Build(t, overlay)
			t.Run("import", func(t *testing.T) { testImport(t, program) })
			t.Run("compaction", func(t *testing.T) { testCompaction(t, program) })
			t.Run("fixtures", func(t *testing.T) { testFixtures(t, overlay) })
		})
	}
}

func testImport(t *testing.T, program string) {
	dir := t.TempDir()
	open(t, filepath.Join(dir, "yroom.db"), func(*sqlitestore.Store) {})
	write(t, filepath.Join(dir, "notes.v2"), collected(t))
	cmd := exec.CommandContext(t.Context(), program, "room", "import", "--store", "sqlite:yroom.db", "--encoding", "v2", "notes", "notes.v2")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the room would have another document than the update") && !strings.Contains(string(out), "the update is not a whole document") {
		t.Errorf("%v\n%s", err, out)
	}
	open(t, filepath.Join(dir, "yroom.db"), func(s *sqlitestore.Store) {
		if _, err := s.Load(t.Context(), "notes"); err == nil {
			t.Error("it was written")
		}
	})
}

func testCompaction(t *testing.T, program string) {
	dir := t.TempDir()
	db := filepath.Join(dir, "yroom.db")
	var before store.Log
	open(t, db, func(s *sqlitestore.Store) {
		entries := []store.Entry{{Encoding: store.V2, Data: collected(t)}}
		for clock := range uint64(100) {
			entries = append(entries, store.Entry{Encoding: store.V1, Data: testkit.Typed(7, clock, "t")})
		}
		for _, e := range entries {
			if _, err := s.Append(t.Context(), "notes", e); err != nil {
				t.Fatal(err)
			}
		}
		before = load(t, s)
	})

	server := testkit.Serve(t, program, dir, "--store", "sqlite:yroom.db")
	client := wsclient.Connect(t, server.URL("notes"), nil)
	client.MustSend(t, testkit.SyncStep1([]byte{0}))
	if _, _, err := client.Read(); err != nil { // the room is open
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	server.Signal(t, syscall.SIGTERM) // rooms are compacted when the server ends
	if status := server.Ended(t); status != 0 {
		t.Errorf("exit status %d", status)
	}

	open(t, db, func(s *sqlitestore.Store) {
		after := load(t, s)
		switch {
		case len(after.Entries) > 2:
			if diff := cmp.Diff(before.Entries, after.Entries); diff != "" {
				t.Errorf("the log has changed (- before, + after):\n%s", diff)
			}
		case !cmp.Equal(before.Entries[0], after.Entries[0]):
			t.Errorf("the log has %v in place of %v", after.Entries[0], before.Entries[0])
		}
		if log := server.Log.String(); !strings.Contains(log, "of client 5 are missing") && !strings.Contains(log, "of client 5 wait") {
			t.Errorf("the log says nothing:\n%s", log)
		}
	})
}

// testFixtures runs the test of a document that yjs has made and the server has received in
// V2, with a server that has the fault.
func testFixtures(t *testing.T, overlay string) {
	testkit.RequireNode(t, "../makers", "yjs")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^TestMakers$/^(v2|as_it_was_written)$/^(yjs13|v2)$/^yjs13$", "../makers")
	cmd.Env = append(cmd.Environ(), "GOFLAGS="+overlay)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL: TestMakers/") {
		t.Errorf("%v\n%s", err, out)
	}
}

// open calls do with the store in a file.
func open(t *testing.T, file string, do func(*sqlitestore.Store)) {
	t.Helper()
	s, err := sqlitestore.Open(file, sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s *sqlitestore.Store) store.Log {
	t.Helper()
	log, err := s.Load(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return log
}
