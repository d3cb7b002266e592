package yjs

import "github.com/yroom/yroom/blocks"

// isBeyondXML reports whether a type that is written as an XML type holds what an XML type
// of yjs 13 can't hold: plain values, or keys without a name. yjs 14 writes all nested types
// as XML types.
func (t *sharedType) isBeyondXML() bool {
	if t.kind == KindXMLFragment && t.hasKeys() {
		return true
	}
	for it := t.first; it != nil; it = it.right {
		if it.visible() && it.kind != blocks.KindString && it.typ() == nil {
			return true
		}
	}
	return false
}

// shape prints a type as toJSON of yjs 14 does: those of its name, its children and its keys
// that it has. The types in it are printed in the same way.
func (p *printer) shape(t *sharedType) {
	defer func(shaped bool) { p.shaped = shaped }(p.shaped)
	p.shaped = true
	p.byte('{')
	first := true
	if t.kind.named() {
		first = p.member(first, "name", Value{kind: ValueKindString, str: t.name})
	}
	if t.len > 0 {
		p.separate(first)
		first = false
		p.literal(`"children":`)
		p.children(t)
	}
	if t.hasKeys() {
		p.separate(first)
		p.literal(`"attrs":`)
		p.object(t.object())
	}
	p.byte('}')
}

// children prints the list of a type. Each run of text with the same formats is a string.
func (p *printer) children(t *sharedType) {
	p.byte('[')
	n := 0
	t.eachRun(func(text []byte, v Value, _ Object) bool {
		if text != nil {
			v = Value{kind: ValueKindString, str: string(text)}
		}
		p.element(n, v)
		n++
		return p.err == nil
	})
	p.byte(']')
}

// eachRun calls yield for each run of text with the same formats and for each other element
// of the list, with these formats, until yield returns false. text is nil for an element,
// and otherwise valid until yield returns.
func (t *sharedType) eachRun(yield func(text []byte, v Value, formats Object) bool) {
	var text []byte
	var of, now Object // the formats of text, and those in effect
	var a attrs
	changed := false
	for it := t.first; it != nil; it = it.right {
		switch {
		case it.isFormat():
			a.apply(it)
			changed = true
			continue
		case !it.visible():
			continue
		}
		if changed {
			now, changed = a.object(), false
		}
		if len(text) > 0 && (it.kind != blocks.KindString || !equalFormats(of, now)) {
			if !yield(text, Value{}, of) {
				return
			}
			text = text[:0]
		}
		if it.kind == blocks.KindString {
			text, of = append(text, it.content()...), now
			continue
		}
		if more := it.each(func(v Value) bool { return yield(nil, v, now) }); !more {
			return
		}
	}
	if len(text) > 0 {
		yield(text, Value{}, of)
	}
}

// equalFormats reports whether two objects are printed the same.
func equalFormats(a, b Object) bool {
	if len(a) == 0 || len(b) == 0 || &a[0] == &b[0] {
		return len(a) == len(b)
	}
	return a.String() == b.String()
}
