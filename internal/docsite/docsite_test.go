package docsite_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/docs"
	"github.com/yroom/yroom/internal/docsite"
)

// The ids of headings are those that GitHub gives them.
func TestIDs(t *testing.T) {
	var ids docsite.IDs
	for _, test := range []struct{ text, want string }{
		{"Rooms", "rooms"},
		{"What isn't", "what-isnt"},
		{"`--store`, and `limits.user`", "--store-and-limitsuser"},
		{"snake_case stays", "snake_case-stays"},
		{"CPU & memory: 100 %", "cpu--memory-100-"},
		{"Größe, naïveté, Ελληνικά", "größe-naïveté-ελληνικά"},
		{"a — dash", "a--dash"},
		{"½ and ①", "-and-"},
		{"Rooms", "rooms-1"},
		{"Rooms", "rooms-2"},
		{"Rooms 1", "rooms-1-1"},
		{"🚀 launch", "-launch"},
	} {
		if got := ids.Of(test.text); got != test.want {
			t.Errorf("%q has the id %q, want %q", test.text, got, test.want)
		}
	}
}

// The overview lists each page once.
func TestOverviewListsAllPages(t *testing.T) {
	names, err := docsite.New(docs.Files(), "devel", false).Names()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	want := []string{"base.css", "docs.css", "docs.js", "icon.svg", "index.html", "search.js"}
	err = fs.WalkDir(docs.Files(), ".", func(name string, _ fs.DirEntry, err error) error {
		if page, ok := strings.CutSuffix(name, ".md"); ok && page != "README" {
			want = append(want, page+".html")
		} else if path.Dir(name) == "images" {
			want = append(want, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files of the site (-want +got); docs/README.md lists its pages:\n%s", diff)
	}
}

// A page has the title that the list of pages gives it.
func TestTitles(t *testing.T) {
	overview, err := fs.ReadFile(docs.Files(), "README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^- \[(.*?)\]\((.*?)\)`).FindAllStringSubmatch(string(overview), -1)
	if len(listed) < 15 {
		t.Errorf("the overview lists %d pages", len(listed))
	}
	for _, match := range listed {
		page, err := fs.ReadFile(docs.Files(), match[2])
		if err != nil {
			t.Fatal(err)
		}
		if title, _, _ := strings.Cut(string(page), "\n"); title != "# "+match[1] {
			t.Errorf("%s begins with %q, and is listed as %q", match[2], title, match[1])
		}
	}
}

// The pages of a server lead to pages and headings of its documentation.
func TestLinksFromOtherPages(t *testing.T) {
	site := docsite.New(docs.Files(), "devel", false)
	seen := 0
	for _, name := range []string{"../webui/page.html", "../../web/shared/docs.html"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`href="/docs/([^"#]*)#?([^"]*)"`).FindAllStringSubmatch(string(source), -1) {
			seen++
			page, err := site.File(either(match[1] == "", "index.html", match[1]))
			if err != nil || match[2] != "" && !slices.Contains(idsOf(string(page)), match[2]) {
				t.Errorf("%s: the link %s leads to nothing (%v)", name, match[0], err)
			}
		}
	}
	if seen < 5 {
		t.Errorf("found only %d links", seen)
	}
}

// Each link of each page, and each file that it loads, leads to something: on a server,
// and in the folder of a version.
func TestLinks(t *testing.T) {
	server := docsite.NewHandler(docsite.New(docs.Files(), "devel", false))
	served := crawl(t, "/docs/", func(name string) string {
		if name == "/" {
			return "the home page of the server"
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, name, http.NoBody))
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", name, w.Code)
		}
		return w.Body.String()
	})
	folder := t.TempDir()
	if err := docsite.New(docs.Files(), "v1.2.3", true).Write(folder); err != nil {
		t.Fatal(err)
	}
	written := crawl(t, "/index.html", func(name string) string {
		content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
		}
		return string(content)
	})
	names, err := docsite.New(docs.Files(), "", false).Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "search.js" { // a page loads it when it is needed
			continue
		}
		for found, in := range map[string][]string{"/docs/" + name: served, "/v1.2.3/" + name: written} {
			if !slices.Contains(in, found) {
				t.Errorf("no page links to %s", found)
			}
		}
	}
}

