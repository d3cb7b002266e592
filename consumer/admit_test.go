package consumer

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
)

func upgradeRequest(target string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Connection", "keep-alive, Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	return withHeader(r, header...)
}

// questionAbout is a request by which a page asks why its upgrade was refused.
func questionAbout(target string, header ...string) *http.Request {
	return withHeader(httptest.NewRequest(http.MethodPost, target, nil), header...)
}

func withHeader(r *http.Request, header ...string) *http.Request {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// upgraded is a ResponseWriter whose connection can be hijacked, but not written to.
type upgraded struct{ *httptest.ResponseRecorder }

func (u upgraded) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	u.Code = http.StatusSwitchingProtocols
	return nil, nil, errors.New("test: taken over")
}

func TestAdmission(t *testing.T) {
	const ok = http.StatusSwitchingProtocols
	admit := func(a Admission, err error) Hooks {
		return Hooks{Admit: func(context.Context, Request) (Admission, error) { return a, err }}
	}
	for name, tc := range map[string]struct {
		r      *http.Request
		hooks  Hooks
		status int
		body   string
		log    string
	}{
		"plain GET":             {r: httptest.NewRequest(http.MethodGet, "/doc", nil), status: 426, body: "WebsocketProvider"},
		"a name that cannot be": {r: httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("a", 10<<10), nil), status: 400},
		"POST":                  {r: questionAbout("/doc"), status: 426},
		"POST, other host":      {r: questionAbout("/doc", "Origin", "https://evil.test"), status: 403, body: "origin"},
		"POST, unauthorized":    {r: questionAbout("/doc"), hooks: admit(Admission{}, &StatusError{Status: 401, Reason: "Please log in."}), status: 401, body: "Please log in."},
		"POST, admitted":        {r: questionAbout("/doc"), hooks: admit(Admission{Room: "r"}, nil), status: 426},
		"POST, PreConnect":      {r: questionAbout("/doc"), hooks: Hooks{PreConnect: func(*Conn, *http.Request) error { panic("no connection") }}, status: 426},
		"old version":           {r: upgradeRequest("/doc", "Sec-WebSocket-Version", "8"), status: 426},
		"no room":               {r: upgradeRequest("/"), status: 400, body: "255 bytes"},
		"blank room":            {r: upgradeRequest("/%20%09"), status: 400},
		"long room":             {r: upgradeRequest("/" + strings.Repeat("x", 10_000)), status: 400},
		"longest room":          {r: upgradeRequest("/" + strings.Repeat("x", 255)), status: ok},
		"bad UTF-8":             {r: upgradeRequest("/%ff"), status: 400},
		"NUL":                   {r: upgradeRequest("/a%00b"), status: 400, body: "without control or invisible characters"},
		"CR LF":                 {r: upgradeRequest("/a%0d%0ab"), status: 400},
		"DEL":                   {r: upgradeRequest("/a%7f"), status: 400},
		"C1":                    {r: upgradeRequest("/a%c2%9b2J"), status: 400},
		"bidi override":         {r: upgradeRequest("/a%e2%80%aegpj.exe"), status: 400, body: "invisible characters"},
		"joined emoji":          {r: upgradeRequest("/%f0%9f%91%a9%e2%80%8d%f0%9f%94%ac"), status: ok},
		"same host, not named":  {r: upgradeRequest("/doc", "Origin", "https://EXAMPLE.com"), status: 403, body: "origin", log: "add=example.com"},
		"allowed host":          {r: upgradeRequest("/doc", "Origin", "https://a.Friends.test"), status: ok},
		"other host":            {r: upgradeRequest("/doc", "Origin", "https://evil.test"), status: 403, body: "origin", log: "add=evil.test"},
		"other port":            {r: upgradeRequest("/doc", "Origin", "https://example.com:8443"), status: 403},
		"null origin":           {r: upgradeRequest("/doc", "Origin", "null"), status: 403},
		"strange origin":        {r: upgradeRequest("/doc", "Origin", "%zz"), status: 403},
		"admitted":              {r: upgradeRequest("/"), hooks: admit(Admission{Room: "r"}, nil), status: ok},
		"admitted badly":        {r: upgradeRequest("/doc"), hooks: admit(Admission{}, nil), status: 400},
		"unauthorized":          {r: upgradeRequest("/doc"), hooks: admit(Admission{}, &StatusError{Status: 401, Reason: "Please log in."}), status: 401, body: "Please log in."},
		"strange status":        {r: upgradeRequest("/doc"), hooks: admit(Admission{}, &StatusError{Status: 200, Reason: "Please log in."}), status: 403, body: "Please log in."},
		"some error":            {r: upgradeRequest("/doc"), hooks: admit(Admission{}, errors.New("inner words")), status: 403, body: "Forbidden.", log: "inner words"},
		"Admit panics":          {r: upgradeRequest("/doc"), hooks: Hooks{Admit: func(context.Context, Request) (Admission, error) { panic("boo") }}, status: 500, log: "admit_test.go"},
		"PreConnect":            {r: upgradeRequest("/doc"), hooks: Hooks{PreConnect: func(*Conn, *http.Request) error { return &StatusError{Status: 404, Reason: "No such room."} }}, status: 404, body: "No such room."},
		"PreConnect dies":       {r: upgradeRequest("/doc"), hooks: Hooks{PreConnect: func(*Conn, *http.Request) error { panic("boo") }}, status: 500, log: "panic=boo"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Config{Hooks: tc.hooks, Origins: []string{"*.friends.test"}})
				defer h.shutdown()
				w := upgraded{httptest.NewRecorder()}
				h.ServeHTTP(w, tc.r)
				if w.Code != tc.status && !(tc.status == ok && strings.Contains(w.Body.String(), "taken over")) {
					t.Errorf("status %d %s, want %d", w.Code, w.Body, tc.status)
				}
				if !strings.Contains(w.Body.String(), tc.body) || strings.Contains(w.Body.String(), "inner") {
					t.Errorf("body %q", w.Body)
				}
				if !strings.Contains(h.logs.String(), tc.log) {
					t.Errorf("the log lacks %q:\n%s", tc.log, h.logs)
				}
				if h.worker.lines() != "" {
					t.Errorf("the worker got:\n%s", h.worker.lines())
				}
			})
		})
	}
}

