// Package snippets has the JavaScript of the documentation bundled and run.
package snippets

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
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

// snippets gives the JavaScript blocks of all documents. It skips the test where
// there is nothing to bundle them with.
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

// bundle gives what is wrong with snippets.
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

func TestSnippetsAreBundled(t *testing.T) {
	all := snippets(t)
	if len(all) < 8 {
		t.Errorf("there are %d snippets: where is the rest?", len(all))
	}
	for _, complaint := range bundle(t, all) {
		t.Error(complaint)
	}
}

func TestBundleSeesWhatIsWrong(t *testing.T) {
	room := snippets(t)[0]
	for _, test := range []struct{ code, want string }{
		{"import { Nothing } from 'yjs'\nnew Nothing()\n", "No matching export"},
		{"import 'y-nothing'\n", "Could not resolve"},
		{"import './nothing.js'\n", "Could not resolve"},
		{"import { nothing } from './room.js'\nnothing()\n", "No matching export"},
		{"const = 1\n", "Expected identifier"},
	} {
		wrong := bundle(t, []snippet{room, {"it", test.code}})
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "it: "+test.want) {
			t.Errorf("what is wrong with\n%sis %q, want %q", test.code, wrong, test.want)
		}
	}
}

// The snippet for Node.js runs as it stands, but for the server's address.
func TestNodeSnippetRuns(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	web := httptest.NewServer(mux)
	defer web.Close()
	defer server.Shutdown(context.Background())

	ran := 0
	for _, s := range snippets(t) {
		if !strings.Contains(s.Code, "from 'ws'") {
			continue
		}
		ran++
		node := testkit.StartNode(t, "--input-type=module")
		node.KillAfter(time.Minute)
		node.Input(t, []byte(strings.ReplaceAll(s.Code, "127.0.0.1:8000", web.Listener.Addr().String())))
		var todo []struct {
			Title string `json:"title"`
			Done  bool   `json:"done"`
		}
		node.Read(t, &todo)
		if len(todo) != 1 || todo[0].Title != "Water the plants" {
			t.Errorf("%s printed %+v", s.Name, todo)
		}
		node.Kill() // it stays connected
	}
	if ran == 0 {
		t.Error("no snippet is for Node.js")
	}
}