var (
	linked = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	ids    = regexp.MustCompile(` id="([^"]*)"`)
)

// crawl follows all links from a page, and returns what it has found.
func crawl(t *testing.T, from string, read func(name string) string) []string {
	t.Helper()
	content := map[string]string{from: read(from)}
	anchors := map[string][]string{from: idsOf(content[from])}
	for waiting := []string{from}; len(waiting) > 0; waiting = waiting[1:] {
		page := waiting[0]
		if ext := path.Ext(page); ext != "" && ext != ".html" {
			continue
		}
		for _, match := range linked.FindAllStringSubmatch(content[page], -1) {
			to := html.UnescapeString(match[1])
			if strings.Contains(to, ":") {
				if file, ok := strings.CutPrefix(to, "https://github.com/yroom/yroom/"); ok {
					checkForge(t, page, file)
				}
				continue
			}
			name, anchor, _ := strings.Cut(to, "#")
			target := path.Join(path.Dir(page), name)
			switch {
			case name == "":
				target = page
			case strings.HasSuffix(page, "/"):
				target = path.Join(page, name)
			}
			if _, seen := content[target]; !seen {
				content[target] = read(target)
				anchors[target] = idsOf(content[target])
				waiting = append(waiting, target)
			}
			if anchor != "" && !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s: the link %s leads to no heading", page, to)
			}
		}
		seen := map[string]bool{}
		for _, id := range anchors[page] {
			if seen[id] {
				t.Errorf("%s: two elements have the id %s", page, id)
			}
			seen[id] = true
		}
	}
	return slices.Sorted(maps.Keys(content))
}

func idsOf(page string) (found []string) {
	for _, match := range ids.FindAllStringSubmatch(page, -1) {
		found = append(found, html.UnescapeString(match[1]))
	}
	return found
}

