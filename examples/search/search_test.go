package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/webhook"
)

var program string // the path of the yroom binary

func TestMain(m *testing.M) { testkit.MainWithProgram(m, &program) }

const (
	secretText = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	token      = "0123456789abcdef"
)

// start starts the index on a file.
func start(t *testing.T, path string) (*index, *httptest.Server) {
	t.Helper()
	secret, err := webhook.ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := openIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler(rooms, secret))
	t.Cleanup(func() {
		server.Close()
		if err := rooms.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return rooms, server
}

// search returns the rooms that the index finds.
func search(t *testing.T, server *httptest.Server, query string) (all []found) {
	t.Helper()
	answer, err := http.Get(server.URL + "/search?q=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	return all
}

// eventually waits until a search finds these rooms.
func eventually(t *testing.T, server *httptest.Server, query string, want ...found) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("the index finds %q", query), func() string {
		return cmp.Diff(append([]found{}, want...), search(t, server, query))
	})
}

// The index follows what happens to the rooms of a server.
func TestSearch(t *testing.T) {
	_, server := start(t, filepath.Join(t.TempDir(), "search.db"))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"search.secret": secretText,
		"yroom.token":   token,
		"yroom.yaml": "api_token_file: yroom.token\nwebhooks: {search: {url: '" + server.URL +
			"/rooms', secret_file: search.secret, content: text, delay: 1ms, allow: [127.0.0.1]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yroom := testkit.Serve(t, program, dir)
	call := func(method, room string, update []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+yroom.Host+"/api/rooms/"+url.PathEscape(room), bytes.NewReader(update))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/octet-stream")
		if method == http.MethodPut {
			r.Header.Set("If-None-Match", "*")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s", method, room, answer.Status)
		}
	}
	call(http.MethodPut, "may", testkit.Typed(1, 0, "Minutes of May"))
	call(http.MethodPut, "june", testkit.Typed(1, 0, "Minutes of June"))
	eventually(t, server, "minutes may", found{"may", "Minutes of May"})
	eventually(t, server, "june", found{"june", "Minutes of June"})
	call(http.MethodPost, "may", testkit.Typed(1, 14, "\nPresent: Ada"))
	eventually(t, server, "ada", found{"may", "Minutes of May\nPresent: Ada"})
	call(http.MethodDelete, "june", nil)
	eventually(t, server, "june")
	eventually(t, server, "minutes", found{"may", "Minutes of May\nPresent: Ada"})
}

// Events that arrive twice or late change nothing, and the index outlives the process.
func TestOldEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	event := func(kind webhook.Event, at store.Position, text string) webhook.Message {
		m := webhook.Message{Type: kind, Data: webhook.Data{Room: "room", Position: at}}
		if text != "" {
			m.Data.Content, _ = json.Marshal(text)
		}
		return m
	}
	rooms, server := start(t, path)
	for _, m := range []webhook.Message{
		event(webhook.Created, 1, ""), event(webhook.Changed, 3, `the "new" text`), event(webhook.Changed, 3, `the "new" text`), event(webhook.Changed, 2, "an old text"),
	} {
		if err := rooms.take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, server, `"new`, found{"room", `the "new" text`})
	eventually(t, server, "old")
	eventually(t, server, "")
	_, server = start(t, path)
	eventually(t, server, "text", found{"room", `the "new" text`})
	for _, m := range []webhook.Message{event(webhook.Deleted, 4, ""), event(webhook.Changed, 3, "the text")} {
		if err := rooms.take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, server, "text")
	for _, m := range []webhook.Message{
		event(webhook.Created, 5, ""), event(webhook.Changed, 5, "the text of a new room"),
		event(webhook.Deleted, 4, ""), event(webhook.Created, 5, ""), // again, as after a replay
	} {
		if err := rooms.take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, server, "text", found{"room", "the text of a new room"})
}

// Only requests that the secret has signed are taken.
func TestUnsigned(t *testing.T) {
	_, server := start(t, filepath.Join(t.TempDir(), "search.db"))
	answer, err := http.Post(server.URL+"/rooms", "application/json", bytes.NewReader([]byte(`{"type":"room.changed","data":{"room":"room","position":1,"content":"text"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a request without a signature was answered with %s", answer.Status)
	}
	eventually(t, server, "text")
}
