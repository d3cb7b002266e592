package yjs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Text is text with formats and embeds. Its positions and lengths are in UTF-16
// units; an embed counts one.
type Text struct{ text }

// XMLText is a Text among XML nodes, of which String prints formats as tags.
type XMLText struct{ text }

// text is what both have in common.
type text struct{ t *sharedType }

// Len is the length of the text.
func (t text) Len() int { return int(t.t.len) }

// String gives the text without formats and embeds.
func (t *Text) String() string { return t.t.string() }

// MarshalJSON prints the text as a JSON string.
func (t *Text) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// String gives the text with its formats as tags around it, as toString of yjs
// does. Nothing is escaped.
func (t *XMLText) String() string { return toValidUTF8(t.t.xml()) }

// MarshalJSON prints String as a JSON string.
func (t *XMLText) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// Delta gives the text with its formats, as toDelta of yjs does. It can be far
// larger than the document: see Doc.Printable.
func (t text) Delta() Delta { return t.t.delta() }

func marshal(t *sharedType) ([]byte, error) {
	if err := printable(t); err != nil {
		return nil, err
	}
	p := printer{}
	p.sharedType(t)
	return p.result()
}

// Insert puts a string before position at, or at the end where that is Len. It gets
// exactly the formats of attrs; nil: those of the text before it. The error is
// ErrRange, ErrValue or ErrDeleted, and nothing is changed. What of s isn't UTF-8
// becomes U+FFFD. attrs is borrowed.
func (t text) Insert(at int, s string, attrs Object) error {
	return t.insert(at, stringContent(s), attrs, attrs == nil)
}

func stringContent(s string) part {
	b := []byte(strings.ToValidUTF8(s, replacement))
	return part{blocks.KindString, b, lib0.UTF16Len(b)}
}

// part is what is inserted in a text.
type part struct {
	kind  blocks.Kind
	bytes []byte
	len   uint64
}

// InsertEmbed puts an embed before position at: any value that JSON can hold, or a
// type that TypeValue gives; a String is text. It gets exactly the formats of attrs.
// Errors are Insert's. attrs is borrowed.
func (t text) InsertEmbed(at int, embed Value, attrs Object) error {
	p, err := newPart(embed)
	if err != nil {
		return err
	}
	return t.insert(at, p, attrs, false)
}

func newPart(v Value) (part, error) {
	switch v.kind {
	case ValueKindString:
		return stringContent(toValidUTF8(v.str)), nil
	case ValueKindType:
		c, err := newTypeContent(v)
		return part{c.kind, c.bytes, 1}, err
	}
	text, err := jsonOf(v)
	return part{blocks.KindEmbed, lib0.AppendBytes(nil, text), 1}, err
}

// jsonOf prints a value that is to be an embed or a format.
func jsonOf(v Value) ([]byte, error) {
	if v.kind == ValueKindUndefined || !encodable(v, lib0.MaxDepth) {
		return nil, fmt.Errorf("%w: it can't be JSON", ErrValue)
	}
	return v.MarshalJSON()
}

func (t text) insert(at int, p part, formats Object, inherit bool) error {
	if err := t.t.checkRange(at, 0); err != nil {
		return err
	}
	want, err := attrsOf(formats)
	if err != nil {
		return err
	}
	return t.t.edit(func(tx *transaction) {
		if p.len == 0 {
			return
		}
		c := tx.cursorAt(t.t, uint64(at))
		if inherit {
			want = c.now
		}
		tx.insertText(c, want, p.kind, p.bytes, p.len)
	})
}

// attrsOf gives formats as blocks hold them. One that is undefined is none.
func attrsOf(o Object) (attrs, error) {
	var out attrs
	for _, m := range orderMembers(slices.Clone(o)) {
		if m.Value.kind == ValueKindUndefined {
			continue
		}
		value, err := jsonOf(m.Value)
		if err != nil {
			return attrs{}, err
		}
		out.list = append(out.list, attr{toValidUTF8(strings.ToValidUTF8(m.Key, replacement)), value})
	}
	return out, nil
}

// Delete deletes n UTF-16 units from position at on. The error is ErrRange or
// ErrDeleted.
func (t text) Delete(at, n int) error {
	if err := t.t.checkRange(at, n); err != nil {
		return err
	}
	return t.t.edit(func(tx *transaction) {
		if n > 0 {
			tx.deleteText(tx.cursorAt(t.t, uint64(at)), uint64(n))
		}
	})
}

// Format gives n UTF-16 units from position at on formats, beside those that they
// have; a Null value ends one. The error is ErrRange, ErrValue or ErrDeleted, and
// nothing is changed. attrs is borrowed.
func (t text) Format(at, n int, attrs Object) error {
	if err := t.t.checkRange(at, n); err != nil {
		return err
	}
	want, err := attrsOf(attrs)
	if err != nil {
		return err
	}
	return t.t.edit(func(tx *transaction) {
		if n > 0 {
			tx.formatText(tx.cursorAt(t.t, uint64(at)), uint64(n), want)
		}
	})
}

// ApplyDelta changes the text as applyDelta of yjs does. Quill takes a text to end
// with a line end that isn't there: the delta may retain that, and then it is. The
// error is ErrRange, ErrValue or ErrDeleted, and nothing is changed. d is borrowed.
func (t text) ApplyDelta(d Delta) error {
	var steps []func(*transaction, *cursor)
	rest := t.t.len
	for i, op := range d {
		want, err := attrsOf(op.Attributes)
		if err != nil {
			return err
		}
		switch {
		case op.Insert.kind != ValueKindUndefined:
			p, err := newPart(op.Insert)
			if err != nil {
				return err
			}
			if p.len > 0 {
				steps = append(steps, func(tx *transaction, c *cursor) { tx.insertText(c, want, p.kind, p.bytes, p.len) })
			}
		case op.Retain > 0 && (uint64(op.Retain) <= rest || uint64(op.Retain) == rest+1 && i == len(d)-1):
			rest -= min(rest, uint64(op.Retain))
			steps = append(steps, func(tx *transaction, c *cursor) { tx.formatText(c, uint64(op.Retain), want) })
		case op.Delete > 0 && uint64(op.Delete) <= rest:
			rest -= uint64(op.Delete)
			steps = append(steps, func(tx *transaction, c *cursor) { tx.deleteText(c, uint64(op.Delete)) })
		case op.Retain != 0 || op.Delete != 0:
			return fmt.Errorf("%w: operation %d of the delta", ErrRange, i)
		}
	}
	return t.t.edit(func(tx *transaction) {
		c := tx.cursorAt(t.t, 0)
		for _, step := range steps {
			step(tx, c)
		}
	})
}

// Attribute gives the value of an attribute of the text as a whole; false: there is
// none.
func (t text) Attribute(name string) (Value, bool) { return t.t.get(name) }

// Attributes gives all attributes of the text as a whole, in JavaScript's order.
func (t text) Attributes() Object { return t.t.object() }

// SetAttribute gives the text as a whole an attribute. The error is ErrValue or
// ErrDeleted.
func (t text) SetAttribute(name string, v Value) error { return t.t.set(name, v) }

// RemoveAttribute removes an attribute of the text as a whole, if it is there. The
// error is ErrDeleted.
func (t text) RemoveAttribute(name string) error { return t.t.removeKey(name) }
