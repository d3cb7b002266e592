package webui_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yroom/yroom/internal/webui"
)

// built has the files that web/build.mjs builds.
var built = fstest.MapFS{
	"prosemirror.html":         {Data: []byte("<p>ProseMirror")},
	"tiptap.html":              {Data: []byte("<p>TipTap")},
	"codemirror.html":          {Data: []byte(`<meta name="style-nonce" content="{{nonce}}">`)},
	"board.html":               {Data: []byte("<p>A board")},
	"static/board-ABCDEFGH.js": {Data: []byte("enter()")},
	"static/licences.txt":      {Data: []byte("MIT")},
}

// ask sends a GET request to a server with the editors of built.
func ask(t *testing.T, built fs.FS, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://yroom.test:8000"+path, http.NoBody)
	r.Header = header
	w := httptest.NewRecorder()
	webui.Handler(webui.Facts{}, built).ServeHTTP(w, r)
	return w
}

func TestEachRoomHasItsEditors(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"/prosemirror/room", "<p>ProseMirror"},
		{"/prosemirror/room?readonly", "<p>ProseMirror"},
		{"/prosemirror/a/b", "<p>ProseMirror"},
		{"/prosemirror/a%2F%2Fb%20%E2%82%AC", "<p>ProseMirror"},
		{"/tiptap/room?provider=websocket", "<p>TipTap"},
		{"/board/room", "<p>A board"},
	} {
		w := ask(t, built, test.path, nil)
		if w.Code != http.StatusOK || w.Body.String() != test.want {
			t.Errorf("%s: %d %q, want %q", test.path, w.Code, w.Body, test.want)
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: content type %q", test.path, got)
		}
	}
	for _, path := range []string{"/prosemirror", "/board/"} {
		if w := ask(t, built, path, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Errorf("%s: %d to %q, want 303 to /", path, w.Code, w.Header().Get("Location"))
		}
	}
}

// Pages load only this server's scripts and styles. Their only inline styles are those
// that a page's own script adds.
func TestPagesLoadFromThisServer(t *testing.T) {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, path := range []string{"/", "/prosemirror/room", "/board/room"} {
		h := ask(t, built, path, http.Header{"Accept": {"text/html"}}).Header()
		if got := h.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", path, got)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, h)
		}
	}

	seen := map[string]bool{}
	for range 2 {
		w := ask(t, built, "/codemirror/room", nil)
		nonce := regexp.MustCompile(`content="([A-Z0-9]{26})"`).FindStringSubmatch(w.Body.String())
		if len(nonce) != 2 || seen[nonce[1]] {
			t.Fatalf("no fresh nonce in %s", w.Body)
		}
		seen[nonce[1]] = true
		want := strings.Replace(policy, "style-src 'self'", "style-src 'self' 'nonce-"+nonce[1]+"'", 1)
		if got := w.Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("policy %q, want %q", got, want)
		}
	}
}

func TestNewRoomIsOneClick(t *testing.T) {
	rooms := map[string]bool{}
	for range 5 {
		w := ask(t, built, "/new/board", nil)
		room := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !regexp.MustCompile(`^/board/[a-z]+-[a-z]+-\d{4}$`).MatchString(room) {
			t.Errorf("%d to %q", w.Code, room)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q: the next click would open the same room", got)
		}
		rooms[room] = true
	}
	if len(rooms) < 4 {
		t.Errorf("5 new rooms have the names %v", rooms)
	}
	home := ask(t, built, "/", http.Header{"Accept": {"text/html"}}).Body.String()
	for _, demo := range []string{"prosemirror", "tiptap", "codemirror", "board"} {
		if !strings.Contains(home, `href="/new/`+demo+`"`) {
			t.Errorf("the page has no link to a new room of %s", demo)
		}
	}
}

func TestWithoutEditorsThePageSaysHowToGetThem(t *testing.T) {
	for _, accept := range []string{"text/html", "*/*"} {
		header := http.Header{"Accept": {accept}}
		if body := ask(t, nil, "/", header).Body.String(); !strings.Contains(body, "make run") || !strings.Contains(body, "release") || strings.Contains(body, "/new/") || strings.Contains(body, "/prosemirror/") {
			t.Errorf("%s: without editors:\n%s", accept, body)
		}
		if body := ask(t, built, "/", header).Body.String(); strings.Contains(body, "make run") {
			t.Errorf("%s: with editors:\n%s", accept, body)
		}
	}
	if w := ask(t, nil, "/board/room", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "make run") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestFilesAreCached(t *testing.T) {
	w := ask(t, built, "/static/board-ABCDEFGH.js", nil)
	if w.Code != http.StatusOK || w.Body.String() != "enter()" {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("a file that never changes: Cache-Control %q", got)
	}

	tags := map[string]bool{}
	for _, file := range []string{"/static/page.css", "/static/page.js", "/static/licences.txt"} {
		w := ask(t, built, file, nil)
		tag := w.Header().Get("ETag")
		if w.Header().Get("Cache-Control") != "no-cache" || tag == "" || tags[tag] {
			t.Errorf("%s may change: %v", file, w.Header())
		}
		tags[tag] = true
		if w := ask(t, built, file, http.Header{"If-None-Match": {tag}}); w.Code != http.StatusNotModified {
			t.Errorf("%s: status %d for a file that the browser has", file, w.Code)
		}
	}
}

func TestLinkToRooms(t *testing.T) {
	for _, may := range []bool{true, false} {
		facts := webui.Facts{MayList: func(*http.Request) bool { return may }}
		for _, accept := range []string{"text/html", "*/*"} {
			if body := get(t, facts, "/", accept).Body.String(); strings.Contains(body, "/rooms") != may {
				t.Errorf("may list %v, %s:\n%s", may, accept, body)
			}
		}
	}
}