// checkForge checks that a file of the repository exists, and that its address says
// whether it is a folder, and of which version it is.
func checkForge(t *testing.T, page, address string) {
	t.Helper()
	kind, rest, _ := strings.Cut(address, "/")
	if kind != "blob" && kind != "tree" { // such as releases
		return
	}
	version, name, _ := strings.Cut(rest, "/")
	name, _, _ = strings.Cut(name, "#")
	if want := either(strings.HasPrefix(page, "/docs/"), "main", strings.Split(page, "/")[1]); version != want {
		t.Errorf("%s: the link %s is to version %s, want %s", page, address, version, want)
	}
	info, err := os.Stat(filepath.FromSlash("../../" + name))
	if err != nil || info.IsDir() != (kind == "tree") {
		t.Errorf("%s: the link %s has no such target (%v)", page, address, err)
	}
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// Two runs write the same bytes, and the newest release is in front.
func TestWrite(t *testing.T) {
	few := fstest.MapFS{
		"README.md":    {Data: []byte("# Documentation\n\n## Start\n\n- [A page](page.md)\n")},
		"page.md":      {Data: []byte("# A page\n")},
		"images/a.png": {Data: []byte("png")},
	}
	folders := []string{t.TempDir(), t.TempDir()}
	for _, folder := range folders {
		for _, version := range []string{"v0.9.0", "devel", "v0.10.0", "v0.11.0-rc.1"} {
			if err := docsite.New(few, version, true).Write(folder); err != nil {
				t.Fatal(err)
			}
		}
	}
	a, b := contentOf(t, folders[0]), contentOf(t, folders[1])
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	if got := regexp.MustCompile(`<li>.*?>(.*)</a>`).FindAllStringSubmatch(a["index.html"], -1); len(got) != 4 || got[0][1] != "v0.10.0" || got[1][1] != "v0.9.0" || got[2][1] != "v0.11.0-rc.1" || got[3][1] != "devel" {
		t.Errorf("versions %q", got)
	}
	if !strings.Contains(a["index.html"], `content="0; url=v0.10.0/index.html"`) {
		t.Errorf("the first page doesn't lead to the newest release:\n%s", a["index.html"])
	}
	if !strings.HasPrefix(a["versions.js"], `window.docsVersions = [["v0.10.0",["index.html","page.html"]],`) {
		t.Errorf("versions.js: %.200s", a["versions.js"])
	}
}

func contentOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Pages have what a reader needs, and nothing that the policy forbids, and are the same
// whenever they are rendered.
func TestPages(t *testing.T) {
	site, again := docsite.New(docs.Files(), "v1.2.3", false), docsite.New(docs.Files(), "v1.2.3", false)
	names, err := site.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := site.File(name)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.File(name); err != nil || !bytes.Equal(content, second) {
			t.Errorf("%s is not the same twice (%v)", name, err)
		}
		if path.Ext(name) != ".html" {
			continue
		}
		for _, bad := range []string{"<style", " style=", "<script>", " onclick=", `src="http`, ".md)", `.md"`, "<!-- raw HTML"} {
			// The source of the page on the forge is Markdown.
			if text := strings.ReplaceAll(string(content), `.md">Source of this page`, ""); strings.Contains(withoutForge.ReplaceAllString(text, ""), bad) {
				t.Errorf("%s contains %q", name, bad)
			}
		}
		for _, want := range []string{"<h1 id=", "v1.2.3", `aria-current="page"`, `href="operations.html"`} {
			if !strings.Contains(string(content), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	operations, err := site.File("operations.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<h2 id="metrics">`, `<li><a href="#metrics">Metrics</a>`, `rel="prev"`, `rel="next"`, `<pre tabindex="0"><code>yroom serve` + "\n</code></pre>",
		`href="https://github.com/yroom/yroom/blob/v1.2.3/docs/operations.md"`,
	} {
		if !strings.Contains(string(operations), want) {
			t.Errorf("operations.html lacks %q", want)
		}
	}
	if _, err := site.File("nothing.html"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that isn't there: %v", err)
	}
}

var withoutForge = regexp.MustCompile(`"https://github\.com/[^"]*"`)

func TestServe(t *testing.T) {
	handler := docsite.NewHandler(docsite.New(docs.Files(), "devel", false))
	ask := func(method, path, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, http.NoBody)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for name, kind := range map[string]string{
		"/docs/": "text/html; charset=utf-8", "/docs/index.html": "text/html; charset=utf-8", "/docs/search.js": "text/javascript; charset=utf-8",
		"/docs/docs.css": "text/css; charset=utf-8", "/docs/icon.svg": "image/svg+xml", "/docs/images/tiptap.png": "image/png",
	} {
		w := ask(http.MethodGet, name, "")
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != kind {
			t.Errorf("%s: status %d, content type %q", name, w.Code, h.Get("Content-Type"))
		}
		sources := either(path.Ext(name) == ".svg", "'unsafe-inline'", "'self'")
		if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; script-src 'self'; style-src "+sources+"; img-src 'self';") {
			t.Errorf("%s: policy %q", name, got)
		}
		if again := ask(http.MethodGet, name, h.Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s: status %d for a file that the browser has", name, again.Code)
		}
	}
	if w := ask(http.MethodGet, "/docs", ""); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/docs/" {
		t.Errorf("/docs: status %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, name := range []string{"/docs/nothing", "/docs/operations.md", "/docs/../docs/x", "/docs/images/", "/docs/embed.go"} {
		if w := ask(http.MethodGet, name, ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/docs/ lists all pages") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := ask(http.MethodPost, "/docs/", ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: status %d", w.Code)
	}
}

// An overview that lists no pages is an error, not an empty site.
func TestNoPages(t *testing.T) {
	site := docsite.New(os.DirFS(t.TempDir()), "devel", false)
	if _, err := site.Names(); err == nil {
		t.Error("a site without an overview has names")
	}
	if err := site.Write(t.TempDir()); err == nil {
		t.Error("a site without an overview can be written")
	}
	if got := fmt.Sprint(site.File("index.html")); !strings.Contains(got, "README.md") {
		t.Errorf("error %s", got)
	}
}
