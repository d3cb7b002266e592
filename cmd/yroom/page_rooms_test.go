package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

const theToken = "0123456789abcdef-token"

// testSite returns the site of a process that is called c, with a worker.
func testSite(server *yroom.Server, g guard) *site {
	set := defaults
	set.Name = "c"
	h := &health{layer: memoryLayer{}}
	return newSite(server, g, h, newMetrics(slog.New(slog.DiscardHandler)), nil, newMonitor(server, set.Name, true, h, newRecentLog()), set, nil)
}

func TestAccessToRooms(t *testing.T) {
	with, without := guard{token: newToken(theToken)}, guard{}
	for _, test := range []struct {
		name   string
		guard  guard
		remote string
		host   string
		header http.Header
		want   int
	}{
		{"this machine", without, "127.0.0.1:4000", "localhost:8000", nil, 200},
		{"this machine by IPv6", without, "[::1]:4000", "[::1]:8000", nil, 200},
		{"this machine by IPv4 in IPv6", without, "[::ffff:127.0.0.1]:4000", "127.0.0.1:8000", nil, 200},
		{"this machine where a token is", with, "127.0.0.1:4000", "localhost:8000", nil, 200},
		{"another machine", without, "192.0.2.1:4000", "localhost:8000", nil, 403},
		{"another machine where a token is", with, "192.0.2.1:4000", "localhost:8000", nil, 401},
		{"a name that leads here", without, "127.0.0.1:4000", "evil.example:8000", nil, 403},
		{"a name that leads here where a token is", with, "127.0.0.1:4000", "evil.example:8000", nil, 401},
		{"no host", without, "127.0.0.1:4000", "", nil, 403},
		{"no port", without, "127.0.0.1", "localhost", nil, 403},
		{"X-Forwarded-For", without, "127.0.0.1:4000", "localhost", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, 403},
		{"Forwarded", without, "127.0.0.1:4000", "localhost", http.Header{"Forwarded": {"for=127.0.0.1"}}, 403},
		{"Forwarded, but empty", without, "127.0.0.1:4000", "localhost", http.Header{"Forwarded": {""}}, 403},
		{"X-Real-IP", without, "127.0.0.1:4000", "localhost", http.Header{"X-Real-Ip": {"192.0.2.1"}}, 403},
		{"Via", without, "127.0.0.1:4000", "localhost", http.Header{"Via": {"1.1 proxy"}}, 403},
		{"a proxy that says nothing", guard{proxied: true}, "127.0.0.1:4000", "localhost", nil, 403},
		{"a proxy, with the token", guard{token: with.token, proxied: true}, "127.0.0.1:4000", "localhost", bearer(theToken), 200},
		{"the token", with, "192.0.2.1:4000", "app.example.com", bearer(theToken), 200},
		{"the token, forwarded", with, "127.0.0.1:4000", "localhost", http.Header{
			"Authorization": {"bearer " + theToken}, "X-Forwarded-For": {"192.0.2.1"},
		}, 200},
		{"another token", with, "192.0.2.1:4000", "app.example.com", bearer(theToken + "x"), 401},
		{"the beginning of the token", with, "192.0.2.1:4000", "app.example.com", bearer(theToken[:15]), 401},
		{"no token", with, "192.0.2.1:4000", "app.example.com", bearer(""), 401},
		{"no scheme", with, "192.0.2.1:4000", "app.example.com", http.Header{"Authorization": {theToken}}, 401},
		{"another scheme", with, "192.0.2.1:4000", "app.example.com", http.Header{"Authorization": {"Basic " + theToken}}, 401},
		{"a token where there is none", without, "192.0.2.1:4000", "app.example.com", bearer(""), 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newServer(t, yroom.Config{})
			for _, path := range []string{"/rooms.json", "/cluster.json", "/room.json?room=a"} {
				r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
				r.RemoteAddr, r.Host = test.remote, test.host
				if test.header != nil {
					r.Header = test.header
				}
				w := httptest.NewRecorder()
				testSite(server, test.guard).ServeHTTP(w, r)
				want := test.want
				if want == http.StatusOK && strings.HasPrefix(path, "/room.json") {
					want = http.StatusNotFound // there is no such room
				}
				if w.Code != want {
					t.Errorf("%s: status %d, want %d\n%s", path, w.Code, want, w.Body)
				}
				for name, value := range map[string]string{
					"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json",
				} {
					if got := w.Header().Get(name); got != value {
						t.Errorf("%s: %s is %q, want %q", path, name, got, value)
					}
				}
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("%s: no JSON: %s", path, w.Body)
				}
			}
			r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
			r.RemoteAddr, r.Host = test.remote, test.host
			if test.header != nil {
				r.Header = test.header
			}
			w := httptest.NewRecorder()
			testSite(server, test.guard).ServeHTTP(w, r)
			if w.Code != test.want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("/metrics: status %d, want %d\n%s", w.Code, test.want, w.Body)
			}
		})
	}
}

