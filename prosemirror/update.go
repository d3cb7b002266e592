package prosemirror

import (
	"reflect"
	"unicode/utf16"

	"github.com/yroom/yroom/yjs"
)

// updater changes elements.
type updater struct {
	*Schema
	writer
}

// update makes an element equal to a node of the same type, in what Markdown can hold. It
// changes only what differs.
func (u updater) update(e *yjs.XMLElement, n *Node) error {
	if err := u.updateAttributes(e, n); err != nil {
		return err
	}
	old, err := u.childrenOf(e)
	if err != nil {
		return err
	}
	next := groups(n.Content)
	begin, at := 0, 0
	for begin < len(old) && begin < len(next) && u.same(old[begin].nodes, next[begin]) {
		at += old[begin].taken
		begin++
	}
	end := 0
	for end < len(old)-begin && end < len(next)-begin && u.same(old[len(old)-1-end].nodes, next[len(next)-1-end]) {
		end++
	}
	return u.updateChildren(e, at, old[begin:len(old)-end], next[begin:len(next)-end])
}

// updateAttributes sets the attributes of a node, and removes those that it could have.
func (s *Schema) updateAttributes(e *yjs.XMLElement, n *Node) error {
	for name, theirs := range s.write {
		_, has := e.Attribute(theirs)
		if isAttribute(name) && has && n.Attrs[theirs] == nil && s.hasAttribute(n.Type, name) {
			if err := e.RemoveAttribute(theirs); err != nil {
				return err
			}
		}
	}
	changed := map[string]any{}
	for name, value := range n.Attrs {
		old, has := e.Attribute(name)
		if want, err := yjs.ValueOf(value); has && (n.Type == nodeContainer && name == idOfContainer || err == nil && reflect.DeepEqual(old, want)) {
			continue
		}
		changed[name] = value
	}
	return setAttributes(e, changed)
}

// child is a child of an element, with the nodes that it has in ProseMirror.
type child struct {
	text    *yjs.XMLText    // or
	element *yjs.XMLElement // or, if both are nil, text that is directly in the element
	nodes   []*Node         // nil if ProseMirror has no node for it
	taken   int             // how many positions it takes
}

func (u updater) childrenOf(e *yjs.XMLElement) (all []child, err error) {
	for _, op := range e.AsText().Delta() {
		c := child{taken: 1}
		if text, ok := op.Insert.XMLText(); ok {
			c.text, c.nodes = text, textNodes(text.Delta())
		} else if element, ok := op.Insert.XMLElement(); ok {
			n, err := readElement(element)
			if err != nil {
				return nil, err
			}
			c.element, c.nodes = element, []*Node{n}
		} else if texts := textNodes(yjs.Delta{op}); u.direct && texts != nil {
			if last := len(all) - 1; last >= 0 && all[last].text == nil && all[last].element == nil && all[last].nodes != nil {
				all[last].nodes = append(all[last].nodes, texts...)
				all[last].taken += utf16Len(texts[0].Text)
				continue
			}
			c.nodes, c.taken = texts, utf16Len(texts[0].Text)
		}
		all = append(all, c)
	}
	return all, nil
}

