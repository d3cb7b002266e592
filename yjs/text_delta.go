package yjs

import "github.com/yroom/yroom/blocks"

// Delta is a text with its formats, or a change of one, in the format of a Quill Delta:
// what toDelta of yjs returns and applyDelta accepts.
type Delta []Op

// Op is an operation of a Delta. It inserts, retains or deletes.
type Op struct {
	Insert     Value  // a string, an embed or a shared type; undefined if the operation does not insert
	Retain     int    // the number of UTF-16 units to keep, whose formats Attributes changes
	Delete     int    // the number of UTF-16 units to delete
	Attributes Object // the formats; a null value ends a format
}

// MarshalJSON returns the delta as JSON.stringify prints the result of toDelta. The
// error is ErrDepth.
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

// delta returns what toDelta of yjs returns.
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
			// yjs uses the format ychange for differences between snapshots.
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
