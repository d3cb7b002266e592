package docsite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/webui"
)

// prefix is the path of the site on a server.
const prefix = "/docs/"

// Handler serves a site at /docs/. A file is rendered when it is first asked for and then
// kept, so strangers can't keep the server busy with it.
type Handler struct {
	site *Site
	mu   sync.Mutex // one file is rendered at a time
	kept map[string]*rendered
}

// rendered is a file with the tag by which a browser finds out whether it has changed.
type rendered struct {
	content []byte
	tag     string
}

// NewHandler returns a handler for a site.
func NewHandler(site *Site) *Handler {
	return &Handler{site: site, kept: map[string]*rendered{}}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The documentation can only be read: send GET or HEAD.", http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, prefix)
	if !below {
		http.Redirect(w, r, prefix, http.StatusMovedPermanently)
		return
	}
	if name == "" {
		name = "index.html"
	}
	file, err := h.file(name)
	if err != nil {
		http.Error(w, "There is no such page of the documentation; "+prefix+" lists all pages.", http.StatusNotFound)
		return
	}
	sources := "'self'"
	if path.Ext(name) == ".svg" {
		sources = "'unsafe-inline'" // of a diagram, which a reader may open by itself
	}
	webui.Secure(w.Header(), sources)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", file.tag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content))
}

// file returns a file of the site, which is rendered if it was not asked for before.
func (h *Handler) file(name string) (*rendered, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if file := h.kept[name]; file != nil {
		return file, nil
	}
	content, err := h.site.File(name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	file := &rendered{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`}
	h.kept[name] = file
	return file, nil
}
