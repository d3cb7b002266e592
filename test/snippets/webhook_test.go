package snippets

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/webhook"
)

// request is a request as a receiver in Node.js has it.
type request struct {
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// sent returns a request of a webhook.
func sent(t *testing.T, secret string) request {
	t.Helper()
	arrived := make(chan request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := request{secret, map[string]string{}, string(body)}
		for name := range r.Header {
			got.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		arrived <- got
	}))
	defer receiver.Close()
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "rooms.db"), sqlitestore.Config{Shared: true, Webhooks: func(string, store.NoticeKind) []string { return []string{"search"} }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Create(t.Context(), "minütes", store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, "text")}); err != nil {
		t.Fatal(err)
	}
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	d, err := webhook.New(webhook.Config{
		Hooks:  []webhook.Hook{{Name: "search", URL: receiver.URL, Secret: key, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
		Stores: []webhook.Store{s},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	defer running.Wait()
	defer cancel()
	select {
	case got := <-arrived:
		return got
	case <-time.After(testkit.Patience):
		t.Fatal("there was no request")
		return request{}
	}
}

// The function in docs/webhooks.md accepts a request, and no other.
func TestVerifyWebhook(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs")
	blocks, err := markdown.Blocks(os.DirFS("../.."), "js")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, b := range blocks {
		if strings.HasPrefix(b.Text, "// verify.js\n") {
			if err := os.WriteFile(filepath.Join(dir, "verify.mjs"), []byte(b.Text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := filepath.Join(dir, "run.mjs")
	if err := os.WriteFile(script, []byte(`import { verify } from './verify.mjs'
import { text } from 'node:stream/consumers'
const results = JSON.parse(await text(process.stdin)).map(({ secret, headers, body }) => {
  try {
    return verify(secret, headers, body).data.room
  } catch (error) {
    return error.message
  }
})
console.log(JSON.stringify(results))
`), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	good := sent(t, secret)
	var all []request
	var wants []string
	add := func(want string, change func(*request)) {
		r := request{good.Secret, maps.Clone(good.Headers), good.Body}
		change(&r)
		all, wants = append(all, r), append(wants, want)
	}
	const wrong = "the signature is wrong"
	add("minütes", func(*request) {})
	add("minütes", func(r *request) { r.Secret += "\n" })
	add("minütes", func(r *request) { r.Headers["webhook-signature"] = "v1,AAAA " + r.Headers["webhook-signature"] })
	add(wrong, func(r *request) { r.Body = strings.Replace(r.Body, "room.", "boom.", 1) })
	add(wrong, func(r *request) { r.Secret = "whsec_" + strings.Repeat("A", 43) + "=" })
	add(wrong, func(r *request) { r.Headers["webhook-id"] += "0" })
	add(wrong, func(r *request) { r.Headers["webhook-timestamp"] = "1" })
	add(wrong, func(r *request) { delete(r.Headers, "webhook-signature") })
	input, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := json.Unmarshal(testkit.RunNode(t, time.Minute, input, script), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range wants {
		if got[i] != want {
			t.Errorf("request %d: %q, want %q", i, got[i], want)
		}
	}
}
