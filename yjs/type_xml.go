package yjs

import (
	"fmt"
	"iter"
)

// XMLFragment is a list of XML nodes. Positions count nodes.
type XMLFragment struct{ children }

// XMLElement is an XML element: a name, attributes and a list of nodes. Positions count
// nodes.
type XMLElement struct {
	children
	attributes
}

// XMLHook is a node whose content the application renders: a map with a name. It is
// read-only.
type XMLHook struct{ t *sharedType }

// children holds the methods that XMLFragment and XMLElement share.
type children struct{ list }

// attributes holds the methods of types with attributes.
type attributes struct{ a *sharedType }

// String returns the nodes as toString of yjs does. Nothing is escaped.
func (f *XMLFragment) String() string { return toValidUTF8(f.t.xml()) }

// XML returns String with the names of elements as they are, as toString of yrs does.
func (f *XMLFragment) XML() string { return toValidUTF8(f.t.exactXML()) }

// MarshalJSON returns String as a JSON string. The error is ErrDepth or ErrSize.
func (f *XMLFragment) MarshalJSON() ([]byte, error) { return marshal(f.t) }

// Name returns the name of the element.
func (e *XMLElement) Name() string { return e.t.name }

// String returns the element as toString of yjs does: the name in lower case and the
// attributes ordered by name. Nothing is escaped.
func (e *XMLElement) String() string { return toValidUTF8(e.t.xml()) }

// XML returns String with the names of elements as they are, as toString of yrs does.
func (e *XMLElement) XML() string { return toValidUTF8(e.t.exactXML()) }

// MarshalJSON returns String as a JSON string. The error is ErrDepth or ErrSize.
func (e *XMLElement) MarshalJSON() ([]byte, error) { return marshal(e.t) }

// ProseMirror returns the element as the JSON of a ProseMirror node. The error is that of
// XMLFragment.ProseMirror.
func (e *XMLElement) ProseMirror() ([]byte, error) {
	if err := printable(e.t); err != nil {
		return nil, err
	}
	p := nodePrinter{direct: e.t.hasDirectText()}
	p.node(Value{kind: ValueKindType, typ: e.t}, nil)
	return p.result()
}

// Name returns the name of the hook.
func (h *XMLHook) Name() string { return h.t.name }

// Get returns the value of a key. ok is false if it has none.
func (h *XMLHook) Get(key string) (v Value, ok bool) { return h.t.get(key) }

// All returns an iterator over keys and values, as Map.All does.
func (h *XMLHook) All() iter.Seq2[string, Value] { return h.t.all() }

// MarshalJSON returns the hook as Map.MarshalJSON does.
func (h *XMLHook) MarshalJSON() ([]byte, error) { return marshal(h.t) }

// Attribute returns the value of an attribute, which is a string in most documents. ok
// is false if there is none.
func (a attributes) Attribute(name string) (v Value, ok bool) { return a.a.get(name) }

// Attributes returns all attributes, ordered as in a JavaScript object.
func (a attributes) Attributes() Object { return a.a.object() }

// Insert inserts nodes before position at, or appends them if at is Len. Nodes are
// values that TypeValue returns. The error is ErrRange, ErrValue or ErrDeleted; then
// nothing is changed.
func (c children) Insert(at int, nodes ...Value) error {
	for _, v := range nodes {
		if v.kind != ValueKindType {
			return fmt.Errorf("%w: XML nodes must be shared types", ErrValue)
		}
	}
	return c.t.insertAt(at, nodes)
}

// InsertElement inserts an empty element before position at. Errors are those of
// Insert.
func (c children) InsertElement(at int, name string) (*XMLElement, error) {
	t, err := c.insertNamed(at, KindXMLElement, name)
	if err != nil {
		return nil, err
	}
	return &XMLElement{children{list{t}}, attributes{t}}, nil
}

// InsertText inserts an empty text before position at. Errors are those of Insert.
func (c children) InsertText(at int) (*XMLText, error) {
	t, err := c.insertType(at, KindXMLText)
	if err != nil {
		return nil, err
	}
	return &XMLText{text{t}}, nil
}

// SetAttribute sets an attribute. Applications that follow the DOM use strings. The
// error is ErrValue or ErrDeleted.
func (a attributes) SetAttribute(name string, v Value) error { return a.a.set(name, v) }

// RemoveAttribute removes an attribute, if there is one. The error is ErrDeleted.
func (a attributes) RemoveAttribute(name string) error { return a.a.removeKey(name) }
