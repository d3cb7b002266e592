package webui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yroom/yroom/internal/webui"
)

func get(t *testing.T, facts webui.Facts, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://yroom.test:8000"+path, http.NoBody)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	webui.Handler(facts, nil).ServeHTTP(w, r)
	return w
}

func TestPageForBrowserAndTerminal(t *testing.T) {
	facts := webui.Facts{Version: "v1.2.3", Name: "web-1", Store: "in memory <b>"}
	for _, test := range []struct {
		name, accept, contentType string
		want                      []string
	}{
		{
			"browser", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8",
			[]string{"ws://yroom.test:8000/ws", "ws://yroom.test:8000/hocuspocus", "v1.2.3", "web-1", "in memory &lt;b&gt;"},
		},
		{
			"curl", "*/*", "text/plain; charset=utf-8",
			[]string{"ws://yroom.test:8000/ws/ROOM", "ws://yroom.test:8000/hocuspocus", "v1.2.3", "web-1", "in memory <b>"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := get(t, facts, "/", test.accept)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			if got := w.Header().Get("Content-Type"); got != test.contentType {
				t.Errorf("content type %q, want %q", got, test.contentType)
			}
			for _, want := range test.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("no %q in\n%s", want, w.Body)
				}
			}
			if strings.Contains(w.Body.String(), "has no login") {
				t.Error("the page calls a closed server open")
			}
		})
	}
}

func TestPageWarnsAboutAnOpenServer(t *testing.T) {
	for _, accept := range []string{"text/html", "*/*"} {
		if w := get(t, webui.Facts{Open: true}, "/", accept); !strings.Contains(w.Body.String(), "has no login") {
			t.Errorf("%s: no warning in\n%s", accept, w.Body)
		}
	}
}

func TestPageUsesWssBehindTLS(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://yroom.test/", http.NoBody)
	r.Header.Set("X-Forwarded-Proto", "https")
	w := httptest.NewRecorder()
	webui.Handler(webui.Facts{}, nil).ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "wss://yroom.test/ws/ROOM") {
		t.Errorf("no wss address in\n%s", w.Body)
	}
}

func TestFilesOfThePageExist(t *testing.T) {
	html := get(t, webui.Facts{}, "/", "text/html").Body.String()
	links := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(links) == 0 {
		t.Fatal("the page names no files")
	}
	for _, link := range links {
		if w := get(t, webui.Facts{}, link[1], "*/*"); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d", link[1], w.Code)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	for _, path := range []string{"/nothing", "/static/", "/static/nothing.js"} {
		if w := get(t, webui.Facts{}, path, "text/html"); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
}

func TestRoomPages(t *testing.T) {
	built := fstest.MapFS{"rooms.html": {Data: []byte("the list")}, "room.html": {Data: []byte("one room")}}
	for path, want := range map[string]string{
		"/rooms": "the list", "/rooms/a": "one room", "/rooms/a/b": "one room", "/rooms/a%2F..%2F%2Fb": "one room",
	} {
		w := httptest.NewRecorder()
		webui.Handler(webui.Facts{}, built).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: status %d, %q", path, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'; script-src 'self'; style-src 'self';") {
			t.Errorf("%s: Content-Security-Policy %q", path, got)
		}
		if w := get(t, webui.Facts{}, path, "text/html"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "make run") {
			t.Errorf("%s, not built: status %d, %q", path, w.Code, w.Body)
		}
	}
}
