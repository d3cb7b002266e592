package makers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// pycrdt is a process of pycrdt_client.py.
type pycrdt struct {
	requests  *json.Encoder
	responses *bufio.Scanner
}

func startPycrdt(t *testing.T, url string) *pycrdt {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "pycrdt_client.py", url)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &pycrdt{json.NewEncoder(in), bufio.NewScanner(out)}
}

// ask makes an edit, and returns the text after it.
func (p *pycrdt) ask(t *testing.T, request string) string {
	t.Helper()
	var a struct{ View, Error string }
	if err := p.requests.Encode(json.RawMessage(request)); err != nil {
		t.Fatal(err)
	}
	if !p.responses.Scan() {
		t.Fatalf("%s: pycrdt has ended: %v", request, p.responses.Err())
	}
	if err := json.Unmarshal(p.responses.Bytes(), &a); err != nil || a.Error != "" {
		t.Fatalf("%s: %s %v", request, a.Error, err)
	}
	return a.View
}

// until waits until a client shows what is wanted.
func until(t *testing.T, what, want string, shows func() string) {
	t.Helper()
	testkit.Eventually(t, what+" "+want, func() string {
		if got := shows(); got != want {
			return "it shows " + got
		}
		return ""
	})
}

// TestPycrdtTypesInsideCharacters lets a connected pycrdt edit at indexes that fall inside
// characters, while a stock client of yjs edits too. Both, and a client that comes later,
// must show the same.
func TestPycrdtTypesInsideCharacters(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs")
	testkit.File(t, python, "run make test/makers/.venv/installed")
	server := testkit.Serve(t, program, t.TempDir(), "--store", "memory:")
	for _, first := range []string{"é", "éx", "aéb", "€x", "😀x", "é€😀"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			room := testkit.Unique("inside")
			js := testkit.StartNode(t, "listener.mjs", server.Host, room)
			shows := func(types string) (text string) {
				js.Ask(t, patience, json.RawMessage(types), &text)
				return text
			}
			py := startPycrdt(t, server.URL(room))
			for i, request := range []string{
				`{"op": "insert", "at": 0, "text": "` + first + `"}`,
				`{"op": "insert", "at": 1, "text": "1"}`,
				`{"op": "insert", "at": 1, "text": "é"}`,
				`{"op": "insert", "at": 2, "text": "2"}`,
				`{"op": "embed", "at": 1}`,
				`{"op": "format", "at": 1, "to": 3}`,
				`{"op": "delete", "at": 1, "to": 2}`,
				`{"op": "insert", "at": 2, "text": "3€"}`,
				`{"op": "insert", "at": 3, "text": "4"}`,
			} {
				wrote := py.ask(t, request)
				until(t, "the stock client shows", wrote, func() string { return shows(`""`) })
				if i%3 == 1 {
					wrote = shows(fmt.Sprintf(`"js%d"`, i))
					until(t, "pycrdt shows", wrote, func() string { return py.ask(t, `{"op": "read"}`) })
				}
			}
			want := shows(`""`)
			if got := startPycrdt(t, server.URL(room)).ask(t, `{"op": "read"}`); got != want {
				t.Errorf("another pycrdt shows %q, want %q", got, want)
			}
			late := testkit.StartNode(t, "listener.mjs", server.Host, room)
			var got string
			if late.Ask(t, patience, "", &got); got != want {
				t.Errorf("a client that comes later shows %q, want %q", got, want)
			}
		})
	}
}
