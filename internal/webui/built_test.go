//go:build demo

package webui_test

import (
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/yroom/yroom/web"
)

// The built pages are complete, and have nothing in them that the policy forbids.
func TestBuiltPages(t *testing.T) {
	built := web.Built()
	pages, err := fs.Glob(built, "*.html")
	if err != nil || len(pages) < 3 {
		t.Fatalf("pages %q (%v)", pages, err)
	}
	for _, page := range pages {
		content, err := fs.ReadFile(built, page)
		if err != nil {
			t.Fatal(err)
		}
		html := string(content)
		for _, bad := range []string{"<style", " style=", "<script>", " onclick=", "http:", "https:", "<!--", "main.js", "style.css"} {
			// A placeholder of a field may show how an address begins.
			if strings.Contains(strings.ReplaceAll(html, `placeholder="https://"`, ""), bad) {
				t.Errorf("%s contains %q", page, bad)
			}
		}
		files := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(html, -1)
		if len(files) < 3 {
			t.Errorf("%s names %d files, want a script, a style and an icon", page, len(files))
		}
		for _, file := range files {
			w := ask(t, built, file[1], nil)
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Errorf("%s: %s: status %d", page, file[1], w.Code)
			}
			want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[path.Ext(file[1])]
			if got := w.Header().Get("Content-Type"); got != want {
				t.Errorf("%s: content type %q, want %q", file[1], got, want)
			}
		}
	}
	if w := ask(t, built, "/static/licences.txt", nil); !strings.Contains(w.Body.String(), "prosemirror-view") {
		t.Error("the licences are missing")
	}
	for _, demo := range []string{"prosemirror", "tiptap", "codemirror", "board"} {
		if w := ask(t, built, "/"+demo+"/room", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `id="saved"`) {
			t.Errorf("%s: %d\n%s", demo, w.Code, w.Body)
		}
	}
}
