package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// server is a running yroom serve.
type server struct{ *testkit.Server }

func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startIn(t, t.TempDir(), args...) // a directory without yroom.yaml
}

func startIn(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return &server{testkit.Serve(t, "yroom", dir, args...)}
}

func (s *server) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + s.Host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// dial connects to a room and reads the server's SyncStep1.
func (s *server) dial(t *testing.T, room string, header http.Header) (*wsclient.Client, error) {
	t.Helper()
	c, err := wsclient.Dial(t.Context(), s.URL(room), header)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	_, first, err := c.Read()
	if err != nil || !bytes.Equal(first, emptyStep1) {
		t.Errorf("first message %x (%v), want %x: SyncStep1 of an empty document", first, err, emptyStep1)
	}
	return c, nil
}

// emptyStep1 is SyncStep1 of an empty document.
var emptyStep1 = testkit.SyncStep1([]byte{0})

// first is the first message in a room.
func (s *server) first(t *testing.T, room string) []byte {
	t.Helper()
	c := wsclient.Connect(t, s.URL(room), nil)
	defer c.Close()
	_, message, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestServeEndsWell(t *testing.T) {
	// The server inherits ignored signals, as under nohup, but not signals that are
	// caught.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			s := start(t)
			c, err := s.dial(t, "a/b", nil)
			if err != nil {
				t.Fatal(err)
			}
			s.Signal(t, sig)
			if code, _, err := c.AwaitClose(); code != 1012 {
				t.Errorf("the connection ended with %d (%v), want 1012", code, err)
			}
			if code := s.Ended(t); code != 0 {
				t.Errorf("exit status %d\n%s", code, &s.Log)
			}
			for _, want := range []string{"msg=serving", "store=sqlite:yroom.db", "msg=ending", "msg=ended"} {
				if !strings.Contains(s.Log.String(), want) {
					t.Errorf("no %q in the log:\n%s", want, &s.Log)
				}
			}
			files, err := filepath.Glob(filepath.Join(s.Dir, "*"))
			if want := []string{filepath.Join(s.Dir, "yroom.db")}; err != nil || !slices.Equal(files, want) {
				t.Errorf("the directory holds %q (%v), want %q: the store was not closed", files, err, want)
			}
		})
	}
}

// ending starts a server with a client that never answers the close frame, and sends
// SIGTERM to it.
func ending(t *testing.T, args ...string) *server {
	t.Helper()
	s := start(t, args...)
	if _, err := s.dial(t, "room", nil); err != nil {
		t.Fatal(err)
	}
	s.Signal(t, syscall.SIGTERM)
	return s
}

func TestServeSecondSignalEndsAtOnce(t *testing.T) {
	at := freeAddress(t)
	s := ending(t, "--health", at)
	health := &server{&testkit.Server{Host: at}}
	for status := 0; status != http.StatusServiceUnavailable; { // wait until it is draining
		status, _ = health.get(t, "/readyz")
	}
	if status, _ := health.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz while draining: %d", status)
	}
	s.Signal(t, syscall.SIGTERM)
	if code := s.Ended(t); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if want := "A second signal ends the process at once."; !strings.Contains(s.Log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, &s.Log)
	}
}

func TestServeShutdownTimeout(t *testing.T) {
	s := ending(t, "--shutdown-timeout", "50ms")
	if code := s.Ended(t); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if want := "yroom: shutdown failed"; !strings.Contains(s.Log.String(), want) {
		t.Errorf("no %q in\n%s", want, &s.Log)
	}
}

func TestServeAddresses(t *testing.T) {
	s := start(t)
	for _, test := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "ws://" + s.Host + "/ws/ROOM"},
		{"/healthz", 200, "ok\n"},
		{"/readyz", 200, "ready\n"},
		{"/nothing", 404, ""},
		{"/ws/room", 426, "WebSocket"},
	} {
		if status, body := s.get(t, test.path); status != test.status || !strings.Contains(body, test.body) {
			t.Errorf("%s: %d %q, want %d and %q", test.path, status, body, test.status, test.body)
		}
	}
}

