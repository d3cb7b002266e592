// Package docsite makes a web site of the documentation in Markdown: for a server, which
// serves its own documentation, and for a host of static files. The site needs no other
// host, and its links are relative, so that it works below any path and from a folder.
package docsite

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"

	"golang.org/x/mod/semver"

	"github.com/yroom/yroom/internal/webui"
)

// forge is where the repository is.
const forge = "https://github.com/yroom/yroom"

var (
	//go:embed page.html
	pageHTML string
	//go:embed docs.css
	styles []byte
	//go:embed docs.js
	script []byte

	pageTemplate = template.Must(template.New("page.html").Parse(pageHTML))
)

// Site is the site of one version. Its methods may be called by several goroutines.
type Site struct {
	files   fs.FS
	version string
	hosted  bool
	read    func() (*contents, error)
}

// New returns the site of the pages in files, as package docs has them. version is that
// of yroom. A site that is hosted lies in a folder beside those of other versions; one
// that isn't is served by a server, whose home page is one level above.
func New(files fs.FS, version string, hosted bool) *Site {
	return &Site{
		files: files, version: version, hosted: hosted,
		read: sync.OnceValues(func() (*contents, error) { return readContents(files) }),
	}
}

// Names returns the names of all files of the site.
func (s *Site) Names() ([]string, error) {
	list, err := s.read()
	if err != nil {
		return nil, err
	}
	names := []string{"base.css", "docs.css", "docs.js", "icon.svg", searchFile}
	for _, p := range list.pages {
		names = append(names, p.file)
	}
	images, err := fs.Glob(s.files, "images/*")
	return append(names, images...), err
}

// searchFile is the name of the file with the search index.
const searchFile = "search.js"

// File returns a file of the site. If there is none with this name, the error is
// fs.ErrNotExist.
func (s *Site) File(name string) ([]byte, error) {
	list, err := s.read()
	if err != nil {
		return nil, err
	}
	switch {
	case name == "docs.css":
		return styles, nil
	case name == "docs.js":
		return script, nil
	case name == "base.css" || name == "icon.svg":
		return webui.File(name)
	case name == searchFile:
		return s.searchIndex(list)
	case path.Dir(name) == "images":
		return fs.ReadFile(s.files, name)
	}
	if i, ok := list.byFile[name]; ok {
		return s.page(list, i)
	}
	return nil, fmt.Errorf("docsite: %s: %w", name, fs.ErrNotExist)
}

// page returns page i as HTML.
func (s *Site) page(list *contents, i int) ([]byte, error) {
	source, err := fs.ReadFile(s.files, list.pages[i].source)
	if err != nil {
		return nil, err
	}
	doc := parse(source)
	about := list.pages[i]
	data := struct {
		Version  string
		Hosted   bool
		Forge    string
		Title    string
		File     string
		Source   string
		Sections []section
		Headings []heading
		Body     template.HTML
		Previous *pageInfo
		Next     *pageInfo
	}{
		Version: s.version, Hosted: s.hosted, Forge: forge, File: about.file, Sections: list.sections,
		Source: s.onForge("docs/" + about.source),
	}
	data.Title, data.Headings = headings(doc, source)
	if i > 0 {
		data.Previous = &list.pages[i-1]
	}
	if i+1 < len(list.pages) {
		data.Next = &list.pages[i+1]
	}
	s.redirect(doc, source, list)
	var body, page bytes.Buffer
	if err := markdown.Renderer().Render(&body, source, doc); err != nil {
		return nil, err
	}
	data.Body = template.HTML(body.String()) //nolint:gosec // the documentation is part of the program
	if err := pageTemplate.Execute(&page, data); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// onForge returns the address of a file or a folder of the repository, of the version of
// the site if that is a release.
func (s *Site) onForge(name string) string {
	ref := "main"
	if semver.IsValid(s.version) && semver.Prerelease(s.version)+semver.Build(s.version) == "" {
		ref = s.version
	}
	kind := "blob"
	if base := path.Base(name); !strings.Contains(base, ".") && !strings.HasSuffix(base, "file") { // not a Makefile or a Caddyfile
		kind = "tree"
	}
	return forge + "/" + kind + "/" + ref + "/" + name
}
