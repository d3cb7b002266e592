// Package webui serves the pages of a yroom server: one that describes the server
// and how to connect to it, and the demo editors.
package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	texttemplate "text/template"
	"time"
)

//go:embed page.html page.txt static
var files embed.FS

var (
	html = htmltemplate.Must(htmltemplate.ParseFS(files, "page.html"))
	text = texttemplate.Must(texttemplate.ParseFS(files, "page.txt"))
)

// Facts describes the server for the page.
type Facts struct {
	Version string
	Name    string // of the process
	Store   string // where documents are kept, for display
	Open    bool   // anyone who can reach the server may read and write
	// MayList reports whether the page links to the list of rooms. If it is nil, the page
	// never does.
	MayList func(*http.Request) bool
}

// Handler serves the page at "/", the demo editors at "/prosemirror/{room}" and
// so on, and what they load below "/static/". At "/" browsers get HTML,
// other clients plain text. built holds the demo editors as web/build.mjs builds
// them; if it is nil, the page says how to get them.
func Handler(facts Facts, built fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { serve(w, r, facts, built != nil) })
	mux.HandleFunc("GET /static/{file}", func(w http.ResponseWriter, r *http.Request) { serveFile(w, r, built) })
	handleDemos(mux, built)
	handleRooms(mux, built)
	return mux
}

// File returns a style, a script or an image of this package by its name.
func File(name string) ([]byte, error) { return files.ReadFile("static/" + name) }

func serve(w http.ResponseWriter, r *http.Request, facts Facts, demos bool) {
	data := struct {
		Facts
		Server string
		Demos  bool
		Rooms  bool
	}{facts, "ws://" + r.Host, demos, facts.MayList != nil && facts.MayList(r)}
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
	Secure(w.Header(), "'self'")
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Vary", "Accept")
	_, _ = body.WriteTo(w) // the browser may have closed the connection
}

// hashed matches file names that contain a hash of the content.
var hashed = regexp.MustCompile(`-[A-Z0-9]{8}\.\w+$`)

// serveFile serves a file of this package or of built.
func serveFile(w http.ResponseWriter, r *http.Request, built fs.FS) {
	name, h := path.Join("static", r.PathValue("file")), w.Header()
	content, err := File(r.PathValue("file"))
	if err != nil && built != nil {
		content, err = fs.ReadFile(built, name)
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if hashed.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		sum := sha256.Sum256(content)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
