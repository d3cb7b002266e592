// Package webui is what a browser sees of a yroom server: a page that says
// what runs here and how to connect.
package webui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed static
var static embed.FS

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// Facts is what the page tells about the server.
type Facts struct {
	Version string
	Store   string // for people: where documents are kept
	Open    bool   // anyone who can reach the server may read and write
}

// Handler serves the page at "/" and its files below "/static/". Browsers get
// HTML, everything else plain text.
func Handler(facts Facts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, static, "static/"+r.PathValue("file"))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Vary", "Accept")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		server := "ws://" + r.Host
		if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			server = "wss://" + r.Host
		}
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			h.Set("Content-Type", "text/plain; charset=utf-8")
			writeText(w, facts, server)
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		var body bytes.Buffer
		err := page.Execute(&body, struct {
			Facts
			Server string
		}{facts, server})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = body.WriteTo(w) // the browser may be gone
	})
	return mux
}

func writeText(w http.ResponseWriter, facts Facts, server string) {
	fmt.Fprintf(w, `yroom %s: a Yjs collaboration server

Connect      %s/ws/ROOM  (y-websocket protocol)
Documents    %s
Health       /healthz, /readyz

With y-websocket:

    const doc = new Y.Doc()
    const provider = new WebsocketProvider('%s/ws', 'my-room', doc)
`, facts.Version, server, facts.Store, server)
	if facts.Open {
		fmt.Fprint(w, "\nThis server asks nobody who they are: whoever can reach it can read and change every room.\n")
	}
}