// textNodes returns the nodes of a text, or nil if it has anything but text.
func textNodes(text yjs.Delta) (nodes []*Node) {
	for _, op := range text {
		insert, ok := op.Insert.AsString()
		if !ok {
			return nil
		}
		n := &Node{Type: typeText, Text: insert}
		for _, m := range op.Attributes {
			n.Marks = append(n.Marks, Mark{m.Key, attrsOf(plain(m.Value))})
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// same reports whether nodes are equal in what Markdown can hold.
func (s *Schema) same(a, b []*Node) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	if s.inline(a[0]) || s.inline(b[0]) {
		return sameNodes(s.commonLine(a), s.commonLine(b))
	}
	return sameNodes(s.common(a), s.common(b))
}

func sameNodes(a, b []*Node) bool {
	if len(a) != len(b) {
		return false
	}
	for i, n := range a {
		m := b[i]
		if n.Type != m.Type || n.Text != m.Text || !sameMarks(n.Marks, m.Marks) || len(n.Attrs) != len(m.Attrs) ||
			len(n.Attrs) > 0 && !reflect.DeepEqual(n.Attrs, m.Attrs) || !sameNodes(n.Content, m.Content) {
			return false
		}
	}
	return true
}

// updateChildren makes the children from a position on equal to groups of nodes. Children
// of the same type, one after the other, are updated.
func (u updater) updateChildren(e *yjs.XMLElement, at int, old []child, next [][]*Node) error {
	for i, group := range next {
		taken := 1
		var err error
		switch {
		case i >= len(old):
			taken, err = u.insertGroup(e, at, group)
		case old[i].element == nil && old[i].nodes != nil && group[0].Type == typeText:
			taken, err = u.updateText(e, at, old[i], group)
		case old[i].element != nil && old[i].element.Name() == group[0].Type:
			err = u.update(old[i].element, group[0])
		default:
			if err = e.Delete(at, old[i].taken); err == nil {
				taken, err = u.insertGroup(e, at, group)
			}
		}
		if err != nil {
			return err
		}
		at += taken
	}
	rest := 0
	for _, c := range old[min(len(next), len(old)):] {
		rest += c.taken
	}
	return e.Delete(at, rest)
}

// updateText makes the text at a position in an element equal to nodes. It returns how many
// positions the text then takes.
func (u updater) updateText(e *yjs.XMLElement, at int, old child, next []*Node) (taken int, err error) {
	delta, err := u.textChange(old.nodes, next)
	if err != nil {
		return 0, err
	}
	if old.text != nil {
		return 1, old.text.ApplyDelta(delta)
	}
	return len(unitsOf(next)), e.AsText().ApplyDelta(deltaAt(at, delta))
}

// unit is a UTF-16 unit of a text with its marks.
type unit struct {
	char uint16
	of   *Node
}

func unitsOf(nodes []*Node) (units []unit) {
	for _, n := range nodes {
		for _, c := range utf16.Encode([]rune(n.Text)) {
			units = append(units, unit{c, n})
		}
	}
	return units
}

// textChange returns the change that makes a text equal to nodes. The beginning and the end
// that both have in common stay, with marks changed where they differ; the rest is replaced.
func (s *Schema) textChange(old, next []*Node) (yjs.Delta, error) {
	was, will := unitsOf(old), unitsOf(next)
	begin := 0
	for begin < len(was) && begin < len(will) && was[begin].char == will[begin].char {
		begin++
	}
	if begin > 0 && utf16.IsSurrogate(rune(was[begin-1].char)) && was[begin-1].char < lowSurrogate {
		begin--
	}
	end := 0
	for end < len(was)-begin && end < len(will)-begin && was[len(was)-1-end].char == will[len(will)-1-end].char {
		end++
	}
	if c := was[len(was)-end:]; end > 0 && c[0].char >= lowSurrogate && utf16.IsSurrogate(rune(c[0].char)) {
		end--
	}
	d, err := s.keep(nil, was[:begin], will[:begin])
	if err != nil {
		return nil, err
	}
	if n := len(was) - begin - end; n > 0 {
		d = append(d, yjs.Op{Delete: n})
	}
	for middle := will[begin : len(will)-end]; len(middle) > 0; {
		n := run(middle, func(a, b unit) bool { return a.of == b.of })
		formats, err := formatsOf(middle[0].of.Marks)
		if err != nil {
			return nil, err
		}
		var chars []uint16
		for _, u := range middle[:n] {
			chars = append(chars, u.char)
		}
		d = append(d, yjs.Op{Insert: yjs.StringValue(string(utf16.Decode(chars))), Attributes: formats})
		middle = middle[n:]
	}
	return s.keep(d, was[len(was)-end:], will[len(will)-end:])
}

// lowSurrogate is the first of the second halves of surrogate pairs.
const lowSurrogate = 0xdc00

// run returns how many of the units at the beginning belong together.
func run(units []unit, together func(a, b unit) bool) int {
	n := 1
	for n < len(units) && together(units[0], units[n]) {
		n++
	}
	return n
}

// keep adds operations that keep units and change their marks.
func (s *Schema) keep(d yjs.Delta, was, will []unit) (yjs.Delta, error) {
	for len(was) > 0 {
		n := min(
			run(was, func(a, b unit) bool { return a.of == b.of }),
			run(will, func(a, b unit) bool { return a.of == b.of }),
		)
		formats, err := s.formatChange(was[0].of.Marks, will[0].of.Marks)
		if err != nil {
			return nil, err
		}
		d = append(d, yjs.Op{Retain: n, Attributes: formats})
		was, will = was[n:], will[n:]
	}
	return d, nil
}

// formatChange returns the formats that change some marks to others: null for marks that
// end.
func (s *Schema) formatChange(was, will []Mark) (yjs.Object, error) {
	var added []Mark
	for _, m := range will {
		if !s.hasCommon(was, m) {
			added = append(added, m)
		}
	}
	formats, err := formatsOf(added)
	if err != nil {
		return nil, err
	}
	for _, m := range was {
		if !s.hasCommon(will, m) && !hasType(will, m.Type) {
			formats = append(formats, yjs.Member{Key: m.Type, Value: yjs.NullValue()})
		}
	}
	return formats, nil
}

// hasCommon reports whether marks have one that is equal to m in what Markdown can hold.
func (s *Schema) hasCommon(marks []Mark, m Mark) bool {
	for _, other := range marks {
		if other.Type == m.Type && sameMark(s.commonMark(other), s.commonMark(m)) {
			return true
		}
	}
	return false
}
