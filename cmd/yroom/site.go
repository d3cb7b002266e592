package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/webui"
	"github.com/yroom/yroom/web"
)

// site handles all addresses of the server.
type site struct {
	rooms    http.Handler
	roomData http.Handler
	api      http.Handler
	pages    http.Handler
	draining atomic.Bool // shutting down, so not ready
}

func newSite(rooms *yroom.Server, guard guard, set settings) *site {
	kept := "in an SQLite file"
	if set.Store == inMemory {
		kept = "in memory: they end with this process"
	}
	return &site{
		api:      apiGuard{guard.token, api.New(api.Config{Documents: rooms.Documents(), Prefix: apiPrefix, BodyLimit: messageLimit(set.Rooms)})},
		rooms:    http.StripPrefix("/ws", rooms),
		roomData: &roomData{rooms.Documents(), guard},
		pages: webui.Handler(webui.Facts{
			Version: version(),
			Store:   kept,
			Open:    *set.Open,
			MayList: func(r *http.Request) bool { return guard.refuse(r) == "" },
		}, web.Built()),
	}
}

// ServeHTTP matches paths of rooms itself, because an http.ServeMux would redirect a
// name with "//" or ".." in it, and no WebSocket client follows redirects.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/ws/"):
		s.rooms.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/api/"):
		s.api.ServeHTTP(w, r)
	case path == "/rooms.json" || path == "/room.json":
		s.roomData.ServeHTTP(w, r)
	case path == "/healthz":
		fmt.Fprintln(w, "ok")
	case path == "/readyz" && s.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case path == "/readyz":
		fmt.Fprintln(w, "ready")
	default:
		s.pages.ServeHTTP(w, r)
	}
}
