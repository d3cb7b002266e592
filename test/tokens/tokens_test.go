// Package tokens runs the apps of docs/authentication.md, and lets yroom admit clients by
// what they say.
package tokens

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/auth"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

const secret = "0123456789abcdef0123456789abcdef"

const python = ".venv/bin/python"

// documented returns the blocks of a language in docs/authentication.md, joined.
func documented(t *testing.T, language string) string {
	t.Helper()
	blocks, err := markdown.Blocks(os.DirFS("../.."), language)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, b := range blocks {
		if b.File == "docs/authentication.md" {
			all = append(all, b.Text)
		}
	}
	if len(all) == 0 {
		t.Fatalf("docs/authentication.md has no block in %s", language)
	}
	return strings.Join(all, "\n")
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keyFile returns a file with the secret.
func keyFile(t *testing.T) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "secret"), secret)
}

// startDjango starts the Django app, and returns its address.
func startDjango(t *testing.T) string {
	t.Helper()
	testkit.File(t, python, "make tools installs Django")
	views := write(t, filepath.Join(t.TempDir(), "views.py"), documented(t, "python"))
	app := exec.CommandContext(t.Context(), python, "app.py", views, secret)
	app.Stderr = os.Stderr
	out, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = app.Process.Kill()
		_ = app.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// serve starts a server that admits clients by admit, and returns its address.
func serve(t *testing.T, admit func(context.Context, consumer.Request) (consumer.Admission, error)) string {
	t.Helper()
	server, err := yroom.New(yroom.Config{Hooks: consumer.Hooks{Admit: admit}, Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	mux.Handle("/api/", api.New(api.Config{Documents: server.Documents(), Prefix: "/api"}))
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return web.URL
}

func tokens(t *testing.T) func(context.Context, consumer.Request) (consumer.Admission, error) {
	t.Helper()
	keys, err := auth.ReadKeys(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	j, err := auth.NewJWT(auth.JWTConfig{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return j.Admit
}

// status returns the status with which a client is refused, or 101.
func status(t *testing.T, server, room string, header http.Header) int {
	t.Helper()
	return wsclient.Status(t, "ws"+strings.TrimPrefix(server, "http")+"/ws/"+room, header)
}

// wantToken fails unless a token opens the room notes and no other.
func wantToken(t *testing.T, token string) {
	t.Helper()
	server := serve(t, tokens(t))
	if got := status(t, server, "notes?token="+token, nil); got != http.StatusSwitchingProtocols {
		t.Errorf("the token is refused with %d", got)
	}
	if got := status(t, server, "other?token="+token, nil); got != http.StatusForbidden {
		t.Errorf("another room: status %d", got)
	}
	if got := status(t, server, "notes", nil); got != http.StatusUnauthorized {
		t.Errorf("no token: status %d", got)
	}
}

func TestDjangoToken(t *testing.T) {
	app := startDjango(t)
	get := func(room string) (token string, status int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app+"/rooms/"+room+"/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "session", Value: "bob"})
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct{ Token string }
		if data, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode == http.StatusOK && json.Unmarshal(data, &answer) != nil {
			t.Fatalf("%v in %s", err, data)
		}
		return answer.Token, resp.StatusCode
	}
	token, _ := get("notes")
	wantToken(t, token)
	if _, status := get("ada-1"); status != http.StatusForbidden {
		t.Errorf("the app gives bob a token for the room of ada: %d", status)
	}
}

func TestNodeToken(t *testing.T) {
	testkit.RequireNode(t, "../snippets", "jose")
	var module string
	for text := range strings.SplitSeq(documented(t, "js"), "import * as Y") {
		if strings.Contains(text, "'jose'") {
			module = text
		}
	}
	// The module has to be where its package is.
	path := write(t, "../snippets/documented-token.mjs", module)
	defer func() { _ = os.Remove(path) }()
	node := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e",
		`import { roomToken } from './documented-token.mjs'; console.log(await roomToken({ id: 'u1', name: 'Ada' }, 'notes', '`+secret+`'))`)
	node.Dir = "../snippets"
	out, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantToken(t, strings.TrimSpace(string(out)))
}

// The function in Go is compiled by the tests of the documentation.
func TestGoToken(t *testing.T) {
	key, err := auth.ReadSigner(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.Sign(auth.Grant{Rooms: []string{"notes"}, Access: "write", User: "u1", Name: "Ada", Expires: time.Now().Add(10 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	wantToken(t, token)
}

func TestDjangoForwardAuth(t *testing.T) {
	app := startDjango(t)
	f, err := auth.NewForward(auth.ForwardConfig{URL: app + "/room-access"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	server := serve(t, f.Admit)
	session := func(name string) http.Header { return http.Header{"Cookie": {"session=" + name}} }
	for _, tc := range []struct {
		room   string
		header http.Header
		status int
	}{
		{"notes", nil, 401},
		{"notes", session("bob"), 101},
		{"a%2Fb%20%C3%BC", session("bob"), 101},
		{"ada-1", session("bob"), 403},
		{"ada-1", session("ada"), 101},
	} {
		if got := status(t, server, tc.room, tc.header); got != tc.status {
			t.Errorf("%s with %v: status %d, want %d", tc.room, tc.header, got, tc.status)
		}
	}
}

// A commenter is seen and can't write; the app adds the comment through the document API.
func TestCommenter(t *testing.T) {
	key, err := auth.ReadSigner(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.Sign(auth.Grant{Rooms: []string{"notes"}, Access: "read", User: "u1", Name: "Ada", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, tokens(t))
	commenter := wsclient.Connect(t, "ws"+strings.TrimPrefix(server, "http")+"/ws/notes?token="+token, nil)
	defer commenter.Close()
	if _, _, err := commenter.Read(); err != nil { // the first message: it is in the room
		t.Fatal(err)
	}
	forged, comment := testkit.Typed(1, 0, "not mine"), testkit.Typed(2, 0, "a comment")
	if err := commenter.Send(testkit.Update(forged)); err != nil {
		t.Fatal(err)
	}
	post, err := http.Post(server+"/api/rooms/notes", "application/octet-stream", strings.NewReader(string(comment)))
	if err != nil {
		t.Fatal(err)
	}
	_ = post.Body.Close()
	if post.StatusCode >= 300 {
		t.Fatalf("the comment was refused with %s", post.Status)
	}
	for {
		_, message, err := commenter.Read()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(message), "not mine") {
			t.Error("the commenter has written")
		}
		if strings.Contains(string(message), "a comment") {
			break
		}
	}
}
