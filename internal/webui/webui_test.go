package webui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

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

func TestPageSpeaksToBrowserAndTerminal(t *testing.T) {
	facts := webui.Facts{Version: "v1.2.3", Store: "in memory <b>"}
	for _, test := range []struct {
		name, accept, contentType string
		want                      []string
	}{
		{
			"browser", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8",
			[]string{"ws://yroom.test:8000/ws", "v1.2.3", "in memory &lt;b&gt;"},
		},
		{
			"curl", "*/*", "text/plain; charset=utf-8",
			[]string{"ws://yroom.test:8000/ws/ROOM", "v1.2.3", "in memory <b>"},
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
			if strings.Contains(w.Body.String(), "asks nobody") {
				t.Error("the page calls a closed server open")
			}
		})
	}
}

func TestPageWarnsOfAnOpenServer(t *testing.T) {
	for _, accept := range []string{"text/html", "*/*"} {
		if w := get(t, webui.Facts{Open: true}, "/", accept); !strings.Contains(w.Body.String(), "asks nobody") {
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

func TestFilesOfThePageAreThere(t *testing.T) {
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

func TestNothingElseIsThere(t *testing.T) {
	for _, path := range []string{"/nothing", "/static/", "/static/nothing.js"} {
		if w := get(t, webui.Facts{}, path, "text/html"); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
}
