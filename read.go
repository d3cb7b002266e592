package yroom

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/yjs"
)

// Read gives the document as it is now, as a Doc of the caller's own: what is
// changed in it changes the room no more than a copy would. For that there is Edit.
func (d *Document) Read(ctx context.Context) (*yjs.Doc, error) {
	a, err := d.query(ctx, room.Ask{})
	if err != nil {
		return nil, err
	}
	doc := yjs.New()
	if a.Update != nil {
		err = integrated(doc.Apply(a.Update, V1))
	}
	return doc, err
}

// integrated says what it means that a Doc refused an update that a room has.
func integrated(err error) error {
	if err != nil {
		return fmt.Errorf("yroom: the document can't be integrated: %w", err)
	}
	return nil
}

// The exports of single roots. A root that is not there reads as an empty one
// of its kind. One that is used as another kind is an error, yjs.ErrType; one that
// can't be printed, yjs.ErrSize or yjs.ErrDepth.

// Text gives a root text without its formatting, "" where there is none. An array
// of types reads as "" too: it looks like a text with embeds and no characters.
func (d *Document) Text(ctx context.Context, name string) (string, error) {
	return export(ctx, d, name, (*yjs.Doc).Text, text[*yjs.Text])
}

// Delta gives a root text with its formatting and embeds, nothing where there is none.
func (d *Document) Delta(ctx context.Context, name string) (yjs.Delta, error) {
	return export(ctx, d, name, (*yjs.Doc).Text, func(of *yjs.Text) (yjs.Delta, error) { return of.Delta(), nil })
}

// Array gives a root array as JSON, [] where there is none.
func (d *Document) Array(ctx context.Context, name string) (json.RawMessage, error) {
	return export(ctx, d, name, (*yjs.Doc).Array, asJSON[*yjs.Array])
}

// Map gives a root map as JSON, {} where there is none.
func (d *Document) Map(ctx context.Context, name string) (json.RawMessage, error) {
	return export(ctx, d, name, (*yjs.Doc).Map, asJSON[*yjs.Map])
}

// XMLFragment gives a root XML fragment as XML, "" where there is none.
func (d *Document) XMLFragment(ctx context.Context, name string) (string, error) {
	return export(ctx, d, name, (*yjs.Doc).XMLFragment, text[*yjs.XMLFragment])
}

// ProseMirror gives a root XML fragment as the JSON of a ProseMirror document, one
// without content where there is none. See yjs.XMLFragment.ProseMirror.
func (d *Document) ProseMirror(ctx context.Context, name string) (json.RawMessage, error) {
	return export(ctx, d, name, (*yjs.Doc).XMLFragment, func(of *yjs.XMLFragment) (json.RawMessage, error) { return of.ProseMirror() })
}

// XMLElement gives a root XML element as XML. Its tag is its name as a root, so
// that one which is not there is <NAME></NAME>.
func (d *Document) XMLElement(ctx context.Context, name string) (string, error) {
	return export(ctx, d, name, (*yjs.Doc).XMLElement, text[*yjs.XMLElement])
}

// XMLText gives a root XML text with its formatting as tags, "" where there is none.
func (d *Document) XMLText(ctx context.Context, name string) (string, error) {
	return export(ctx, d, name, (*yjs.Doc).XMLText, text[*yjs.XMLText])
}

// JSON gives the whole document as a JSON object with a member for each root.
// What kind a root is, is not in the document; kinds names what shall not be
// inferred. See yjs.Doc.Roots for the rule.
func (d *Document) JSON(ctx context.Context, kinds map[string]yjs.Kind) (json.RawMessage, error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return nil, err
	}
	return doc.JSON(kinds)
}

func export[T, R any](ctx context.Context, d *Document, name string, root func(*yjs.Doc, string) (T, error), show func(T) (R, error)) (shown R, err error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return shown, err
	}
	of, err := root(doc, name)
	if err != nil {
		return shown, err
	}
	if _, ok := any(of).(*yjs.Text); !ok { // that has no formats here
		if err := doc.Printable(); err != nil {
			return shown, err
		}
	}
	return show(of)
}

func text[T fmt.Stringer](of T) (string, error) { return of.String(), nil }

func asJSON[T json.Marshaler](of T) (json.RawMessage, error) { return of.MarshalJSON() }
