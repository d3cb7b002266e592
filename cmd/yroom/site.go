package main

import (
	"net/http"
	"strings"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/docs"
	"github.com/yroom/yroom/internal/docsite"
	"github.com/yroom/yroom/internal/webui"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/web"
)

// site handles all addresses of the server.
type site struct {
	rooms    http.Handler
	shared   http.Handler // the address of Hocuspocus providers, for all rooms
	roomData http.Handler
	api      http.Handler
	served   http.Handler
	health   *health
	metrics  http.Handler
	docs     http.Handler
	pages    http.Handler
	name     string
}

// newSite returns the site of a process that serves clients.
func newSite(rooms *yroom.Server, guard guard, health *health, metrics *metrics, traces *traces, monitor *monitor, set settings, schema func(room string) *prosemirror.Schema) *site {
	documentAPI := api.New(api.Config{
		Documents: rooms.Documents(), Prefix: apiPrefix, BodyLimit: messageLimit(set.Rooms), Schema: schema, Memory: int(set.ExportMemory),
	})
	return &site{
		name:     set.Name,
		health:   health,
		metrics:  guard.metrics(metrics.handler()),
		served:   &served{rooms.Documents(), set.Name},
		api:      metrics.countAPI(apiGuard{guard.token, traces.requests(documentAPI)}),
		rooms:    http.StripPrefix("/ws", rooms),
		shared:   rooms.Hocuspocus(),
		roomData: &roomData{rooms.Documents(), documentAPI, guard, set.Name, monitor},
		docs:     docsite.NewHandler(docsite.New(docs.Files(), version(), false)),
		pages: webui.Handler(webui.Facts{
			Version: version(),
			Name:    set.Name,
			Store:   kept(set.Store, monitor.worker),
			Open:    *set.Open && !set.hasLogin(),
			MayList: func(r *http.Request) bool { return guard.refuse(r) == "" },
		}, web.Built()),
	}
}

// kept says for the page where documents are.
func kept(store string, withWorker bool) string {
	switch {
	case !withWorker:
		return "in the store of the workers"
	case store == inMemory:
		return "in memory: they end with this process"
	case isPostgres(store):
		return "in a PostgreSQL database"
	}
	return "in an SQLite file"
}

// ServeHTTP matches paths of rooms itself, because an http.ServeMux would redirect a
// name with "//" or ".." in it, and no WebSocket client follows redirects.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/ws/"):
		tellConsumer(w, r, s.name)
		s.rooms.ServeHTTP(w, r)
	case path == "/hocuspocus" || strings.HasPrefix(path, "/hocuspocus/"):
		tellConsumer(w, r, s.name)
		s.shared.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/api/"):
		s.api.ServeHTTP(w, r)
	case path == "/rooms.json" || path == "/room.json" || path == "/cluster.json":
		s.roomData.ServeHTTP(w, r)
	case path == "/served.json":
		s.served.ServeHTTP(w, r)
	case path == "/healthz" || path == "/readyz":
		s.health.answer(w, r, false)
	case path == metricsPath:
		s.metrics.ServeHTTP(w, r)
	case path == "/docs" || strings.HasPrefix(path, "/docs/"):
		s.docs.ServeHTTP(w, r)
	default:
		s.pages.ServeHTTP(w, r)
	}
}
