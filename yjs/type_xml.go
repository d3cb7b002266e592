package yjs

import (
	"fmt"
	"iter"
)

// XMLFragment is a list of XML nodes without a name. Its positions count nodes.
type XMLFragment struct{ children }

// XMLElement is an XML element: a name, attributes and nodes. Its positions count
// nodes.
type XMLElement struct {
	children
	attributes
}

// XMLHook is a node that stands for something that the application draws: a map
// with a name. It can only be read.
type XMLHook struct{ t *sharedType }

// children is what XMLFragment and XMLElement have in common.
type children struct{ list }

// attributes is what types with attributes have in common.
type attributes struct{ a *sharedType }

// String prints the nodes as toString of yjs does. Nothing is escaped.
func (f *XMLFragment) String() string { return toValidUTF8(f.t.xml()) }

// MarshalJSON prints String as a JSON string.
func (f *XMLFragment) MarshalJSON() ([]byte, error) { return marshal(f.t) }

// Name is the name of the element.
func (e *XMLElement) Name() string { return e.t.name }

// String prints the element as toString of yjs does: the name in lower case,
// attributes in order of their names. Nothing is escaped.
func (e *XMLElement) String() string { return toValidUTF8(e.t.xml()) }

// MarshalJSON prints String as a JSON string.
func (e *XMLElement) MarshalJSON() ([]byte, error) { return marshal(e.t) }

// Name is the name of the hook.
func (h *XMLHook) Name() string { return h.t.name }

// Get gives the value of a key; false: it has none.
func (h *XMLHook) Get(key string) (Value, bool) { return h.t.get(key) }

// All goes through the keys and their values, as All of Map does.
func (h *XMLHook) All() iter.Seq2[string, Value] { return h.t.all() }

// MarshalJSON prints the hook as MarshalJSON of Map does.
func (h *XMLHook) MarshalJSON() ([]byte, error) { return marshal(h.t) }

// Attribute gives the value of an attribute; false: there is none. It is a String,
// as a rule.
func (a attributes) Attribute(name string) (Value, bool) { return a.a.get(name) }

// Attributes gives all attributes, in JavaScript's order.
func (a attributes) Attributes() Object { return a.a.object() }

// Insert puts nodes before position at, or at the end where that is Len: types that
// TypeValue gives. The error is ErrRange, ErrValue or ErrDeleted, and nothing is
// changed.
func (c children) Insert(at int, nodes ...Value) error {
	for _, v := range nodes {
		if v.kind != ValueKindType {
			return fmt.Errorf("%w: only types are nodes", ErrValue)
		}
	}
	return c.t.insertAt(at, nodes)
}

// InsertElement puts an empty element before position at. Errors are Insert's.
func (c children) InsertElement(at int, name string) (*XMLElement, error) {
	t, err := c.insertNamed(at, KindXMLElement, name)
	if err != nil {
		return nil, err
	}
	return &XMLElement{children{list{t}}, attributes{t}}, nil
}

// InsertText puts an empty text before position at. Errors are Insert's.
func (c children) InsertText(at int) (*XMLText, error) {
	t, err := c.insertType(at, KindXMLText)
	if err != nil {
		return nil, err
	}
	return &XMLText{text{t}}, nil
}

// SetAttribute gives an attribute a value, which is a String as a rule. The error is
// ErrValue or ErrDeleted.
func (a attributes) SetAttribute(name string, v Value) error { return a.a.set(name, v) }

// RemoveAttribute removes an attribute, if it is there. The error is ErrDeleted.
func (a attributes) RemoveAttribute(name string) error { return a.a.removeKey(name) }
