// Package webui is what a browser sees of a yroom server: a page that says
// what runs here and how to connect.
package webui

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"io"
	"net/http"
	"strings"
	texttemplate "text/template"
)

//go:embed page.html page.txt static
var files embed.FS

var (
	html = htmltemplate.Must(htmltemplate.ParseFS(files, "page.html"))
	text = texttemplate.Must(texttemplate.ParseFS(files, "page.txt"))
)

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
	for _, name := range []string{"static/page.css", "static/page.js", "static/icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, name)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { serve(w, r, facts) })
	return mux
}

func serve(w http.ResponseWriter, r *http.Request, facts Facts) {
	data := struct {
		Facts
		Server string
	}{facts, "ws://" + r.Host}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		data.Server = "wss://" + r.Host
	}
	var page interface {
		Execute(w io.Writer, data any) error
	} = text
	contentType := "text/plain; charset=utf-8"
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		page, contentType = html, "text/html; charset=utf-8"
	}
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept")
	_, _ = body.WriteTo(w) // the browser may be gone
}
