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

// Export writes a root of doc, as a root of the given kind, in a format. Content that
// doesn't belong to the kind is skipped, as in yjs, and a root that doesn't exist is
// written as an empty one. With yjs.KindUnknown, the kind is that of the format;
// FormatJSON, which is for all kinds, uses the kind that the content shows. Then the error
// is ErrNoRoot if doc has other roots and not this one. The error is yjs.ErrType if the
// format isn't for the kind, if doc was asked for the root as one of another kind before,
// or if the format can't represent the content. yjs.ErrSize and yjs.ErrDepth mean that the
// root can't be written.
func Export(doc *yjs.Doc, root string, kind yjs.Kind, f Format) ([]byte, error) {
	if kind == yjs.KindUnknown {
		if err := needRoot(doc, root); err != nil {
			return nil, err
		}
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
			return text.Delta().MarshalJSON()
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

func exportJSON(doc *yjs.Doc, name string, kind yjs.Kind) ([]byte, error) {
	if kind == yjs.KindUnknown {
		root, _ := doc.Root(name)
		kind = root.Kind
	}
	switch kind {
	case yjs.KindText:
		return marshal(doc.Text(name))
	case yjs.KindArray:
		return marshal(doc.Array(name))
	case yjs.KindMap:
		return marshal(doc.Map(name))
	case yjs.KindXMLFragment:
		return marshal(doc.XMLFragment(name))
	case yjs.KindXMLElement:
		return marshal(doc.XMLElement(name))
	case yjs.KindXMLText:
		return marshal(doc.XMLText(name))
	}
	return nil, fmt.Errorf("%w: the content of the root %q doesn't show its kind", yjs.ErrType, name)
}

func marshal[T json.Marshaler](of T, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return of.MarshalJSON() // json.Marshal would escape < and >
}
