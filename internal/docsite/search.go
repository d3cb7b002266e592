package docsite

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// searchIndex returns a script with what the search reads: for each page its file, its title
// and its parts, each with the id of its heading, its title and its text.
func (s *Site) searchIndex(list *contents) ([]byte, error) {
	var pages [][]any
	for _, p := range list.pages {
		source, err := fs.ReadFile(s.files, p.source)
		if err != nil {
			return nil, err
		}
		pages = append(pages, []any{p.file, p.Title, parts(parse(source), source)})
	}
	index, err := json.Marshal(pages)
	return slices.Concat([]byte("window.docsIndex = "), index, []byte("\n")), err
}

// parts returns the id, the title and the text of each part of a page.
func parts(doc ast.Node, source []byte) (found [][3]string) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			found = append(found, [3]string{idOf(h), text(h, source), ""})
			continue
		}
		if len(found) > 0 {
			last := &found[len(found)-1]
			last[2] = strings.TrimSpace(last[2] + " " + text(n, source))
		}
	}
	return found
}
