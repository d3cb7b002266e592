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
// y-prosemirror, "default" in TipTap. With the error, an empty root is returned, for
// programs that read roots that no one has written to yet: these ignore ErrNoRoot.
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

// readRoot returns the document, from which a root is to be read as one of a kind. With
// every error but ErrNoRoot, the Doc is nil.
func (d *Document) readRoot(ctx context.Context, name string, kind yjs.Kind) (*yjs.Doc, error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return nil, err
	}
	if !doc.Holds(name, kind) {
		root, _ := doc.Root(name)
		return nil, fmt.Errorf("%w: the root %q has the content of the kind %s, and nothing of the kind %s; the document has %s",
			yjs.ErrType, name, root.Kind, kind, list(doc.Roots()))
	}
	return doc, needRoot(doc, name)
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
