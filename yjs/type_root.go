package yjs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
)

// Root is the name and the kind of a root: a shared type at the top level of a
// document.
type Root struct {
	Name string

	// Kind is the kind that the root was requested as, or else the kind that Roots
	// infers.
	Kind Kind
}

func (d *Doc) addRoot(t *sharedType) {
	d.roots[t.name] = t
	d.rootOrder = append(d.rootOrder, t)
}

// Roots returns the roots that have content or were requested, in order of creation.
//
// The kind of a root is not part of updates: it is what the application requests. Roots
// infers the kind of a root that was not requested from its content, as far as that is
// not deleted. These are the cases, in order:
//
//   - the list contains text or embeds: a text;
//   - the list contains only XML elements, texts or hooks: an XML fragment, or an
//     XML element if there are keys;
//   - the list contains plain values, or it contains shared types and no formats: an array;
//   - the list contains formats: a text;
//   - there are only keys: a map;
//   - there is nothing: KindUnknown.
//
// An XML text is therefore reported as a text, a text that contains only XML types as
// an XML fragment, and an XML element that has only attributes as a map.
func (d *Doc) Roots() []Root {
	var all []Root
	for _, t := range d.rootOrder {
		if t.kind != KindUnknown || !t.empty() {
			all = append(all, Root{t.name, t.infer()})
		}
	}
	return all
}

// Root returns the root with the given name, with the kind that Roots reports. ok is
// false if there is none.
func (d *Doc) Root(name string) (root Root, ok bool) {
	t := d.roots[name]
	if t == nil || t.kind == KindUnknown && t.empty() {
		return Root{}, false
	}
	return Root{name, t.infer()}, true
}

// empty reports whether the type has no items: nothing was ever inserted, or all of it
// was collected.
func (t *sharedType) empty() bool { return t.first == nil && len(t.entryOrder) == 0 }

// infer returns the kind that Roots reports.
func (t *sharedType) infer() Kind {
	if t.kind != KindUnknown {
		return t.kind
	}
	elements, xml, plain, formats := false, true, false, false
	for it := t.first; it != nil; it = it.right {
		switch {
		case it.deleted():
			continue
		case it.isText():
			return KindText
		case it.kind == blocks.KindFormat:
			formats = true
			continue
		}
		elements = true
		plain = plain || it.typ() == nil
		xml = xml && it.isNode()
	}
	switch {
	case elements && xml && t.hasKeys():
		return KindXMLElement
	case elements && xml:
		return KindXMLFragment
	case elements && (plain || !formats):
		return KindArray
	case formats:
		return KindText
	case t.hasKeys():
		return KindMap
	}
	return KindUnknown
}

// isText reports whether the item is text or an embed of a text.
func (it *item) isText() bool { return it.kind == blocks.KindString || it.kind == blocks.KindEmbed }

// isNode reports whether the item is a type that is a child of XML elements.
func (it *item) isNode() bool { return it.typ() != nil && it.typ().kind.isNode() }

// isNode reports whether types of the kind are children of XML elements.
func (k Kind) isNode() bool { return k == KindXMLElement || k == KindXMLText || k == KindXMLHook }

// Holds reports whether a root has content that belongs to a kind: a text has text or
// embeds, an array plain values or shared types, a map keys, an XML fragment XML elements,
// texts or hooks, and an XML element these or keys. Any kind can be read from any root, but
// shows nothing of a root that holds nothing of the kind. Holds returns true for a root that
// has no content, or doesn't exist.
func (d *Doc) Holds(name string, k Kind) bool {
	t := d.roots[name]
	if t == nil || t.hasKeys() && (k == KindMap || k == KindXMLElement) {
		return true
	}
	empty := !t.hasKeys()
	for it := t.first; it != nil; it = it.right {
		if it.deleted() || it.kind == blocks.KindFormat {
			continue
		}
		empty = false
		if it.belongsTo(k) {
			return true
		}
	}
	return empty
}

// belongsTo reports whether the elements of the item are what lists of a kind have.
func (it *item) belongsTo(k Kind) bool {
	switch k {
	case KindText, KindXMLText:
		return it.isText()
	case KindArray:
		return !it.isText()
	case KindXMLFragment, KindXMLElement:
		return it.isNode()
	}
	return false
}

// root returns the root with the given name as a kind. It creates the root if there is
// none.
func (d *Doc) root(name string, k Kind) (*sharedType, error) {
	name = strings.ToValidUTF8(name, replacement)
	t := d.roots[name]
	switch {
	case t == nil:
		t = &sharedType{doc: d, name: name, kind: k}
		d.addRoot(t)
	case t.kind == KindUnknown:
		// As in yjs, formats that were integrated before are not cleaned up.
		t.kind, t.formatted = k, false
	case t.kind != k:
		return nil, fmt.Errorf("%w: root %q is %s, not %s", ErrType, name, t.infer(), k)
	}
	return t, nil
}

// ForgetRootKinds discards the kinds that roots were requested as, as if the Doc had
// just been created from its updates. Types that the Doc returned before must not be
// used any more.
func (d *Doc) ForgetRootKinds() {
	for _, t := range d.rootOrder {
		t.kind = KindUnknown
	}
}

// Text returns the text with the given name. It creates an empty one if there is none.
// Content that doesn't belong to a text is skipped, as in yjs, but counts in positions and
// lengths. The error is ErrType if the root was requested as another kind. Invalid UTF-8 in
// name is replaced by U+FFFD.
func (d *Doc) Text(name string) (*Text, error) {
	t, err := d.root(name, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// Array returns the array with the given name, as Text does for a text.
func (d *Doc) Array(name string) (*Array, error) {
	t, err := d.root(name, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// Map returns the map with the given name, as Text does for a text.
func (d *Doc) Map(name string) (*Map, error) {
	t, err := d.root(name, KindMap)
	if err != nil {
		return nil, err
	}
	return &Map{t}, nil
}

// XMLFragment returns the XML fragment with the given name, as Text does for a text.
func (d *Doc) XMLFragment(name string) (*XMLFragment, error) {
	t, err := d.root(name, KindXMLFragment)
	if err != nil {
		return nil, err
	}
	return &XMLFragment{children{list{t}}}, nil
}

// XMLElement returns the XML element with the given name, as Text does for a text. Its
// Name is the name of the root.
func (d *Doc) XMLElement(name string) (*XMLElement, error) {
	t, err := d.root(name, KindXMLElement)
	if err != nil {
		return nil, err
	}
	return &XMLElement{children{list{t}}, attributes{t}}, nil
}

// XMLText returns the XML text with the given name, as Text does for a text.
func (d *Doc) XMLText(name string) (*XMLText, error) {
	t, err := d.root(name, KindXMLText)
	if err != nil {
		return nil, err
	}
	return &XMLText{text{t}}, nil
}

// MarshalJSON returns the whole document as JSON: an object with a member for each
// root, printed as JSON.stringify prints the toJSON of yjs. Kinds are those that Roots
// reports. Roots of KindUnknown are omitted. The error is ErrDepth or ErrSize.
func (d *Doc) MarshalJSON() ([]byte, error) { return d.JSON(nil) }

// JSON returns the whole document as MarshalJSON does, but prints the roots named in
// kinds as these kinds, regardless of their content. Named roots that the document does
// not have are printed as empty ones. The error is ErrDepth or ErrSize.
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
