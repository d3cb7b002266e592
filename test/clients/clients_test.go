// Package clients tests the server with stock clients from npm.
package clients

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store/memstore"
)

// kits are the client versions of kits.mjs that speak V1.
var kits = []string{"y-websocket 1", "y-websocket 2", "y-websocket 3", "@y/websocket 4"}

func TestClients(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs")
	url := serve(t, yroom.Config{})
	var plays []*play
	for _, kit := range kits { // at the same time, because they mostly wait
		plays = append(plays, start(t, kit, url, "together"))
	}
	// A client that sends updates in V2, on a server whose rooms use V2.
	second := serve(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {UpdateVersion: 2}}})
	plays = append(plays, start(t, "V2 updates", second, "together"))
	for _, p := range plays {
		t.Run(p.kit, p.Report)
	}
}

// Stock clients compress and inflate messages if the server does.
func TestCompression(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs")
	url := serve(t, yroom.Config{Compression: consumer.CompressionAll})
	for _, kit := range kits {
		t.Run(kit, start(t, kit, url, "compressed").Report)
	}
}

// TestSlowReader runs one scenario at a time, because it measures the memory of the
// whole process.
func TestSlowReader(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs")
	for _, kit := range kits {
		t.Run(kit, func(t *testing.T) {
			kept := faulty.New(memstore.New())
			kept.Set(faulty.Drop) // so that only the memory of the room is measured
			url := serve(t, yroom.Config{Store: kept})
			start(t, kit, url, "alone").Report(t)
		})
	}
}

// serve starts a server and returns its address. A connection whose query has readonly
// may not write, one whose query has hidden may not send awareness, and user names its
// user.
func serve(t *testing.T, cfg yroom.Config) (url string) {
	t.Helper()
	var mu sync.Mutex
	var rooms []string
	losing := make(map[string]bool)
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	cfg.Hooks.Admit = func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
		admission := consumer.Admission{Room: strings.TrimPrefix(r.HTTP.URL.Path, "/ws/"), Access: event.AccessWrite | event.AccessPresent}
		if user := r.HTTP.URL.Query().Get("user"); user != "" {
			admission.User = user
		}
		if r.HTTP.URL.Query().Has("readonly") {
			admission.Access &^= event.AccessWrite
		}
		if r.HTTP.URL.Query().Has("hidden") {
			admission.Access &^= event.AccessPresent
		}
		mu.Lock()
		defer mu.Unlock()
		rooms = append(rooms, admission.Room)
		return admission, nil
	}
	cfg.Hooks.PreReceive = func(c *consumer.Conn, m protocol.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if m.Type == protocol.Update && losing[c.Room()] {
			losing[c.Room()] = false
			return consumer.ErrDrop
		}
		return nil
	}
	server, err := yroom.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/ws/"):
			server.ServeHTTP(w, r)
		case r.URL.Path == "/rooms": // of the connections that were admitted
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(slices.Clone(rooms))
		case r.URL.Path == "/lose": // the next Update of a client of the room, between its consumer and its worker
			mu.Lock()
			defer mu.Unlock()
			losing[r.URL.Query().Get("room")] = true
			_ = json.NewEncoder(w).Encode(true)
		case r.URL.Path == "/lost": // whether that has happened
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(!losing[r.URL.Query().Get("room")])
		case r.URL.Path == "/delete" || r.URL.Path == "/create" || r.URL.Path == "/exists":
			was, err := manage(r.Context(), server.Document(r.URL.Query().Get("room")), r.URL.Path)
			if err != nil {
				t.Errorf("%s: %v", r.URL, err)
			}
			_ = json.NewEncoder(w).Encode(was)
		case r.URL.Path == "/heap": // the bytes of the heap in use
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

// manage deletes, creates or looks up a document, and reports whether the room exists
// afterwards.
func manage(ctx context.Context, d *document.Document, what string) (there bool, err error) {
	switch what {
	case "/delete":
		return false, d.Delete(ctx)
	case "/create":
		return true, d.Create(ctx, testkit.Typed(1, 0, "new"), blocks.V1)
	}
	if _, err = d.StateVector(ctx); errors.Is(err, document.ErrNotFound) {
		return false, nil
	}
	return true, err
}

// play is a Node.js process that runs the scenarios with one kit.
type play struct {
	kit string
	*testkit.Node
}

func start(t *testing.T, kit, url, how string) *play {
	t.Helper()
	p := &play{kit, testkit.StartNode(t, "play.mjs", kit, url, how)}
	p.KillAfter(5 * time.Minute)
	return p
}
