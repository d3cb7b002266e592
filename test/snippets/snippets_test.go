// Package snippets bundles and runs the JavaScript in the documentation.
package snippets

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
)

type snippet struct {
	Name string `json:"name"`
	Code string `json:"code"`
}

// snippets returns the JavaScript code blocks of all documents. It skips the test if
// the npm modules are missing.
func snippets(t *testing.T) (all []snippet) {
	t.Helper()
	testkit.RequireNode(t, ".", "yjs")
	blocks, err := markdown.Blocks(os.DirFS("../.."), "js")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		all = append(all, snippet{b.String(), b.Text})
	}
	return all
}

// bundle returns the errors of bundling snippets.
func bundle(t *testing.T, all []snippet) (wrong []string) {
	t.Helper()
	input, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	out := testkit.RunNode(t, 2*time.Minute, input, "bundle.mjs")
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatalf("%v in: %s", err, out)
	}
	return wrong
}

func TestBundle(t *testing.T) {
	all := snippets(t)
	if len(all) < 8 {
		t.Errorf("found %d snippets, want 8 or more", len(all))
	}
	for _, complaint := range bundle(t, all) {
		t.Error(complaint)
	}
}

func TestBundleErrors(t *testing.T) {
	all := snippets(t)
	room := all[slices.IndexFunc(all, func(s snippet) bool { return strings.HasPrefix(s.Code, "// room.js\n") })]
	for _, test := range []struct{ code, want string }{
		{"import { Nothing } from 'yjs'\nnew Nothing()\n", "No matching export"},
		{"import 'y-nothing'\n", "Could not resolve"},
		{"import './nothing.js'\n", "Could not resolve"},
		{"import { nothing } from './room.js'\nnothing()\n", "No matching export"},
		{"const = 1\n", "Expected identifier"},
	} {
		wrong := bundle(t, []snippet{room, {"bad", test.code}})
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "bad: "+test.want) {
			t.Errorf("bundling\n%sreports %q, want %q", test.code, wrong, test.want)
		}
	}
}

// sources returns the JavaScript of an npm package, as it is published.
func sources(t *testing.T, name string) (all string) {
	t.Helper()
	folder := os.DirFS("node_modules/" + name)
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".js") {
			return err
		}
		text, err := fs.ReadFile(folder, path)
		all += string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The packages of the editors set the classes that the CSS of the documentation is for.
func TestClasses(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs")
	blocks, err := markdown.Blocks(os.DirFS("../.."), "css")
	if err != nil {
		t.Fatal(err)
	}
	code := sources(t, "y-prosemirror") + sources(t, "@tiptap/extension-collaboration-caret") + sources(t, "y-monaco")
	seen := 0
	for _, b := range blocks {
		for _, class := range regexp.MustCompile(`\.([A-Za-z][\w-]*)`).FindAllStringSubmatch(b.Text, -1) {
			seen++
			if !regexp.MustCompile(`\b` + class[1] + `\b`).MatchString(code) {
				t.Errorf("%s: no package sets the class %s", b, class[1])
			}
		}
	}
	if seen < 5 {
		t.Errorf("found only %d classes", seen)
	}
}

// TipTap names its root as the documentation says.
func TestRootOfTipTap(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs")
	if !regexp.MustCompile(`field: ["']default["']`).MatchString(sources(t, "@tiptap/extension-collaboration")) {
		t.Error("the default of the option field isn't \"default\"")
	}
}

// TestNodeSnippetsRun runs each snippet for Node.js with the address of a server of its own.
func TestNodeSnippetsRun(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	web := httptest.NewServer(mux)
	defer web.Close()
	defer server.Shutdown(context.Background())

	want := map[string]string{ // what they print, by the page
		"README.md":       `"Written by a program"`,
		"docs/clients.md": `[{"title":"Water the plants","done":false}]`,
	}
	for _, s := range snippets(t) {
		if !strings.Contains(s.Code, "from 'ws'") {
			continue
		}
		page, _, _ := strings.Cut(s.Name, ":")
		node := testkit.StartNode(t, "--input-type=module")
		node.KillAfter(time.Minute)
		node.Input(t, []byte(strings.ReplaceAll(s.Code, "127.0.0.1:8000", web.Listener.Addr().String())))
		var printed json.RawMessage
		node.Read(t, &printed)
		if string(printed) != want[page] {
			t.Errorf("%s printed %s, want %s", s.Name, printed, want[page])
		}
		delete(want, page)
		node.Kill() // the snippet stays connected
	}
	for page := range want {
		t.Errorf("%s has no snippet for Node.js", page)
	}
}
