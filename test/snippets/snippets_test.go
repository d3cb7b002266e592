// Package snippets has the JavaScript of the documentation bundled and run.
package snippets

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/markdown"
)

type snippet struct {
	Name string `json:"name"`
	Code string `json:"code"`
}

// snippets gives the JavaScript blocks of all documents. It skips the test where
// there is nothing to bundle them with.
func snippets(t *testing.T) (all []snippet) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("YROOM_TEST_REQUIRED") == "1" {
		missing = t.Fatal
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is not installed")
	}
	if _, err := os.Stat("node_modules/yjs"); err != nil {
		missing("the npm packages are not installed: run npm ci in the folder test/snippets")
	}
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "bundle.mjs")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
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
	server, err := yroom.New(yroom.Config{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "node", "--input-type=module")
		cmd.Stdin = strings.NewReader(strings.ReplaceAll(s.Code, "127.0.0.1:8000", web.Listener.Addr().String()))
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var todo []struct {
			Title string `json:"title"`
			Done  bool   `json:"done"`
		}
		if err := json.NewDecoder(out).Decode(&todo); err != nil || len(todo) != 1 || todo[0].Title != "Water the plants" {
			t.Errorf("%s printed %+v (%v)", s.Name, todo, err)
		}
		cancel() // it stays connected
		_ = cmd.Wait()
	}
	if ran == 0 {
		t.Error("no snippet is for Node.js")
	}
}
