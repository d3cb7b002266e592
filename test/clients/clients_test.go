// Package clients has stock clients from npm meet on a server.
package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
)

// kits are the stock ones of kits.mjs.
var kits = []string{"y-websocket 1", "y-websocket 2", "y-websocket 3", "@y/websocket 4"}

func TestClients(t *testing.T) {
	requireNode(t)
	url := serve(t, yroom.Config{})
	var plays []*play
	for _, kit := range kits { // all at once: much of it is waiting
		plays = append(plays, start(t, kit, url, "together"))
	}
	// A client that speaks V2, in rooms that do.
	second := serve(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {UpdateVersion: 2}}})
	plays = append(plays, start(t, "V2 updates", second, "together"))
	for _, p := range plays {
		t.Run(p.kit, p.report)
	}
}

// TestSlowReader plays alone: it measures the memory of the whole process.
func TestSlowReader(t *testing.T) {
	requireNode(t)
	for _, kit := range kits {
		t.Run(kit, func(t *testing.T) {
			url := serve(t, yroom.Config{Store: forgetful{}})
			start(t, kit, url, "alone").report(t)
		})
	}
}

// serve starts a server and returns its address. Connections whose query has
// readonly may not write, those with hidden may not be present.
func serve(t *testing.T, cfg yroom.Config) (url string) {
	t.Helper()
	var mu sync.Mutex
	var rooms []string
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	cfg.Hooks.Admit = func(r *http.Request) (yroom.Admission, error) {
		admission := yroom.Admission{Room: strings.TrimPrefix(r.URL.Path, "/ws/"), Access: yroom.Write | yroom.Present}
		if r.URL.Query().Has("readonly") {
			admission.Access &^= yroom.Write
		}
		if r.URL.Query().Has("hidden") {
			admission.Access &^= yroom.Present
		}
		mu.Lock()
		defer mu.Unlock()
		rooms = append(rooms, admission.Room)
		return admission, nil
	}
	server, err := yroom.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/ws/"):
			server.ServeHTTP(w, r)
		case r.URL.Path == "/rooms": // who was admitted
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(slices.Clone(rooms))
		case r.URL.Path == "/delete" || r.URL.Path == "/create" || r.URL.Path == "/exists":
			was, err := manage(r.Context(), server.Document(r.URL.Query().Get("room")), r.URL.Path)
			if err != nil {
				t.Errorf("%s: %v", r.URL, err)
			}
			_ = json.NewEncoder(w).Encode(was)
		case r.URL.Path == "/heap": // what is in use
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			_ = json.NewEncoder(w).Encode(map[string]uint64{"heap": memory.HeapAlloc})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
	})
	return strings.Replace(web.URL, "http:", "ws:", 1)
}

// manage does what an operator would, and tells whether the room is there.
func manage(ctx context.Context, d *yroom.Document, what string) (there bool, err error) {
	switch what {
	case "/delete":
		return false, d.Delete(ctx)
	case "/create":
		return true, d.Create(ctx, []byte("\x01\x01\x01\x00\x04\x01\x04text\x03new\x00"), yroom.V1)
	}
	if _, err = d.StateVector(ctx); errors.Is(err, yroom.ErrUnavailable) {
		return false, nil
	}
	return true, err
}

// play is a node process that plays scenarios with one kit.
type play struct {
	kit    string
	node   *exec.Cmd
	stdout io.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, kit, url, how string) *play {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	p := &play{kit: kit, node: exec.CommandContext(ctx, "node", "play.mjs", kit, url, how)}
	p.node.Stderr = &p.stderr
	var err error
	if p.stdout, err = p.node.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.node.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// report makes a subtest of each scenario.
func (p *play) report(t *testing.T) {
	seen, expected := 0, -1
	for lines := bufio.NewScanner(p.stdout); lines.Scan(); {
		var line struct {
			Name, Error  string
			Milliseconds int
			Played       int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("node says %q: %v", lines.Bytes(), err)
			continue
		}
		if line.Name == "" {
			expected = line.Played
			continue
		}
		seen++
		t.Run(line.Name, func(t *testing.T) {
			t.Logf("%d ms", line.Milliseconds)
			if line.Error != "" {
				t.Error(line.Error)
			}
		})
	}
	if err := p.node.Wait(); err != nil || seen != expected {
		t.Errorf("%d scenarios reported, %d played, node: %v\n%s", seen, expected, err, p.stderr.String())
	}
}

func requireNode(t *testing.T) {
	t.Helper()
	missing := t.Skip
	if os.Getenv("YROOM_TEST_REQUIRED") == "1" {
		missing = t.Fatal
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("node is not installed")
	}
	if _, err := os.Stat("../node_modules/yjs"); err != nil {
		missing("the npm packages are not installed: run npm ci in the folder test")
	}
}

// forgetful is a store that keeps nothing, so that a room's memory is all
// there is to measure.
type forgetful struct{}

var _ store.Store = forgetful{}

func (forgetful) Load(context.Context, string) (store.Log, error) {
	return store.Log{}, store.ErrNotFound
}

func (forgetful) Append(context.Context, string, store.Entry) (store.Position, error) {
	return 0, nil
}

func (forgetful) Compact(context.Context, string, store.Log, store.Entry) error {
	return nil
}