func TestServeTakesAnyRoomName(t *testing.T) {
	s := start(t, "--log-level", "debug")
	names := map[string]string{
		"plain":             "plain",
		"with/slash":        "with/slash",
		"two//slashes":      "two//slashes",
		"/leading":          "/leading",
		"trailing/":         "trailing/",
		"../up":             "../up",
		"here/./and/../out": "here/./and/../out",
		"a%2Fb%20c":         "a/b c",
		"100%25":            "100%",
		"%E2%82%AC":         "€",
	}
	for path := range names {
		c, err := s.dial(t, path, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		c.Close()
	}
	for _, path := range []string{"", "%20", "%FF", "a%E2%80%AEb", "a%E2%80%8B", strings.Repeat("x", 256), strings.Repeat("x", 10<<10)} {
		_, err := s.dial(t, path, nil)
		var status ws.StatusError
		if !errors.As(err, &status) || status != 400 {
			t.Errorf("%.20s: %v, want status 400", path, err)
		}
	}
	s.Signal(t, syscall.SIGTERM)
	s.Ended(t)
	for path, name := range names {
		if !strings.Contains(s.Log.String(), "room="+quoted(name)) {
			t.Errorf("%s: no room %s in the log", path, name)
		}
	}
	if t.Failed() {
		t.Log(&s.Log)
	}
}

// quoted returns name as slog's text handler writes it.
func quoted(name string) string {
	if strings.ContainsAny(name, " ") {
		return `"` + name + `"`
	}
	return name
}

func TestServeOrigins(t *testing.T) {
	for _, test := range []struct {
		name     string
		args     []string
		origin   string
		admitted bool
	}{
		{"no browser", nil, "", true},
		{"a developer's page", nil, "http://localhost:5173", true},
		{"another loopback name", nil, "http://127.0.0.1:3000", true},
		{"loopback of IPv6", nil, "http://[::1]:3000", true},
		{"a foreign host", nil, "https://evil.example", false},
		{"a foreign host that looks local", nil, "https://localhost.evil.example", false},
		{"named", []string{"--origin", "app.example.com"}, "https://app.example.com", true},
		{"local, where others are named", []string{"--origin", "app.example.com"}, "http://localhost:5173", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.args...)
			header := http.Header{}
			if test.origin != "" {
				header.Set("Origin", test.origin)
			}
			_, err := s.dial(t, "room", header)
			var status ws.StatusError
			if refused := errors.As(err, &status) && status == 403; refused == test.admitted || (test.admitted && err != nil) {
				t.Errorf("error %v, want admitted %v", err, test.admitted)
			}
		})
	}
}

