package yjs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Text is text with formats and embeds. Positions and lengths are in UTF-16 units. An
// embed counts as one unit.
type Text struct{ text }

// XMLText is a text that is a child of an XML type. String prints its formats as tags.
type XMLText struct{ text }

// text holds the methods that Text and XMLText share.
type text struct{ t *sharedType }

// Len returns the length of the text.
func (t text) Len() int { return int(t.t.len) }

// String returns the text without formats and embeds.
func (t *Text) String() string { return t.t.string() }

// MarshalJSON returns the text as a JSON string. The error is ErrSize.
func (t *Text) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// String returns the text with its formats as tags, as toString of yjs does. Nothing is
// escaped.
func (t *XMLText) String() string { return toValidUTF8(t.t.xml()) }

// MarshalJSON returns String as a JSON string. The error is ErrDepth or ErrSize.
func (t *XMLText) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// Delta returns the text with its formats, as toDelta of yjs does. The result can be
// far larger than the document: see Doc.Printable.
func (t text) Delta() Delta { return t.t.delta() }

// marshal returns the toJSON of a type as JSON.
func marshal(t *sharedType) ([]byte, error) {
	if err := printable(t); err != nil {
		return nil, err
	}
	p := printer{}
	p.sharedType(t)
	return p.result()
}

// Insert inserts a string before position at, or appends it if at is Len. The string
// gets exactly the formats attrs, or those of the text before it if attrs is nil. The
// error is ErrRange, ErrValue or ErrDeleted; then nothing is changed. Invalid UTF-8 in
// s is replaced by U+FFFD. attrs is borrowed.
func (t text) Insert(at int, s string, attrs Object) error {
	return t.insert(at, stringContent(s), attrs, attrs == nil)
}

// stringContent returns a string as a part of a text.
func stringContent(s string) part {
	b := []byte(strings.ToValidUTF8(s, replacement))
	return part{blocks.KindString, b, lib0.UTF16Len(b)}
}

// part is what is inserted into a text: a string, an embed or a shared type.
type part struct {
	kind  blocks.Kind
	bytes []byte
	len   uint64
}

// InsertEmbed inserts an embed before position at: a value that can be encoded as JSON,
// or a TypeValue. A string is inserted as text. The embed gets exactly the formats
// attrs. Errors are those of Insert. attrs is borrowed.
func (t text) InsertEmbed(at int, embed Value, attrs Object) error {
	p, err := newPart(embed)
	if err != nil {
		return err
	}
	return t.insert(at, p, attrs, false)
}

// newPart returns a value as a part of a text.
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

// jsonOf returns the JSON of an embed or a format.
func jsonOf(v Value) ([]byte, error) {
	if v.kind == ValueKindUndefined || !encodable(v, lib0.MaxDepth) {
		return nil, fmt.Errorf("%w: an embed or a format must be a value that JSON can represent", ErrValue)
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

// attrsOf returns formats as blocks hold them. Undefined values are omitted.
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

// Format adds formats to n UTF-16 units from position at on. A null value ends a
// format. The error is ErrRange, ErrValue or ErrDeleted; then nothing is changed. attrs
// is borrowed.
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

// ApplyDelta changes the text as applyDelta of yjs does. Quill assumes that a text ends
// with a line feed: if the last operation retains one unit more than the text has, a
// line feed is appended. The error is ErrRange, ErrValue or ErrDeleted; then nothing is
// changed. d is borrowed.
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

// Attribute returns the value of an attribute of the whole text. ok is false if there
// is none.
func (t text) Attribute(name string) (v Value, ok bool) { return t.t.get(name) }

// Attributes returns all attributes of the whole text, ordered as in a JavaScript
// object.
func (t text) Attributes() Object { return t.t.object() }

// SetAttribute sets an attribute of the whole text. The error is ErrValue or
// ErrDeleted.
func (t text) SetAttribute(name string, v Value) error { return t.t.set(name, v) }

// RemoveAttribute removes an attribute of the whole text, if there is one. The error is
// ErrDeleted.
func (t text) RemoveAttribute(name string) error { return t.t.removeKey(name) }
