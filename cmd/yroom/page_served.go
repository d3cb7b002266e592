package main

import (
	"context"
	"net/http"
	"regexp"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
)

// served handles /served.json, which returns the processes that serve a room to the page
// of that room. It has no guard: a browser that can open the page can read the room.
type served struct {
	documents *document.Documents
	consumer  string
}

// processes holds the names of the processes that serve a room. Worker is empty if the
// room doesn't exist or has no worker now.
type processes struct {
	Consumer string `json:"consumer"` // the one that answers; the cookie names that of the page's socket
	Worker   string `json:"worker"`
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet {
		h.Set("Allow", http.MethodGet)
		writeJSON(w, http.StatusMethodNotAllowed, problem{"This address is for GET."})
		return
	}
	name := r.URL.Query().Get("room")
	if err := event.CheckName(name); err != nil {
		writeJSON(w, http.StatusBadRequest, problem{"There is no room of this name."})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), roomTimeout)
	defer cancel()
	info, _ := s.documents.Document(name).Info(ctx) // whatever the error is, no worker is known
	writeJSON(w, http.StatusOK, processes{s.consumer, info.Summary.Worker})
}

// tabs matches the random word that a page sends with its socket.
var tabs = regexp.MustCompile(`^[a-z0-9]{1,32}$`)

// tellConsumer tells a page which consumer its socket is connected to. A proxy may pass
// other requests of the page to another consumer, and a page can't read the header of
// the response to its socket, except for a cookie. The cookie has the word of the page
// in its name, and the page removes it.
func tellConsumer(w http.ResponseWriter, r *http.Request, name string) {
	if tab := r.URL.Query().Get("tab"); tabs.MatchString(tab) {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: a server without TLS has it too, and it is no secret
			Name: "yroom-consumer-" + tab, Value: name, Path: "/", MaxAge: 10, SameSite: http.SameSiteStrictMode,
		})
	}
}
