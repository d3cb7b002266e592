package document

import (
	"context"
	"encoding/json"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/yjs"
)

// Read returns the current document as a Doc that the caller owns. Changing the Doc
// doesn't change the room; use Edit for that.
func (d *Document) Read(ctx context.Context) (*yjs.Doc, error) {
	info, err := d.Query(ctx, event.Mark{})
	if err != nil {
		return nil, err
	}
	return info.Doc()
}

// Doc returns the document whose whole Update a query returned, as a Doc that the
// caller owns.
func (i Info) Doc() (*yjs.Doc, error) {
	doc := yjs.New()
	if i.Update == nil {
		return doc, nil
	}
	return doc, integrateError(doc.Apply(i.Update, blocks.V1))
}

// The exports of single roots. Content that doesn't belong to the kind is skipped, as in
// yjs. A root that doesn't exist is empty; if the document has other roots, the error is
// ErrNoRoot. The error is yjs.ErrType if nothing of the root's content belongs to the kind,
// and yjs.ErrSize or yjs.ErrDepth if it can't be written.

// Text returns a root text without its formatting.
func (d *Document) Text(ctx context.Context, name string) (string, error) {
	text, err := d.export(ctx, name, yjs.KindText, FormatText)
	return string(text), err
}

// Delta returns a root text with its formatting and embeds.
func (d *Document) Delta(ctx context.Context, name string) (yjs.Delta, error) {
	doc, noRoot := d.readRoot(ctx, name, yjs.KindText)
	if doc == nil {
		return nil, noRoot
	}
	if err := doc.Printable(); err != nil {
		return nil, err
	}
	text, err := doc.Text(name)
	if err != nil {
		return nil, err
	}
	return text.Delta(), noRoot
}

// Array returns a root array as JSON.
func (d *Document) Array(ctx context.Context, name string) (json.RawMessage, error) {
	return d.export(ctx, name, yjs.KindArray, FormatJSON)
}

// Map returns a root map as JSON.
func (d *Document) Map(ctx context.Context, name string) (json.RawMessage, error) {
	return d.export(ctx, name, yjs.KindMap, FormatJSON)
}

// XMLFragment returns a root XML fragment as XML.
func (d *Document) XMLFragment(ctx context.Context, name string) (string, error) {
	xml, err := d.export(ctx, name, yjs.KindXMLFragment, FormatXML)
	return string(xml), err
}

// ProseMirror returns a root XML fragment as the JSON of a ProseMirror document.
// See yjs.XMLFragment.ProseMirror.
func (d *Document) ProseMirror(ctx context.Context, name string) (json.RawMessage, error) {
	return d.export(ctx, name, yjs.KindXMLFragment, FormatProseMirror)
}

// XMLElement returns a root XML element as XML. Its tag is its name as a root.
func (d *Document) XMLElement(ctx context.Context, name string) (string, error) {
	xml, err := d.export(ctx, name, yjs.KindXMLElement, FormatXML)
	return string(xml), err
}

// XMLText returns a root XML text with its formatting as tags.
func (d *Document) XMLText(ctx context.Context, name string) (string, error) {
	xml, err := d.export(ctx, name, yjs.KindXMLText, FormatXML)
	return string(xml), err
}

// JSON returns the whole document as a JSON object with a member for each root.
// The kinds of roots are not in the document. kinds holds kinds that replace the ones
// inferred from the content by the rule of yjs.Doc.Roots. A root that is named there and
// doesn't exist is written as an empty one.
func (d *Document) JSON(ctx context.Context, kinds map[string]yjs.Kind) (json.RawMessage, error) {
	doc, err := d.Read(ctx)
	if err != nil {
		return nil, err
	}
	return doc.JSON(kinds)
}

func (d *Document) export(ctx context.Context, name string, kind yjs.Kind, f Format) ([]byte, error) {
	doc, noRoot := d.readRoot(ctx, name, kind)
	if doc == nil {
		return nil, noRoot
	}
	written, err := Export(doc, name, kind, f)
	if err != nil {
		return nil, err
	}
	return written, noRoot
}