// Without Origins, only pages of the handler's own host may connect.
func TestOwnHost(t *testing.T) {
	for origin, admitted := range map[string]bool{
		"":                         true, // not a browser
		"https://EXAMPLE.com":      true,
		"https://example.com:8443": false,
		"https://evil.test":        false,
		"null":                     false,
	} {
		t.Run(origin, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				w := upgraded{httptest.NewRecorder()}
				r := upgradeRequest("/doc")
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				h.ServeHTTP(w, r)
				if refused := w.Code == http.StatusForbidden; refused == admitted {
					t.Errorf("status %d, want admitted %v", w.Code, admitted)
				}
			})
		})
	}
}

// A request by which a page asks why its upgrade was refused is answered as the upgrade would
// be, and isn't counted as a connection.
func TestQuestionAboutRefusal(t *testing.T) {
	withHarness(t, Config{Limits: Limits{Connections: 1}}, func(t *testing.T, h *harness) {
		ask := func(handler http.Handler, header ...string) int {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, questionAbout("/doc", header...))
			return w.Code
		}
		handlers := map[string]http.Handler{"plain": h.Consumer, "Hocuspocus": h.Hocuspocus()}
		for name, handler := range handlers {
			for range 3 {
				if got := ask(handler); got != http.StatusUpgradeRequired {
					t.Errorf("%s: status %d while the upgrade would be accepted", name, got)
				}
			}
			if got := ask(handler, "Origin", "https://evil.test"); got != http.StatusForbidden {
				t.Errorf("%s: status %d for another origin", name, got)
			}
		}
		h.dial("/doc")
		for name, handler := range handlers {
			if got := ask(handler); got != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d while there are too many connections", name, got)
			}
		}
	})
}