// A page whose host name was made to resolve to this machine sends that name as the
// Host.
func TestServeKnowsItsHosts(t *testing.T) {
	servers := map[string]*server{} // by their arguments
	page := []string{"--origin", "app.example.com", "--origin", "*.example.org"}
	open := []string{"--open", "--listen", "0.0.0.0:0"}
	docker := []string{"--listen", "0.0.0.0:0", "--open", "--origin", "localhost:8000"} // as docs/operations.md starts it
	for _, test := range []struct {
		name         string
		args         []string
		host, origin string
		status       int
	}{
		{"rebound", nil, "evil.example", "http://evil.example", 403},
		{"rebound, on the port", nil, "evil.example:8000", "http://evil.example:8000", 403},
		{"rebound, in capitals", nil, "EVIL.example", "http://evil.EXAMPLE", 403},
		{"rebound to what looks local", nil, "localhost.evil.example", "http://localhost.evil.example", 403},
		{"rebound to a name that ends like a local one", nil, "evillocalhost", "http://evillocalhost", 403},
		{"rebound to what looks like an address", nil, "127.0.0.1.evil.example", "http://127.0.0.1.evil.example", 403},
		{"a local page that asks for a strange host", nil, "evil.example", "http://localhost:5173", 403},
		{"no browser", nil, "evil.example", "", 101},
		{"localhost", nil, "localhost:1", "http://localhost:1", 101},
		{"a name below localhost", nil, "app.localhost", "http://app.localhost", 101},
		{"in capitals", nil, "LocalHost", "http://localhost", 101},
		{"another loopback address", nil, "127.1.2.3:80", "http://127.1.2.3:80", 403},
		{"loopback of IPv6", nil, "[::1]:80", "http://[::1]:80", 101},
		{"loopback of IPv6 without a port", nil, "[::1]", "http://[::1]", 101},
		{"no loopback address", nil, "10.0.0.1", "http://10.0.0.1", 403},
		{"open", []string{"--open"}, "evil.example", "http://evil.example", 403},
		{"open to others, rebound", open, "evil.example:8000", "http://evil.example:8000", 403},
		{"open to others, rebound to what looks like an address", open, "10.0.0.1.evil.example", "http://10.0.0.1.evil.example", 403},
		{"open to others, by the address", open, "10.0.0.1:8000", "http://10.0.0.1:8000", 101},
		{"open to others, by an address of IPv6", open, "[fd00::1]:8000", "http://[fd00::1]:8000", 101},
		{"open to others, through a tunnel", open, "localhost:8000", "http://localhost:8000", 101},
		{"open to others, another page", open, "10.0.0.1:8000", "http://localhost:5173", 403},
		{"in Docker", docker, "localhost:8000", "http://localhost:8000", 101},
		{"in Docker, no browser", docker, "localhost:8000", "", 101},
		{"in Docker, rebound", docker, "evil.example", "http://evil.example", 403},
		{"in Docker, rebound, on the port", docker, "evil.example:8000", "http://evil.example:8000", 403},
		{"in Docker, another port of the machine", docker, "localhost:8000", "http://localhost:3000", 403},
		{"rebound, where hosts are named", page, "evil.example", "http://evil.example", 403},
		{"a proxy that passes on a host that is named", page, "app.example.com", "https://app.example.com", 101},
		{"another host that is named", page, "a.example.org", "https://a.example.org", 101},
		{"a proxy that sets its own", page, "backend:8000", "https://app.example.com", 101},
		{"all", []string{"--origin", "*"}, "any.example", "https://any.example", 101},
	} {
		if args := strings.Join(test.args, " "); servers[args] == nil {
			servers[args] = start(t, test.args...)
		}
		t.Run(test.name, func(t *testing.T) {
			s := servers[strings.Join(test.args, " ")]
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Host+"/ws/room", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = test.host
			r.Header = http.Header{
				"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
				"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"MDEyMzQ1Njc4OWFiY2RlZg=="},
			}
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
		})
	}
}

// A server's own host is known without --origin, and has to be among the hosts that
// --origin names.
func TestServeOwnOrigin(t *testing.T) {
	for _, test := range []struct {
		args     []string
		admitted bool
	}{
		{nil, true},
		{[]string{"--origin", "app.example.com"}, false},
		{[]string{"--origin", "app.example.com", "--origin", "127.0.0.1:*"}, true},
	} {
		s := start(t, test.args...)
		_, err := s.dial(t, "room", http.Header{"Origin": {"http://" + s.Host}})
		var status ws.StatusError
		if refused := errors.As(err, &status) && status == 403; refused == test.admitted || (test.admitted && err != nil) {
			t.Errorf("%q: %v, want admitted %v", test.args, err, test.admitted)
		}
	}
}

func TestServeOnATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	out, err := exec.Command("yroom", "serve", "--listen", taken.Addr().String()).CombinedOutput()
	want := "yroom: " + taken.Addr().String() + " is in use by another program; choose another address with --listen\n"
	if err == nil || string(out) != want {
		t.Errorf("%v, %q, want %q", err, out, want)
	}
}

func TestServeOpenWarns(t *testing.T) {
	s := start(t, "--open", "--log-format", "json")
	if _, body := s.get(t, "/"); !strings.Contains(body, "has no login") {
		t.Errorf("no warning on the page:\n%s", body)
	}
	s.Signal(t, syscall.SIGTERM)
	s.Ended(t)
	warned := false
	for line := range strings.Lines(s.Log.String()) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not a line of JSON: %s", line)
		}
		warned = warned || entry.Level == "WARN" && strings.HasPrefix(entry.Msg, "open:")
	}
	if !warned {
		t.Errorf("no warning in the log:\n%s", &s.Log)
	}
}
