package document

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/yroom/yroom/yjs"
)

// ErrNoRoot means that a document has roots, and not the one that was named. The names of
// roots are case-sensitive, and each editor has one: "prosemirror" in examples of
// y-prosemirror, "default" in TipTap.
var ErrNoRoot = errors.New("document: the document has no such root")

// needRoot returns ErrNoRoot if doc has roots, and not the one with this name.
func needRoot(doc *yjs.Doc, name string) error {
	if _, ok := doc.Root(name); ok {
		return nil
	}
	if roots := doc.Roots(); len(roots) > 0 {
		return fmt.Errorf("%w: %q; it has %s", ErrNoRoot, name, list(roots))
	}
	return nil
}

// readRoot returns the document, which is empty or has the root, with content that a root
// of the kind can have.
func (d *Document) readRoot(ctx context.Context, name string, kind yjs.Kind) (*yjs.Doc, error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return nil, err
	}
	if err := needRoot(doc, name); err != nil {
		return nil, err
	}
	if root, ok := doc.Root(name); ok && !mayBe(root.Kind, kind) {
		return nil, fmt.Errorf("%w: the root %q has the content of the kind %s, and not of %s", yjs.ErrType, name, root.Kind, kind)
	}
	return doc, nil
}

// mayBe reports whether a root that yjs.Doc.Roots reports with one kind can be of another.
// Package yjs itself refuses most other kinds, but it would read content without characters
// as an empty text.
func mayBe(shown, kind yjs.Kind) bool {
	switch kind {
	case yjs.KindText, yjs.KindXMLText:
		return shown == yjs.KindText || shown == yjs.KindXMLText || shown == yjs.KindUnknown
	}
	return true
}

// list returns a text with the names and kinds of roots.
func list(roots []yjs.Root) string {
	const most = 20
	var names []string
	for _, r := range roots[:min(len(roots), most)] {
		names = append(names, fmt.Sprintf("%q (%s)", r.Name, r.Kind))
	}
	if len(roots) > most {
		names = append(names, fmt.Sprintf("%d more", len(roots)-most))
	}
	return strings.Join(names, ", ")
}
