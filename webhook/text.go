package webhook

import (
	"strings"

	"github.com/yroom/yroom/yjs"
)

// deepest is how deeply types may be nested whose text is written.
const deepest = 200

// plainText returns the texts of a document without formatting. Each text, each string in a map
// or an array and each element of an XML type begins a line.
func plainText(doc *yjs.Doc) (string, error) {
	if err := doc.Printable(); err != nil {
		return "", err
	}
	var w textWriter
	for _, root := range doc.Roots() {
		switch root.Kind {
		case yjs.KindText:
			if text, err := doc.Text(root.Name); err == nil {
				w.line(text.String())
			}
		case yjs.KindArray:
			if array, err := doc.Array(root.Name); err == nil {
				w.array(array, 0)
			}
		case yjs.KindMap:
			if m, err := doc.Map(root.Name); err == nil {
				w.entries(m, 0)
			}
		case yjs.KindXMLFragment:
			if fragment, err := doc.XMLFragment(root.Name); err == nil {
				w.nodes(fragment.All(), 0)
			}
		case yjs.KindXMLElement:
			if element, err := doc.XMLElement(root.Name); err == nil {
				w.nodes(element.All(), 0)
			}
		case yjs.KindXMLText:
			if text, err := doc.XMLText(root.Name); err == nil {
				w.delta(text.Delta(), 0)
			}
		}
	}
	return strings.TrimSpace(w.String()), w.err
}

// textWriter writes texts.
type textWriter struct {
	strings.Builder

	err error
}

// line writes a text on lines of its own.
func (w *textWriter) line(text string) {
	w.end()
	w.WriteString(text)
	w.end()
}

// end ends a line that has begun.
func (w *textWriter) end() {
	if text := w.String(); text != "" && !strings.HasSuffix(text, "\n") {
		w.WriteByte('\n')
	}
}

func (w *textWriter) array(a *yjs.Array, depth int) {
	for _, v := range a.All() {
		w.value(v, depth)
	}
}

func (w *textWriter) entries(m *yjs.Map, depth int) {
	for _, v := range m.All() {
		w.value(v, depth)
	}
}

// delta writes a text of a rich text, and what is embedded in it.
func (w *textWriter) delta(d yjs.Delta, depth int) {
	for _, op := range d {
		if s, ok := op.Insert.AsString(); ok {
			w.WriteString(s)
			continue
		}
		w.value(op.Insert, depth)
	}
}

// nodes writes the nodes of an XML type.
func (w *textWriter) nodes(all func(func(int, yjs.Value) bool), depth int) {
	for _, v := range all {
		w.value(v, depth)
	}
}

// value writes the texts in a value.
func (w *textWriter) value(v yjs.Value, depth int) {
	if depth++; depth > deepest || w.err != nil {
		w.err = yjs.ErrDepth
		return
	}
	if s, ok := v.AsString(); ok {
		w.line(s)
	} else if values, ok := v.AsList(); ok {
		for _, v := range values {
			w.value(v, depth)
		}
	} else if members, ok := v.AsObject(); ok {
		for _, m := range members {
			w.value(m.Value, depth)
		}
	} else if t, ok := v.Text(); ok {
		w.line(t.String())
	} else if t, ok := v.XMLText(); ok {
		w.delta(t.Delta(), depth)
	} else if a, ok := v.Array(); ok {
		w.array(a, depth)
	} else if m, ok := v.Map(); ok {
		w.entries(m, depth)
	} else if e, ok := v.XMLElement(); ok {
		w.end()
		w.nodes(e.All(), depth)
		w.end()
	} else if f, ok := v.XMLFragment(); ok {
		w.nodes(f.All(), depth)
	}
}
