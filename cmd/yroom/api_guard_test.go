package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
)

// The API requires the token, except for its description.
func TestAPIGuard(t *testing.T) {
	server := newServer(t, yroom.Config{})
	on := testSite(server, guard{token: newToken(theToken)})
	off := testSite(server, guard{})
	for _, test := range []struct {
		site          *site
		address       string
		authorization string
		status        int
		problem       string
		says          string
	}{
		{on, "/api/rooms", "", 401, "unauthorized", "Authorization: Bearer"},
		{on, "/api/rooms/a", "", 401, "unauthorized", "Authorization: Bearer"},
		{on, "/api/rooms/a/events", "Bearer x", 401, "unauthorized", "This is not"},
		{on, "/api/nothing", "", 401, "unauthorized", ""},
		{on, "/api/openapi.yaml", "", 200, "", "openapi: "},
		{on, "/api/rooms", "Bearer " + theToken, 200, "", `{"rooms":[]`},
		{on, "/api/rooms/a", "Bearer " + theToken, 404, "no-such-room", ""},
		{off, "/api/rooms", "", 404, "no-such-address", "--api-token-file"},
		{off, "/api/openapi.yaml", "Bearer ", 404, "no-such-address", "--api-token-file"},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+test.address, nil)
		if test.authorization != "" {
			r.Header.Set("Authorization", test.authorization)
		}
		w := httptest.NewRecorder()
		test.site.ServeHTTP(w, r)
		var problem api.Problem
		_ = json.Unmarshal(w.Body.Bytes(), &problem)
		if w.Code != test.status || problem.Name() != test.problem || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("%s with %q: status %d, %s", test.address, test.authorization, w.Code, w.Body)
		}
		if w.Code == http.StatusUnauthorized && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="yroom"`) {
			t.Errorf("%s: no challenge: %v", test.address, w.Header())
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", test.address, got)
		}
	}
}

// A server that shuts down does not wait for event streams.
func TestServeEndsStreams(t *testing.T) {
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir, "--api-token-file", "yroom.token")
	if _, status := room(t, dir, "import", "notes", "notes.update", "--server", "http://"+s.Host, "--token-file", "yroom.token"); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Host+"/api/rooms/notes/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = bearer(theToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	for line := ""; line != "event: update\n"; {
		if line, err = stream.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s.Signal(t, syscall.SIGTERM)
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("the stream ended with %v", err)
	}
	if status := s.Ended(t); status != 0 {
		t.Errorf("exit status %d\n%s", status, &s.Log)
	}
}
