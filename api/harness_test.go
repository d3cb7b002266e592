package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store/memstore"
)

// A document made by yjs, with roots of all kinds, and an update to it that inserts a
// sign before its title.
const (
	docV1  = "AQwFAAQBBXRpdGxlBkhlbGxvIIYFBQRib2xkBHRydWWEBQYFd29ybGSGBQsEYm9sZARudWxsCAEEbGlzdAN9AXcDPGE+figBBGZvcm0EbmFtZQF3A0FkYQcBC3Byb3NlbWlycm9yAwlwYXJhZ3JhcGgHAAURBgQABRICSGkHAQRwYWdlBgQABRUCeW8BAQRnb25lAQEFARgB"
	docV2  = "AAMAAwACRQUGCgIKDAIGABUEAIYAhACGAAgAKAAHAQQABwAEAAFRRHRpdGxlSGVsbG8gYm9sZHdvcmxkYm9sZGxpc3Rmb3JtbmFtZXByb3NlbWlycm9ycGFyYWdyYXBoSGlwYWdleW9nb25lBQYEBUQCCwkCBAIECQEDAAEBAAAAAQMDRgADA0EAAQwAeH59AXcDPGE+fncDQWRhAQUBGAA="
	docSV  = "AQUZ"
	moreV1 = "AQEFGUQFAAEhAQUBGAE="
)

func decode(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const theToken = "0123456789abcdef-token"

// apiPlace is a server with an API that requires a token, as in a program that embeds
// both.
type apiPlace struct {
	t        *testing.T
	rooms    *yroom.Server
	handler  *Handler
	web      *httptest.Server
	store    *faulty.Store // the store of rooms whose prefix is moody
	patience atomic.Int64  // the time limit of the server for one request, as a time.Duration; 0: none
	seen     *openAPI      // nil: responses are not checked
	problems sync.Map      // the problems in responses, with their status
}

func newAPIPlace(t *testing.T) *apiPlace {
	t.Helper()
	p := &apiPlace{t: t, store: faulty.New(memstore.New())}
	plain := faulty.New(memstore.New())
	plain.Set(faulty.Fail(errors.ErrUnsupported), faulty.Create, faulty.Delete, faulty.List, faulty.LoadAfter)
	p.rooms = newServer(t, map[string]yroom.Settings{
		"moody": {Store: p.store},
		"plain": {Store: plain},
		"tiny":  {Limits: yroom.Limits{Document: 64}},
		"quick": {RemoveDelay: time.Millisecond},
	})
	p.handler = New(Config{Documents: p.rooms.Documents(), BodyLimit: func(room string) int64 {
		if strings.HasPrefix(room, "small") {
			return 300
		}
		return 16 << 20
	}})
	site := newSite(p.rooms, p.handler)
	p.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d := time.Duration(p.patience.Load()); d > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), d)
			defer cancel()
			r = r.WithContext(ctx)
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		_ = p.rooms.Shutdown(context.Background()) // ends streams; newServer's own call reports its error
		p.web.Close()
	})
	return p
}

// newSite serves the rooms at /ws/, and the API to requests with the token.
func newSite(rooms *yroom.Server, api *Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/ws/"):
			http.StripPrefix("/ws", rooms).ServeHTTP(w, r)
		case r.URL.Path == "/api/openapi.yaml", r.Header.Get("Authorization") == "Bearer "+theToken:
			api.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="yroom"`)
			NewProblem("unauthorized", http.StatusUnauthorized, "The token is wrong", "Send the token.").Write(w)
		}
	})
}

func newServer(t *testing.T, rooms map[string]yroom.Settings) *yroom.Server {
	t.Helper()
	server, err := yroom.New(yroom.Config{
		Layer: workerless{memlayer.New()}, Rooms: rooms, Logger: testkit.Logger(t),
		Hooks: consumer.Hooks{Admit: func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
			return consumer.Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent, User: r.Token}, nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return server
}

// roomAddress returns the address of a room from the server's root.
func roomAddress(room string) string { return "/api" + RoomPath(room) }

func names(l List) (names []string) {
	for _, r := range l.Rooms {
		names = append(names, r.Name)
	}
	return names
}

// Updates of client 1, and messages.
var (
	typedHello = string(testkit.Typed(1, 0, "hello"))
	more       = string(testkit.Typed(1, 5, "!"))
	newcomer   = testkit.SyncStep1([]byte{0}) // the first message to a client in an empty room
)

func typing(update string) string { return string(testkit.Update([]byte(update))) }

// answered is a response that was read completely.
type answered struct {
	status int
	header http.Header
	body   string
}

// problem returns the name of the problem in the response; "" if it isn't one.
func (a answered) problem() string {
	var details Problem
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(a.body), &details) != nil || details.Status != a.status || details.Detail == "" {
		return ""
	}
	return details.Name()
}

// ask sends a request with the token. header holds names and values in turn; the value
// "-" removes a field.
func (p *apiPlace) ask(method, address, content string, header ...string) answered {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute) // documents with many conflicts take long with the race detector
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.web.URL+address, strings.NewReader(content))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+theToken)
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "-" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Errorf("%s %s: %v", method, address, err)
	}
	if p.seen != nil {
		p.seen.check(r, resp, body)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": ""} {
		if got := resp.Header.Get(name); got != want {
			p.t.Errorf("%s %s: %s is %q, want %q", method, address, name, got, want)
		}
	}
	a := answered{resp.StatusCode, resp.Header, string(body)}
	if method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/events") {
		head := p.ask(http.MethodHead, address, "", header...)
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Vary", "WWW-Authenticate"} {
			if head.header.Get(name) != a.header.Get(name) {
				p.t.Errorf("HEAD %s: %s is %q, and %q with GET", address, name, head.header.Get(name), a.header.Get(name))
			}
		}
		if head.status != a.status || head.body != "" {
			p.t.Errorf("HEAD %s: status %d and %q, and %d with GET", address, head.status, head.body, a.status)
		}
	}
	return a
}

// want sends a request and fails the test unless the answer has this status.
func (p *apiPlace) want(status int, method, address, content string, header ...string) answered {
	p.t.Helper()
	a := p.ask(method, address, content, header...)
	if a.status != status {
		p.t.Errorf("%s %s: status %d, want %d\n%.300q", method, address, a.status, status, a.body)
	}
	return a
}

// wantProblem is want for a request that fails.
func (p *apiPlace) wantProblem(status int, problem, method, address, content string, header ...string) answered {
	p.t.Helper()
	a := p.want(status, method, address, content, header...)
	got := a.problem()
	p.problems.Store(got, status)
	if got != problem {
		p.t.Errorf("%s %s: the problem is %q, want %q\n%.300q", method, address, got, problem, a.body)
	}
	return a
}

// make creates a room of docV1.
func (p *apiPlace) make(room string) {
	p.t.Helper()
	p.want(http.StatusCreated, http.MethodPut, roomAddress(room), string(decode(p.t, docV1)), "If-None-Match", "*")
}