// A long origin of a request is truncated in the log.
func TestRefusedOriginInTheLog(t *testing.T) {
	for name, origin := range map[string]string{
		"short": "https://evil.test",
		"long":  "https://" + strings.Repeat("evil", 25<<10) + ".test",
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				r := upgradeRequest("/doc", "Origin", origin)
				r.Host = origin
				h.ServeHTTP(httptest.NewRecorder(), r)
				got := h.logs.String()
				if strings.Count(got, "\n") != 1 || !strings.Contains(got, "origin=https://evil") || len(got) > 4*maxLogged {
					t.Errorf("%d bytes in the log:\n%.2000s", len(got), got)
				}
			})
		})
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New takes a Config without a Layer")
	}
	if _, err := New(Config{Layer: memlayer.New(), Origins: []string{"["}}); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("a bad pattern: %v", err)
	}
	for _, origin := range []string{"https://app.example.com", "app.example.com/", "http://*"} {
		_, err := New(Config{Layer: memlayer.New(), Origins: []string{"*.example.com", origin}})
		if err == nil || !strings.Contains(err.Error(), strconv.Quote(origin)+": want a host") {
			t.Errorf("origin %q can never match: %v", origin, err)
		}
	}
}

func TestNotAdmittedDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Config{})
		h.shutdown()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, upgradeRequest("/doc"))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("status %d, header %v", w.Code, w.Header())
		}
	})
}

// A request that is being admitted when Shutdown begins is closed, not served.
func TestShutdownMeetsHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		h := newHarness(t, Config{Hooks: Hooks{PreConnect: func(*Conn, *http.Request) error { <-wait; return nil }}})
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			h.dial("/doc").wantClose(1012, "restarts")
		}()
		synctest.Wait()
		down := make(chan error)
		go func() { down <- h.Shutdown(context.Background()) }()
		synctest.Wait()
		close(wait)
		if err := <-down; err != nil {
			t.Errorf("shutdown: %v", err)
		}
		<-closed
		_ = h.http.Close()
		<-h.ended
		if got := h.worker.lines(); got != "gone" {
			t.Errorf("the worker got:\n%s", got)
		}
	})
}

func TestRoomOfPath(t *testing.T) {
	for _, tc := range []struct{ pattern, strip, path, want string }{
		{"/ws/{room}", "", "/ws/a%20b", "a b"},
		{"/ws/{room...}", "", "/ws/a/b%2Fc", "a/b/c"},
		{"/ws/{room}/x", "", "/ws/a%2Fb/x", "a/b"},
		{"/", "", "/a%20room/1", "a room/1"},
		{"/ws/", "/ws", "/ws/a/b", "a/b"},
		{"/ws/{room...}", "", "/ws/", ""},
		{"", "", "/a//b/../c", "a//b/../c"},
	} {
		t.Run(tc.pattern+" "+tc.path, func(t *testing.T) {
			var got string
			handler := http.StripPrefix(tc.strip, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = roomOfPath(r) }))
			if tc.pattern != "" {
				mux := http.NewServeMux()
				mux.Handle(tc.pattern, handler)
				handler = mux
			}
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, tc.path, nil))
			if got != tc.want {
				t.Errorf("room %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSubprotocol(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		d := ws.Dialer{NetDial: h.pipes.dial, Protocols: []string{"first", "second"}}
		conn, _, shake, err := d.Dial(context.Background(), "ws://yroom.test/doc")
		if err != nil || shake.Protocol != "first" {
			t.Errorf("agreed on %q, %v", shake.Protocol, err)
		}
		_ = conn.Close()
	})
}

// A malformed key is refused after the connection was taken over.
func TestBadHandshake(t *testing.T) {
	var ended []protocol.CloseError
	hooks := Hooks{
		Admit: func(context.Context, Request) (Admission, error) {
			return Admission{Room: "r", Access: event.AccessRead}, nil
		},
		PostDisconnect: func(_ *Conn, e protocol.CloseError) { ended = append(ended, e) },
	}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		conn, err := h.pipes.dial(context.Background(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		r := upgradeRequest("/doc", "Sec-WebSocket-Key", "short")
		go func() { _ = r.Write(conn) }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", resp.StatusCode)
		}
		_ = conn.Close()
		synctest.Wait()
		if len(ended) != 1 || ended[0].Code != 1006 || h.worker.lines() != "" {
			t.Errorf("ended with %v:\n%s", ended, h.worker.lines())
		}
	})
}
