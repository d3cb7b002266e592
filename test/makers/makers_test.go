// Package makers serves, stores, compacts and exports documents that were made by other
// programs, the makers: bindings of editors and of stores to Yjs, and implementations of Yjs.
// Each maker must read back what it has written.
package makers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store/sqlitestore"
)

var (
	update  = flag.Bool("update", false, "write the table of docs/clients.md")
	program string // yroom
)

func TestMain(m *testing.M) { testkit.MainWithProgram(m, &program) }

// bindings are the modules that edit a document while they are connected, and engines
// those that make one without a server.
var (
	bindings = []string{"prosemirror", "tiptap", "blocknote", "lexical", "slate", "quill", "codemirror", "monaco", "excalidraw", "syncedstore", "valtio"}
	engines  = []string{"yjs13", "yjs14", "ywasm", "pycrdt"}
)

const (
	python   = ".venv/bin/python"
	patience = time.Minute // for one answer
	token    = "0123456789abcdef0123456789abcdef"

	// Rooms whose names begin with v2/ have updates and snapshots in V2.
	settings = "rooms:\n  v2/:\n    update_version: 2\n"
)

// fixture is the processes of makers, and a server with its file.
type fixture struct {
	dir    string
	node   *testkit.Node
	server *testkit.Server
	other  *testkit.Server // to which documents are copied
}

func newFixture(t *testing.T) *fixture {
	testkit.RequireNode(t, ".", "yjs")
	testkit.RequireNode(t, "..", "ywasm", "@y/y")
	testkit.File(t, python, "run make test/makers/.venv/installed")
	f := &fixture{dir: t.TempDir(), node: testkit.StartNode(t, "makers.mjs")}
	for name, text := range map[string]string{"yroom.yaml": settings, "yroom.token": token} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.serve(t)
	f.other = testkit.Serve(t, program, f.dir, "--store", "memory:", "--config", "yroom.yaml", "--api-token-file", "yroom.token")
	return f
}

func (f *fixture) serve(t *testing.T) {
	t.Helper()
	f.server = testkit.Serve(t, program, f.dir, "--store", "sqlite:yroom.db", "--config", "yroom.yaml", "--api-token-file", "yroom.token")
}

// restart ends the server, which compacts the logs of its rooms, and starts another one.
func (f *fixture) restart(t *testing.T) {
	t.Helper()
	f.server.Signal(t, syscall.SIGTERM)
	if status := f.server.Ended(t); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	f.serve(t)
}

// answer is what a maker answers.
type answer struct {
	V1, V2   string
	View     any
	Types    map[string]int
	Versions []string
	Error    string
}

func (f *fixture) ask(t *testing.T, maker string, request map[string]any) (a answer) {
	t.Helper()
	request["maker"] = maker
	if maker == "pycrdt" {
		line, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), python, "pycrdt_maker.py")
		cmd.Stdin = bytes.NewReader(line)
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &a)
		}
		if err != nil {
			t.Fatal(err)
		}
	} else {
		f.node.Ask(t, patience, request, &a)
	}
	if a.Error != "" {
		t.Fatal(a.Error)
	}
	return a
}

// do sends a request to the document API, and returns the body of the response.
func (f *fixture) do(t *testing.T, method, room, query, contentType string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+f.server.Host+"/api"+api.RoomPath(room)+query, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %s %v", method, room, resp.Status, got, err)
	}
	return got
}

// compacted fails unless the log of the room is one entry in its encoding.
func (f *fixture) compacted(t *testing.T, room string) {
	t.Helper()
	s, err := sqlitestore.Open(filepath.Join(f.dir, "yroom.db"), sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log, err := s.Load(t.Context(), room)
	if err != nil || len(log.Entries) != 1 {
		t.Fatalf("the log has %d entries: %v", len(log.Entries), err)
	}
	if want := room[1] - '0'; byte(log.Entries[0].Encoding) != want {
		t.Errorf("the snapshot is in V%d", log.Entries[0].Encoding)
	}
}

// imported imports the room's document into a room of another server, and exports it from
// there.
func (f *fixture) imported(t *testing.T, room string) []byte {
	t.Helper()
	copied := testkit.Unique(room + "/copy")
	run := func(in []byte, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), program, append(args, "--server", "http://"+f.other.Host, "--token-file", "yroom.token")...)
		cmd.Dir, cmd.Stdin = f.dir, bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	run(f.do(t, http.MethodGet, room, "?format=update", "", nil), "room", "import", "--new", copied, "-")
	return run(nil, "room", "export", copied)
}

