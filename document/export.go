package document

import (
	"encoding/json"
	"fmt"

	"github.com/yroom/yroom/yjs"
)

// Format names a way to write a root of a document.
type Format string

// The formats of a root.
const (
	FormatJSON        Format = "json"
	FormatText        Format = "text"        // without formatting: of a text
	FormatXML         Format = "xml"         // of an XML type, or of a text with its formatting as tags
	FormatProseMirror Format = "prosemirror" // the JSON of a ProseMirror document: of an XML fragment
	FormatDelta       Format = "delta"       // the JSON of a Quill delta: of a text with its formatting
)

// Export writes a root of doc, as a root of the given kind, in a format. The roots of an
// empty document are written as empty ones. With yjs.KindUnknown, the kind is that of
// the format; FormatJSON, which is for all kinds, uses the kind that the content shows.
// The error is ErrNoRoot if doc has other roots and not this one. It is yjs.ErrType if the
// content shows another kind, or if the format isn't for the kind; FormatJSON writes any
// content as any kind. yjs.ErrSize and yjs.ErrDepth mean that the root can't be written.
func Export(doc *yjs.Doc, root string, kind yjs.Kind, f Format) ([]byte, error) {
	if err := needRoot(doc, root); err != nil {
		return nil, err
	}
	if f != FormatText { // plain text has no formats
		if err := doc.Printable(); err != nil {
			return nil, err
		}
	}
	switch f {
	case FormatJSON:
		return exportJSON(doc, root, kind)
	case FormatText:
		if kind == yjs.KindUnknown || kind == yjs.KindText || kind == yjs.KindXMLText {
			return exportString(doc.Text(root))
		}
	case FormatXML:
		switch kind {
		case yjs.KindUnknown, yjs.KindXMLFragment:
			return exportString(doc.XMLFragment(root))
		case yjs.KindXMLElement:
			return exportString(doc.XMLElement(root))
		case yjs.KindText, yjs.KindXMLText:
			return exportString(doc.XMLText(root))
		}
	case FormatProseMirror:
		if kind == yjs.KindUnknown || kind == yjs.KindXMLFragment {
			fragment, err := doc.XMLFragment(root)
			if err != nil {
				return nil, err
			}
			return fragment.ProseMirror()
		}
	case FormatDelta:
		if kind == yjs.KindUnknown || kind == yjs.KindText || kind == yjs.KindXMLText {
			text, err := doc.Text(root)
			if err != nil {
				return nil, err
			}
			return text.Delta().MarshalJSON() // json.Marshal would escape < and >
		}
	default:
		return nil, fmt.Errorf("document: there is no format %q", f)
	}
	return nil, fmt.Errorf("%w: the format %s is not for the kind %s", yjs.ErrType, f, kind)
}

func exportString[T fmt.Stringer](of T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return []byte(of.String()), nil
}

func exportJSON(doc *yjs.Doc, root string, kind yjs.Kind) ([]byte, error) {
	kinds := map[string]yjs.Kind{}
	if kind != yjs.KindUnknown {
		kinds[root] = kind
	}
	all, err := doc.JSON(kinds)
	if err != nil {
		return nil, err
	}
	var roots map[string]json.RawMessage
	if err := json.Unmarshal(all, &roots); err != nil {
		return nil, err
	}
	if one, ok := roots[root]; ok {
		return one, nil
	}
	return nil, fmt.Errorf("%w: the content of the root %q doesn't show its kind", yjs.ErrType, root)
}
