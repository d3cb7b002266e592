package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit/wsclient"
)

const tokenSecret = "0123456789abcdef0123456789abcdef"

// makeToken prints a token with yroom token.
func makeToken(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("yroom", append([]string{"token"}, args...)...)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%v\n%s", err, failed.Stderr)
		}
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// inDir returns a new directory with files, given as names and contents.
func inDir(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A server with keys admits the clients that a token admits, wherever the token is, and
// logs no token.
func TestServeTokens(t *testing.T) {
	t.Parallel()
	dir := inDir(t, "secret", tokenSecret, "yroom.yaml", "jwt_key_file: secret\njwt_cookie: room_token\njwt_audience: docs\n")
	s := startIn(t, dir, "--log-level", "debug")
	token := makeToken(t, dir, "--room", "team/*", "--user", "u1", "--name", "Ada")
	short := makeToken(t, dir, "--room", "team/a", "--expires", "2s")
	signature := token[strings.LastIndex(token, ".")+1:]
	for name, tc := range map[string]struct {
		room   string
		header http.Header
		status int
	}{
		"query":     {"team/a?token=" + token, nil, 101},
		"header":    {"team/a", http.Header{"Authorization": {"Bearer " + token}}, 101},
		"cookie":    {"team/a", http.Header{"Cookie": {"room_token=" + token}}, 101},
		"no token":  {"team/a", nil, 401},
		"changed":   {"team/a?token=" + token[:len(token)-6] + "AAAAAA", nil, 401},
		"room":      {"other?token=" + token, nil, 403},
		"nonsense":  {"team/a?token=" + url.QueryEscape(strings.Repeat("ü", 50)), nil, 401},
		"read only": {"team/a?readonly&token=" + token, nil, 101},
	} {
		if got := wsclient.Status(t, s.URL(tc.room), tc.header); got != tc.status {
			t.Errorf("%s: status %d, want %d", name, got, tc.status)
		}
	}
	c := wsclient.Connect(t, s.URL("team/a?token="+short), nil)
	defer c.Close()
	if code, reason, err := c.AwaitClose(); code != 4401 || !strings.Contains(reason, "expired") {
		t.Errorf("after the expiry: %d %q %v", code, reason, err)
	}
	s.Stop(t)
	for _, secret := range []string{token, short, signature, tokenSecret} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log has %s:\n%s", secret, &s.Log)
		}
	}
}

// A server with --forward-auth asks the app about each client, and again about those that
// are connected.
func TestServeForwardAuth(t *testing.T) {
	t.Parallel()
	var access atomic.Value
	access.Store(`{"access":"write","user":"u1"}`)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Cookie") != "session=ada":
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "Log in first.")
		case r.Header.Get("X-Yroom-Room") == "broken":
			w.WriteHeader(http.StatusInternalServerError)
		case access.Load() == "":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = io.WriteString(w, access.Load().(string))
		}
	}))
	defer app.Close()
	dir := inDir(t, "yroom.yaml", "forward_auth: "+app.URL+"\nforward_auth_every: 1s\n")
	s := startIn(t, dir)
	ada := http.Header{"Cookie": {"session=ada"}}
	for name, tc := range map[string]struct {
		room   string
		header http.Header
		status int
	}{
		"ada":      {"doc", ada, 101},
		"stranger": {"doc", nil, 401},
		"broken":   {"broken", ada, 503},
	} {
		if got := wsclient.Status(t, s.URL(tc.room), tc.header); got != tc.status {
			t.Errorf("%s: status %d, want %d", name, got, tc.status)
		}
	}
	c := wsclient.Connect(t, s.URL("doc"), ada)
	defer c.Close()
	access.Store("")
	begin := time.Now()
	if code, _, err := c.AwaitClose(); code != 4403 {
		t.Errorf("closed with %d (%v) after the right was taken away, want 4403", code, err)
	}
	t.Logf("closed after %v", time.Since(begin))
	app.Close()
	if got := wsclient.Status(t, s.URL("other"), ada); got != http.StatusServiceUnavailable {
		t.Errorf("without the app: status %d, want 503", got)
	}
}
