package yjs

import "github.com/yroom/yroom/blocks"

// Delta is a text with its formats, or changes of one, as Quill's Delta: what
// toDelta of yjs gives and applyDelta takes.
type Delta []Op

// Op is one operation of a Delta: it inserts, or retains, or deletes.
type Op struct {
	Insert     Value  // a String, or one embed or type; undefined: the operation inserts nothing
	Retain     int    // UTF-16 units that stay, and get Attributes
	Delete     int    // UTF-16 units that go
	Attributes Object // formats; a Null value ends one
}

// MarshalJSON prints the delta as JSON.stringify does what toDelta of yjs gives.
// The error is ErrDepth.
func (d Delta) MarshalJSON() ([]byte, error) {
	p := printer{}
	p.byte('[')
	for i, op := range d {
		if i > 0 {
			p.byte(',')
		}
		p.byte('{')
		first := p.member(true, "insert", op.Insert)
		if op.Retain > 0 {
			first = p.member(first, "retain", NumberValue(float64(op.Retain)))
		}
		if op.Delete > 0 {
			first = p.member(first, "delete", NumberValue(float64(op.Delete)))
		}
		if len(op.Attributes) > 0 {
			p.member(first, "attributes", Value{kind: ValueKindObject, object: orderMembers(append(Object(nil), op.Attributes...))})
		}
		p.byte('}')
	}
	p.byte(']')
	return p.result()
}

// delta gives what toDelta of yjs does.
func (t *sharedType) delta() Delta {
	var d Delta
	var now attrs
	var str []byte
	flush := func() {
		if len(str) > 0 {
			d = append(d, Op{Insert: Value{kind: ValueKindString, str: string(str)}, Attributes: now.object()})
			str = str[:0]
		}
	}
	for it := t.first; it != nil; it = it.right {
		if it.deleted() {
			continue
		}
		switch it.kind {
		case blocks.KindString:
			// yjs marks with this what a snapshot shows.
			if now.has("ychange") {
				flush()
				now.remove("ychange")
			}
			str = append(str, it.content()...)
		case blocks.KindType, blocks.KindEmbed:
			flush()
			d = append(d, Op{Insert: it.element(0), Attributes: now.object()})
		case blocks.KindFormat:
			flush()
			now.apply(it)
		}
	}
	flush()
	return d
}