// read fails unless the maker reads want from what the server has of the room.
func (f *fixture) read(t *testing.T, maker, room string, want any) {
	t.Helper()
	check := func(from string, update []byte, v2 bool) {
		t.Helper()
		got := f.ask(t, maker, map[string]any{"op": "read", "update": base64.StdEncoding.EncodeToString(update), "v2": v2})
		if diff := cmp.Diff(want, got.View); diff != "" {
			t.Errorf("%s reads from %s (- as made, + now):\n%s", maker, from, diff)
		}
	}
	check("the export in V1", f.do(t, http.MethodGet, room, "?format=update", "", nil), false)
	check("another store", f.imported(t, room), false)
	if maker != "pycrdt" { // pycrdt has no V2
		check("the export in V2", f.do(t, http.MethodGet, room, "?format=update-v2", "", nil), true)
	}
}

func TestMakers(t *testing.T) {
	f := newFixture(t)
	type made struct {
		maker, room string
		view        any
		yjs         any  // what yjs 13 reads, or nil
		live        bool // it was made with clients that were connected
	}
	var documents []made
	versions := make(map[string][]string)
	for _, encoding := range []string{"v1", "v2"} {
		for _, maker := range bindings {
			room := encoding + "/" + maker
			t.Run(room, func(t *testing.T) {
				a := f.ask(t, maker, map[string]any{"op": "write", "host": f.server.Host, "room": room, "hocuspocus": encoding == "v2"})
				if a.Types["ContentDeleted"]+a.Types["GC"] == 0 {
					t.Errorf("nothing was deleted: %v", a.Types)
				}
				versions[maker] = a.Versions
				documents = append(documents, made{maker, room, a.View, nil, true})
			})
		}
		for _, maker := range engines {
			room := encoding + "/" + maker
			t.Run(room, func(t *testing.T) {
				a := f.ask(t, maker, map[string]any{"op": "make"})
				form, contentType := a.V1, api.TypeUpdateV1
				if encoding == "v2" && a.V2 != "" {
					form, contentType = a.V2, api.TypeUpdateV2
				}
				update, err := base64.StdEncoding.DecodeString(form)
				if err != nil {
					t.Fatal(err)
				}
				f.do(t, http.MethodPost, room, "", contentType, update)
				versions[maker] = a.Versions
				d := made{maker, room, a.View, nil, false}
				if maker != "yjs14" { // yjs 13 doesn't show the texts in its elements
					d.yjs = f.ask(t, "yjs13", map[string]any{"op": "read", "update": form, "v2": contentType == api.TypeUpdateV2}).View
				}
				documents = append(documents, d)
			})
		}
	}
	check := func(t *testing.T) {
		for _, d := range documents {
			t.Run(d.room, func(t *testing.T) {
				f.read(t, d.maker, d.room, d.view)
				if d.yjs != nil {
					f.read(t, "yjs13", d.room, d.yjs)
				}
				if !d.live {
					return
				}
				got := f.ask(t, d.maker, map[string]any{"op": "live", "host": f.server.Host, "room": d.room, "hocuspocus": strings.HasPrefix(d.room, "v2/")})
				if diff := cmp.Diff(d.view, got.View); diff != "" {
					t.Errorf("a client that connects now sees (- what the authors saw, +):\n%s", diff)
				}
			})
		}
	}
	t.Run("as it was written", check)
	f.restart(t)
	t.Run("compacted", func(t *testing.T) {
		for _, d := range documents {
			if d.live { // the others are one entry from the beginning
				f.compacted(t, d.room)
			}
		}
		check(t)
	})
	if !t.Failed() {
		checkTable(t, versions)
	}
}

// checkTable compares the table of docs/clients.md with the versions of what was tested.
func checkTable(t *testing.T, versions map[string][]string) {
	t.Helper()
	const file, begin, end = "../../docs/clients.md", "<!-- versions -->\n", "<!-- end of versions -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", file, begin, end)
	}
	var want strings.Builder
	want.WriteString("| made with | |\n|---|---|\n")
	for _, maker := range slices.Concat(bindings, engines) {
		fmt.Fprintf(&want, "| %s | %s |\n", titles[maker], strings.Join(versions[maker], ", "))
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), table); diff != "" {
		t.Errorf("the table of %s isn't what was tested; go test ./test/makers -update writes it (- tested, + page):\n%s", file, diff)
	}
}

var titles = map[string]string{
	"prosemirror": "ProseMirror", "tiptap": "TipTap", "blocknote": "BlockNote", "lexical": "Lexical", "slate": "Slate", "quill": "Quill",
	"codemirror": "CodeMirror", "monaco": "Monaco", "excalidraw": "Excalidraw", "syncedstore": "SyncedStore", "valtio": "valtio",
	"yjs13": "yjs 13", "yjs14": "yjs 14", "ywasm": "yrs, in WebAssembly", "pycrdt": "yrs, in Python",
}
