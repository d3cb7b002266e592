package docsite

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// overview is the page that lists all others, and so says their order.
const overview = "README.md"

// contents is what the overview lists.
type contents struct {
	sections []section
	pages    []pageInfo     // in the order of the sections, after the overview
	byFile   map[string]int // indexes of pages
}

// section is a heading of the overview with the pages below it.
type section struct {
	Title string
	Pages []pageInfo
}

// pageInfo is a page in lists of pages.
type pageInfo struct {
	Title  string
	file   string // such as operations.html
	source string // such as operations.md
}

// File returns the address of the page, relative to all others.
func (p pageInfo) File() string { return p.file }

// readContents reads the overview: each heading begins a section, and each list item that
// begins with a link to a page is a page of it.
func readContents(files fs.FS) (*contents, error) {
	source, err := fs.ReadFile(files, overview)
	if err != nil {
		return nil, err
	}
	list := &contents{pages: []pageInfo{{"Overview", "index.html", overview}}}
	doc := parse(source)
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			list.sections = append(list.sections, section{Title: text(n, source)})
		case *ast.List:
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				link, ok := item.FirstChild().FirstChild().(*ast.Link)
				if !ok || len(list.sections) == 0 {
					continue
				}
				name := string(link.Destination)
				p := pageInfo{text(link, source), fileOf(name), name}
				last := &list.sections[len(list.sections)-1]
				last.Pages = append(last.Pages, p)
				list.pages = append(list.pages, p)
			}
		}
	}
	if len(list.pages) == 1 {
		return nil, errors.New("docsite: the overview lists no pages")
	}
	list.sections[0].Pages = append([]pageInfo{list.pages[0]}, list.sections[0].Pages...)
	list.sections = withPages(list.sections)
	list.byFile = map[string]int{}
	for i, p := range list.pages {
		list.byFile[p.file] = i
	}
	return list, nil
}

// withPages returns the sections that have pages. The title of the overview is a heading
// without any.
func withPages(all []section) (kept []section) {
	for _, s := range all {
		if len(s.Pages) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// fileOf returns the name of a page's file in the site.
func fileOf(source string) string {
	if source == overview {
		return "index.html"
	}
	return strings.TrimSuffix(source, ".md") + ".html"
}
