package prosemirror

import (
	"maps"
	"slices"

	"github.com/yroom/yroom/yjs"
)

// parent is an XML fragment or an XML element.
type parent interface {
	Len() int
	Get(at int) (yjs.Value, error)
	Delete(at, n int) error
	InsertElement(at int, name string) (*yjs.XMLElement, error)
	InsertText(at int) (*yjs.XMLText, error)
	RelativePosition(at, assoc int) (yjs.RelativePosition, error)
	AsText() *yjs.Text
}

// Update returns an update that makes a document from a Markdown text, in the fragment root,
// such as s.Root, for document.Document.Create. The error is ErrSize or ErrComplex.
func (s *Schema) Update(root string, markdown []byte) ([]byte, error) {
	n, err := s.Parse(markdown)
	if err != nil {
		return nil, err
	}
	doc := yjs.New()
	return doc.Transact(func() error {
		f, err := doc.XMLFragment(root)
		if err != nil {
			return err
		}
		return writer{}.insert(f, 0, n.Content)
	})
}

// writer writes nodes into a document.
type writer struct {
	// direct says that text is written directly into elements, as @y/prosemirror 2 does, and
	// not into XML texts.
	direct bool
}

// insert inserts nodes into a fragment or an element. Texts that follow each other become
// one text with formats.
func (w writer) insert(p parent, at int, nodes []*Node) error {
	for _, group := range groups(nodes) {
		taken, err := w.insertGroup(p, at, group)
		if err != nil {
			return err
		}
		at += taken
	}
	return nil
}

// groups returns nodes as the children of an XML element: each is a node, or several texts.
func groups(nodes []*Node) (all [][]*Node) {
	for i, n := range nodes {
		if i > 0 && n.Type == typeText && nodes[i-1].Type == typeText {
			all[len(all)-1] = append(all[len(all)-1], n)
			continue
		}
		all = append(all, []*Node{n})
	}
	return all
}

// insertGroup inserts a node, or several texts.
func (w writer) insertGroup(p parent, at int, group []*Node) (taken int, err error) {
	if group[0].Type != typeText {
		return 1, w.insertElement(p, at, group[0])
	}
	delta, err := deltaOf(group)
	if err != nil {
		return 0, err
	}
	if w.direct {
		return len(unitsOf(group)), p.AsText().ApplyDelta(deltaAt(at, delta))
	}
	text, err := p.InsertText(at)
	if err != nil {
		return 0, err
	}
	return 1, text.ApplyDelta(delta)
}

// deltaAt returns a delta that is to be applied at a position.
func deltaAt(at int, delta yjs.Delta) yjs.Delta {
	if at == 0 {
		return delta
	}
	return append(yjs.Delta{{Retain: at}}, delta...)
}

func (w writer) insertElement(p parent, at int, n *Node) (err error) {
	var e *yjs.XMLElement
	if w.direct { // the formats of the text before must not become those of the element
		err = p.AsText().InsertEmbed(at, yjs.TypeValue(yjs.KindXMLElement, n.Type), yjs.Object{})
		e = elementAt(p, at)
	} else {
		e, err = p.InsertElement(at, n.Type)
	}
	if err != nil {
		return err
	}
	if err := setAttributes(e, n.Attrs); err != nil {
		return err
	}
	return w.insert(e, 0, n.Content)
}

func setAttributes(e *yjs.XMLElement, attrs map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		value, err := yjs.ValueOf(attrs[name])
		if err != nil {
			return err
		}
		if err := e.SetAttribute(name, value); err != nil {
			return err
		}
	}
	return nil
}

// deltaOf returns texts as the delta that inserts them.
func deltaOf(texts []*Node) (delta yjs.Delta, err error) {
	for _, n := range texts {
		formats, err := formatsOf(n.Marks)
		if err != nil {
			return nil, err
		}
		delta = append(delta, yjs.Op{Insert: yjs.StringValue(n.Text), Attributes: formats})
	}
	return delta, nil
}

// formatsOf returns marks as formats.
func formatsOf(marks []Mark) (formats yjs.Object, err error) {
	for _, m := range marks {
		attrs := m.Attrs
		if attrs == nil {
			attrs = map[string]any{}
		}
		value, err := yjs.ValueOf(attrs)
		if err != nil {
			return nil, err
		}
		formats = append(formats, yjs.Member{Key: m.Type, Value: value})
	}
	return formats, nil
}