func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

func TestRoomDataIsForGET(t *testing.T) {
	site := testSite(newServer(t, yroom.Config{}), guard{})
	for _, method := range []string{http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodDelete} {
		r := httptest.NewRequest(method, "http://localhost/rooms.json", http.NoBody)
		r.RemoteAddr = "127.0.0.1:4000"
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodGet {
			t.Errorf("%s: status %d, Allow: %s", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func newServer(t *testing.T, cfg yroom.Config) *yroom.Server {
	t.Helper()
	cfg.Logger = testkit.Logger(t)
	server, err := yroom.New(cfg)
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

// place is a server with clients and the data for operators.
type place struct {
	t   *testing.T
	web *httptest.Server

	monitor *monitor
}

func newPlace(t *testing.T, cfg yroom.Config) *place {
	t.Helper()
	var err error
	if cfg.Hooks.Admit, err = (AuthSettings{}).admission(); err != nil {
		t.Fatal(err)
	}
	site := testSite(newServer(t, cfg), guard{})
	p := &place{t, httptest.NewServer(site), site.roomData.(*roomData).monitor}
	t.Cleanup(p.web.Close)
	return p
}

func (p *place) connect(room string) *wsclient.Client {
	p.t.Helper()
	return wsclient.Connect(p.t, p.web.URL+"/ws/"+room, nil)
}

// say sends an update and waits for its echo.
func (p *place) say(c *wsclient.Client, message string) {
	p.t.Helper()
	c.MustSend(p.t, []byte(message))
	c.MustAwait(p.t, []byte(message))
}

// get requests an address, decodes its JSON and returns the status.
func get[T any](p *place, path string, query ...string) (status int, body T) {
	p.t.Helper()
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	resp, err := http.Get(p.web.URL + path + "?" + values.Encode())
	if err != nil {
		p.t.Error(err)
		return 0, body
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, &body)
	}
	if err != nil {
		p.t.Errorf("%s %q: %v in %s", path, query, err, data)
	}
	return resp.StatusCode, body
}

func names(rooms []api.Room) (names []string) {
	for _, s := range rooms {
		names = append(names, s.Name)
	}
	return names
}

// Updates of client 1, and awareness of client 7.
var (
	typedHello = string(testkit.Typed(1, 0, "hello"))
	more       = string(testkit.Typed(1, 5, "!"))
	both       = string(testkit.Typed(1, 0, "hello!"))
	adaAt1     = string(testkit.Awareness(testkit.Present(7, 1, isAda)))
)

const (
	isAda   = `{"user":{"name":"Ada <b>é</b>"}}`
	aRoom   = "board.a/ü//../x y 🙂"
	escaped = "board.a%2F%C3%BC%2F%2F..%2Fx%20y%20%F0%9F%99%82"
)

func typing(update string) string { return string(testkit.Update([]byte(update))) }

func TestRoomsAndARoom(t *testing.T) {
	p := newPlace(t, yroom.Config{})
	ada := p.connect(escaped)
	p.say(ada, adaAt1)
	reader := p.connect(escaped + "?readonly")
	reader.MustAwait(t, []byte(adaAt1))
	other := p.connect("other")
	p.say(other, typing(typedHello))

	ignored := cmp.Options{
		cmpopts.IgnoreFields(api.Room{}, "Bytes", "Edits", "Changed", "Stored"),
		cmpopts.IgnoreFields(view{}, "At"), cmpopts.IgnoreFields(connection{}, "ID"), cmpopts.IgnoreFields(state{}, "Renewed"),
		cmpopts.SortSlices(func(a, b connection) bool { return a.Write && !b.Write }),
	}
	_, rooms := get[listed](p, "/rooms.json")
	want := listed{Found: 2, Open: 2, People: 1, Connections: 3, Bytes: rooms.Rooms[1].Bytes, Matching: 2, Read: 2, Page: roomsShown, Consumer: "c", Rooms: []api.Room{
		{Name: aRoom, State: "open", Connections: 2, People: 1},
		{Name: "other", State: "open", Connections: 1},
	}}
	if diff := cmp.Diff(want, rooms, ignored); diff != "" {
		t.Errorf("rooms (-want +got)\n%s", diff)
	}
	if s := rooms.Rooms[1]; s.Bytes < 5 || s.Changed == nil || time.Since(*s.Changed) > time.Minute || s.Stored == nil {
		t.Errorf("a room that was written to: %+v", s)
	}
	if s := rooms.Rooms[0]; s.Bytes != 0 || s.Changed != nil || s.Stored != nil {
		t.Errorf("a room that was not written to: %+v", s)
	}

	_, room := get[view](p, "/room.json", "room", aRoom)
	wantRoom := view{
		Room: api.Room{Name: aRoom, State: "open", Connections: 2, People: 1},
		Members: []connection{
			{Write: true, Present: true, States: []state{{Client: 7, Clock: 1, State: isAda}}},
			{Present: true, States: []state{}},
		},
		Whole:    true,
		Document: []byte{0, 0},
	}
	if diff := cmp.Diff(wantRoom, room, ignored, cmp.AllowUnexported(view{})); diff != "" {
		t.Errorf("room (-want +got)\n%s", diff)
	}

	// The changes since the last response.
	_, room = get[view](p, "/room.json", "room", "other")
	if string(room.Document) != typedHello || !room.Whole {
		t.Errorf("document %q, whole %t", room.Document, room.Whole)
	}
	at := room.At
	if _, room = get[view](p, "/room.json", "room", "other", "since", at); room.Document != nil || room.At != at || room.Whole {
		t.Errorf("nothing was added, but the response is %+v", room)
	}
	p.say(other, typing(more))
	if _, room = get[view](p, "/room.json", "room", "other", "since", at); len(room.Document) == 0 || room.At == at || room.Whole {
		t.Errorf("after an edit: %+v", room)
	}
	for _, since := range []string{"", "x", "1.2", at + "0", "stored", "-1.99999999999999999999"} {
		if _, room = get[view](p, "/room.json", "room", "other", "since", since); string(room.Document) != both {
			t.Errorf("since %q: document %q, want %q", since, room.Document, both)
		}
	}
}

func TestARoomThatGoesAway(t *testing.T) {
	p := newPlace(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {RemoveDelay: time.Millisecond}}})
	empty, written := p.connect("empty"), p.connect("written")
	p.say(written, typing(typedHello))
	_, before := get[view](p, "/room.json", "room", "written")
	for _, c := range []*wsclient.Client{empty, written} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "no room is open", func() string {
		_, rooms := get[listed](p, "/rooms.json")
		if rooms.Open > 0 || rooms.Read > 1 { // an empty room that everyone has left is read, and not listed
			return fmt.Sprintf("%d rooms are open, %d were read", rooms.Open, rooms.Read)
		}
		return ""
	})
	_, rooms := get[listed](p, "/rooms.json")
	want := listed{
		Found: 1, Stored: 1, Bytes: len(typedHello), Matching: 1, Read: 1, Page: roomsShown, Consumer: "c",
		Rooms: []api.Room{{Name: "written", State: "stored", Bytes: len(typedHello), Stored: rooms.Rooms[0].Stored}},
	}
	if diff := cmp.Diff(want, rooms); diff != "" || want.Rooms[0].Stored == nil {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if status, body := get[problem](p, "/room.json", "room", "empty"); status != http.StatusNotFound || body.Error == "" {
		t.Errorf("a room that was never stored: status %d, %+v", status, body)
	}
	_, room := get[view](p, "/room.json", "room", "written", "since", before.At)
	if room.State != "stored" || string(room.Document) != typedHello || !room.Whole || room.Bytes != len(typedHello) {
		t.Errorf("a stored room: %+v", room)
	}
	_, room = get[view](p, "/room.json", "room", "written", "since", room.At)
	if room.State != "stored" || room.Document != nil || room.Whole {
		t.Errorf("a stored room, again: %+v", room)
	}
	p.say(p.connect("written"), typing(more))
	if _, room = get[view](p, "/room.json", "room", "written", "since", room.At); room.State != "open" || string(room.Document) != both || !room.Whole {
		t.Errorf("open again: %+v", room)
	}
}

// Rooms open and close while a client lists them.
func TestRoomsThatComeAndGo(t *testing.T) {
	p := newPlace(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {RemoveDelay: time.Millisecond}}})
	var people sync.WaitGroup
	for n := range 4 {
		people.Go(func() {
			for range 15 {
				c, err := wsclient.Dial(t.Context(), fmt.Sprintf("%s/ws/room%d", p.web.URL, n%2), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if err := c.Send([]byte(typing(typedHello))); err != nil {
					t.Error(err)
				}
				if _, _, err := c.Read(); err != nil {
					t.Error(err)
				}
				_ = c.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { people.Wait(); close(done) }()
	for {
		if status, _ := get[listed](p, "/rooms.json"); status != http.StatusOK {
			t.Errorf("the list: status %d", status)
		}
		status, room := get[view](p, "/room.json", "room", "room1")
		if status != http.StatusOK && status != http.StatusNotFound {
			t.Errorf("room1: status %d", status)
		}
		if d := string(room.Document); status == http.StatusOK && d != typedHello && d != "\x00\x00" {
			t.Errorf("the document is %q", d)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestRoomsOfAStoreThatFails(t *testing.T) {
	kept := memstore.New()
	if _, err := kept.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: []byte(typedHello)}); err != nil {
		t.Fatal(err)
	}
	fails := faulty.New(kept)
	fails.Set(faulty.Fail(errors.New("the disk is on fire")), faulty.List)
	p := newPlace(t, yroom.Config{Store: fails})
	for path, wants := range map[string]int{"/rooms.json": 503, "/room.json": 503} {
		if status, body := get[problem](p, path, "room", "a"); status != wants || !strings.Contains(body.Error, "can't be listed now") {
			t.Errorf("%s: status %d, %+v", path, status, body)
		}
	}
}

// A server reads its token when it starts. If it has a public name, requests from this
// machine need the token, too, because a proxy may forward them.
func TestServeGuardsItsRooms(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(theToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name        string
		args        []string
		local, with int
	}{
		{"no token", nil, 200, 200},
		{"a token", []string{"--api-token-file", file}, 200, 200},
		{"an origin of this machine", []string{"--origin", "localhost:*"}, 200, 200},
		{"an origin elsewhere", []string{"--origin", "localhost:*", "--origin", "app.example.com"}, 403, 403},
		{"an origin elsewhere, and a token", []string{"--origin", "*", "--api-token-file", file}, 401, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, append(test.args, "--store", "memory:")...)
			for token, want := range map[string]int{"": test.local, theToken: test.with} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Host+"/rooms.json", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				if token != "" {
					r.Header = bearer(token)
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("token %q: status %d, want %d", token, resp.StatusCode, want)
				}
			}
		})
	}
}

// Rooms that were just deleted are not listed, and others are still listed completely.
func TestListsPassOverDeletedRooms(t *testing.T) {
	rooms, err := yroom.New(yroom.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rooms.Shutdown(context.Background()) })
	ctx := t.Context()
	if err := rooms.Document("d").Apply(ctx, []byte{0, 0}, blocks.V1); err != nil { // the room is in memory, but not stored
		t.Fatal(err)
	}
	if err := rooms.Document("e").Create(ctx, []byte(typedHello), blocks.V1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		d := rooms.Document(name)
		if err := errors.Join(d.Create(ctx, []byte(typedHello), blocks.V1), d.Delete(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for after := ""; ; {
		part, err := rooms.Rooms(ctx, document.ListOptions{After: after, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, names(api.ListOf(part).Rooms)...)
		if after = part.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"d", "e"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
