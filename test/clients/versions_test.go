package clients

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// TestUpdateVersions has people in a V1 room and in a V2 room of one server,
// which is restarted on its file, at last with the versions exchanged.
func TestUpdateVersions(t *testing.T) {
	requireNode(t)
	s := &restarted{t: t, file: filepath.Join(t.TempDir(), "yroom.db"), versions: map[string]int{"first": 1, "second": 2}}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	url := strings.Replace(web.URL, "http:", "ws:", 1)
	out, err := exec.CommandContext(t.Context(), "node", "versions.mjs", url, "first.room", "second.room").CombinedOutput()
	if err != nil {
		t.Errorf("node: %v\n%s", err, out)
	}
	s.stop()
	web.Close()
	if s.restarts != 2 {
		t.Errorf("%d restarts, want 2", s.restarts)
	}
}

// restarted is a server on an SQLite file that can be restarted.
type restarted struct {
	t        *testing.T
	file     string
	versions map[string]int // by prefix
	restarts int

	mu        sync.RWMutex
	server    *yroom.Server
	documents *sqlitestore.Store
}

func (s *restarted) start() error {
	documents, err := sqlitestore.Open(s.file, sqlitestore.Config{})
	if err != nil {
		return err
	}
	rooms := make(map[string]yroom.Settings)
	for prefix, version := range s.versions {
		rooms[prefix] = yroom.Settings{UpdateVersion: version}
	}
	server, err := yroom.New(yroom.Config{
		Store:  documents,
		Rooms:  rooms,
		Logger: slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	s.documents, s.server = documents, server
	return nil
}

// stop ends the server, which compacts its rooms, and looks at what they are
// stored as.
func (s *restarted) stop() {
	s.t.Helper()
	if err := s.server.Shutdown(s.t.Context()); err != nil {
		s.t.Error(err)
	}
	for prefix, version := range s.versions {
		log, err := s.documents.Load(s.t.Context(), prefix+".room")
		if err != nil || len(log.Entries) != 1 || log.Entries[0].Encoding != store.Encoding(version) {
			s.t.Errorf("%s: %d entries (%v), want one snapshot in V%d", prefix, len(log.Entries), err, version)
		}
	}
	if err := s.documents.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *restarted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/restart", "/exchange":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stop()
		if r.URL.Path == "/exchange" {
			s.versions["first"], s.versions["second"] = s.versions["second"], s.versions["first"]
		}
		s.restarts++
		if err := s.start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("{}"))
	default:
		s.mu.RLock()
		server := s.server
		s.mu.RUnlock()
		http.StripPrefix("/ws", server).ServeHTTP(w, r)
	}
}
