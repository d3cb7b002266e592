package yjs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
)

// Root is a type that has a name instead of a place in another type.
type Root struct {
	Name string

	// Kind is what it was asked for as, or what Roots infers.
	Kind Kind
}

func (d *Doc) addRoot(t *sharedType) {
	d.roots[t.name] = t
	d.rootOrder = append(d.rootOrder, t)
}

// Roots gives the roots that hold something, or have been asked for, in the order
// in which they came.
//
// The kind of a root isn't part of updates: it is what the application asks for. So
// Roots infers what nobody has asked for from what is there and not deleted, in
// this order:
//
//   - elements that are text, formats or embeds: a text;
//   - elements that are XML elements, texts or hooks, and nothing else: an XML
//     fragment, or with keys an XML element;
//   - other elements: an array;
//   - keys without elements: a map;
//   - nothing: KindUnknown.
//
// XML texts look like texts, a text that holds nothing but XML types like an XML
// fragment, and an XML element that has only attributes like a map.
func (d *Doc) Roots() []Root {
	var all []Root
	for _, t := range d.rootOrder {
		if t.kind != KindUnknown || !t.empty() {
			all = append(all, Root{t.name, t.infer()})
		}
	}
	return all
}

// Root tells of the root of a name as Roots does; false: there is none.
func (d *Doc) Root(name string) (Root, bool) {
	t := d.roots[name]
	if t == nil || t.kind == KindUnknown && t.empty() {
		return Root{}, false
	}
	return Root{name, t.infer()}, true
}

// empty tells whether nothing was ever put there, or all of it is collected.
func (t *sharedType) empty() bool { return t.first == nil && len(t.entryOrder) == 0 }

func (t *sharedType) infer() Kind {
	if t.kind != KindUnknown {
		return t.kind
	}
	elements, xml := false, true
	for it := t.first; it != nil; it = it.right {
		switch {
		case it.deleted():
			continue
		case it.kind == blocks.KindString, it.kind == blocks.KindFormat, it.kind == blocks.KindEmbed:
			return KindText
		}
		elements = true
		xml = xml && it.typ() != nil && it.typ().kind.isNode()
	}
	switch {
	case elements && !xml:
		return KindArray
	case elements && t.hasKeys():
		return KindXMLElement
	case elements:
		return KindXMLFragment
	case t.hasKeys():
		return KindMap
	}
	return KindUnknown
}

// isNode tells whether XML elements are full of such types.
func (k Kind) isNode() bool { return k == KindXMLElement || k == KindXMLText || k == KindXMLHook }

func (t *sharedType) hasKeys() bool {
	for _, e := range t.entryOrder {
		if !e.last.deleted() {
			return true
		}
	}
	return false
}

// fits tells whether a root that nobody has asked for can be of a kind, going by
// its first element, or by its keys where it has none.
func (t *sharedType) fits(k Kind) bool {
	it := t.first
	for it != nil && it.deleted() {
		it = it.right
	}
	switch {
	case it == nil:
		return k != KindArray && k != KindXMLFragment || !t.hasKeys()
	case it.kind == blocks.KindString || it.kind == blocks.KindFormat || it.kind == blocks.KindEmbed:
		return k.isText()
	case it.typ() == nil:
		return k == KindArray
	case it.typ().kind.isNode():
		return k != KindMap
	}
	return k == KindArray || k.isText()
}

// root gives the root of a name as a kind, and makes it where there is none.
func (d *Doc) root(name string, k Kind) (*sharedType, error) {
	name = strings.ToValidUTF8(name, replacement)
	t := d.roots[name]
	switch {
	case t == nil:
		t = &sharedType{doc: d, name: name, kind: k}
		d.addRoot(t)
	case t.kind == KindUnknown && t.fits(k):
		// What was there before isn't cleaned up, as in yjs.
		t.kind, t.formatted = k, false
	case t.kind != k:
		return nil, fmt.Errorf("%w: root %q is %s, not %s", ErrType, name, t.infer(), k)
	}
	return t, nil
}

// Forget makes the Doc forget what its roots were asked for as, as if it had just
// been made of its updates. Types that it gave out before must not be used any more.
func (d *Doc) Forget() {
	for _, t := range d.rootOrder {
		t.kind = KindUnknown
	}
}

// Text gives the text of a name. It is empty where there is none yet. The error is
// ErrType where the root was asked for as something else, or where what it holds
// isn't what a text holds, as far as its first element tells. What of name isn't
// UTF-8 becomes U+FFFD.
func (d *Doc) Text(name string) (*Text, error) {
	t, err := d.root(name, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// Array gives the array of a name, as Text does a text.
func (d *Doc) Array(name string) (*Array, error) {
	t, err := d.root(name, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// Map gives the map of a name, as Text does a text.
func (d *Doc) Map(name string) (*Map, error) {
	t, err := d.root(name, KindMap)
	if err != nil {
		return nil, err
	}
	return &Map{t}, nil
}

// XMLFragment gives the XML fragment of a name, as Text does a text.
func (d *Doc) XMLFragment(name string) (*XMLFragment, error) {
	t, err := d.root(name, KindXMLFragment)
	if err != nil {
		return nil, err
	}
	return &XMLFragment{children{list{t}}}, nil
}

// XMLElement gives the XML element of a name, as Text does a text. Its Name is the
// root's.
func (d *Doc) XMLElement(name string) (*XMLElement, error) {
	t, err := d.root(name, KindXMLElement)
	if err != nil {
		return nil, err
	}
	return &XMLElement{children{list{t}}, attributes{t}}, nil
}

// XMLText gives the XML text of a name, as Text does a text.
func (d *Doc) XMLText(name string) (*XMLText, error) {
	t, err := d.root(name, KindXMLText)
	if err != nil {
		return nil, err
	}
	return &XMLText{text{t}}, nil
}

// MarshalJSON prints the whole document: an object with each root, as JSON.stringify
// does what toJSON of yjs gives, kinds as Roots has them. Roots of KindUnknown are
// left out. The error is ErrDepth or ErrSize.
func (d *Doc) MarshalJSON() ([]byte, error) { return d.JSON(nil) }

// JSON prints the whole document as MarshalJSON does, the named roots as the kinds
// that are given, whatever they hold. Those that aren't in the document are
// printed too, empty.
func (d *Doc) JSON(kinds map[string]Kind) ([]byte, error) {
	if err := d.Printable(); err != nil {
		return nil, err
	}
	type root struct {
		name string
		t    *sharedType
	}
	var all []root
	add := func(t *sharedType, k Kind) {
		shown := *t
		shown.kind = k
		all = append(all, root{t.name, &shown})
	}
	for _, t := range d.rootOrder {
		k, ok := kinds[t.name]
		if !ok {
			k = t.infer()
		}
		if k != KindUnknown {
			add(t, k)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if d.roots[name] == nil {
			add(&sharedType{doc: d, name: name}, kinds[name])
		}
	}
	p := printer{}
	p.byte('{')
	first := true
	for _, r := range orderByKey(all, func(r root) string { return r.name }) {
		first = p.member(first, r.name, Value{kind: ValueKindType, typ: r.t})
	}
	p.byte('}')
	return p.result()
}
