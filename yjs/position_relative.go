package yjs

import (
	"encoding/json"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// RelativePosition is a place between the elements of a list or the units of a text
// that stays where it is among its neighbours, whatever is edited: what yjs calls
// so. The zero value is none. They can be compared with ==.
type RelativePosition struct {
	item    blocks.ID // the element that it is at
	typ     blocks.ID // or the type, at whose end it is: one with an id,
	name    string    // or a root
	hasItem bool
	hasType bool
	hasName bool
	assoc   int
}

// Position is where a RelativePosition is at the moment.
type Position struct {
	Type  Value // the type, of no kind if it is a root that the Doc was not asked for yet
	Index int   // in elements, or UTF-16 units
	Assoc int   // the RelativePosition's
}

// RelativePosition gives the place before element at of the list, or at its end. It
// is bound to the element behind it where assoc is 0 or more, and to the one before
// where assoc is less. The error is ErrRange or ErrDeleted.
func (l list) RelativePosition(at, assoc int) (RelativePosition, error) {
	return l.t.relativePosition(at, assoc)
}

// RelativePosition gives the place before unit at of the text, or at its end. It is
// bound to the unit behind it where assoc is 0 or more, and to the one before where
// assoc is less. The error is ErrRange or ErrDeleted.
func (t text) RelativePosition(at, assoc int) (RelativePosition, error) {
	return t.t.relativePosition(at, assoc)
}

func (t *sharedType) relativePosition(at, assoc int) (RelativePosition, error) {
	if t.isDeleted() {
		return RelativePosition{}, ErrDeleted
	}
	if err := t.checkRange(at, 0); err != nil {
		return RelativePosition{}, err
	}
	p := RelativePosition{assoc: assoc}
	if t.item == nil {
		p.name, p.hasName = t.name, true
	} else {
		p.typ, p.hasType = t.id(), true
	}
	if assoc < 0 {
		if at == 0 {
			return p, nil
		}
		at--
	}
	if it, off := t.at(uint64(at)); it != nil {
		p.item, p.hasItem = blocks.ID{Client: it.client().id, Clock: it.clock + off}, true
	}
	return p, nil
}

// Encode gives the position in the form of encodeRelativePosition of yjs. The
// caller owns the result; nil: p is the zero value.
func (p RelativePosition) Encode() []byte {
	var b []byte
	switch {
	case p.hasItem:
		b = appendID([]byte{0}, p.item)
	case p.hasName:
		b = lib0.AppendString([]byte{1}, p.name)
	case p.hasType:
		b = appendID([]byte{2}, p.typ)
	default:
		return nil
	}
	if p.assoc < 0 {
		return lib0.AppendInt(b, uint64(-p.assoc), true)
	}
	return lib0.AppendInt(b, uint64(p.assoc), false)
}

func appendID(dst []byte, x blocks.ID) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, x.Client), x.Clock)
}

// DecodeRelativePosition reads what Encode, or encodeRelativePosition of yjs, gives.
// The error is ErrPosition. b is borrowed.
func DecodeRelativePosition(b []byte) (RelativePosition, error) {
	var p RelativePosition
	r := lib0.NewReader(b)
	switch form := r.Uint(); form {
	case 0:
		p.item, p.hasItem = blocks.ID{Client: r.Uint(), Clock: r.Uint()}, true
	case 1:
		p.name, p.hasName = string(r.Text()), true
	case 2:
		p.typ, p.hasType = blocks.ID{Client: r.Uint(), Clock: r.Uint()}, true
	default:
		return RelativePosition{}, fmt.Errorf("%w: form %d", ErrPosition, form)
	}
	if r.Err() == nil && r.Len() > 0 {
		assoc, negative := r.Int()
		if p.assoc = int(assoc); negative {
			p.assoc = -p.assoc
		}
	}
	if err := r.Err(); err != nil {
		return RelativePosition{}, fmt.Errorf("%w: %w", ErrPosition, err)
	}
	return p, nil
}

// idJSON and positionJSON are the form of relativePositionToJSON of yjs.
type idJSON struct {
	Client uint64 `json:"client"`
	Clock  uint64 `json:"clock"`
}

type positionJSON struct {
	Type  *idJSON `json:"type,omitempty"`
	Name  *string `json:"tname,omitempty"`
	Item  *idJSON `json:"item,omitempty"`
	Assoc *int    `json:"assoc,omitempty"`
}

// MarshalJSON prints the position in the form of relativePositionToJSON of yjs.
func (p RelativePosition) MarshalJSON() ([]byte, error) {
	out := printer{}
	id := func(first bool, key string, x blocks.ID) bool {
		return out.member(first, key, ObjectValue(
			Member{"client", NumberValue(float64(x.Client))}, Member{"clock", NumberValue(float64(x.Clock))}))
	}
	out.byte('{')
	first := true
	if p.hasType {
		first = id(first, "type", p.typ)
	}
	if p.name != "" {
		first = out.member(first, "tname", Value{kind: ValueKindString, str: p.name})
	}
	if p.hasItem {
		first = id(first, "item", p.item)
	}
	out.member(first, "assoc", NumberValue(float64(p.assoc)))
	out.byte('}')
	return out.result()
}

// UnmarshalJSON reads what MarshalJSON prints. The error is ErrPosition.
func (p *RelativePosition) UnmarshalJSON(text []byte) error {
	var in positionJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("%w: %w", ErrPosition, err)
	}
	*p = RelativePosition{}
	if in.Type != nil {
		p.typ, p.hasType = blocks.ID(*in.Type), true
	}
	if in.Item != nil {
		p.item, p.hasItem = blocks.ID(*in.Item), true
	}
	if in.Name != nil {
		p.name, p.hasName = *in.Name, true
	}
	if in.Assoc != nil {
		p.assoc = *in.Assoc
	}
	// yjs leaves the name of the root "" out.
	if !p.hasType && !p.hasItem {
		p.hasName = true
	}
	return nil
}

// Resolve gives where a relative position is now. At an element that is deleted, it
// is where that was. The error is ErrPosition where the document doesn't have what
// it refers to, or has it no longer, and ErrDeleted where its type is deleted.
func (d *Doc) Resolve(p RelativePosition) (Position, error) {
	if p.hasItem {
		return d.resolveItem(p)
	}
	var t *sharedType
	switch {
	case p.hasName:
		if t = d.roots[p.name]; t == nil {
			return Position{}, fmt.Errorf("%w: there is no root %q", ErrPosition, p.name)
		}
	case p.hasType:
		it := d.item(p.typ)
		if it == nil || it.typ() == nil {
			return Position{}, fmt.Errorf("%w: there is no type %v", ErrPosition, p.typ)
		}
		t = it.typ()
	default:
		return Position{}, fmt.Errorf("%w: it is none", ErrPosition)
	}
	if t.isDeleted() {
		return Position{}, ErrDeleted
	}
	at := Position{Type: Value{kind: ValueKindType, typ: t}, Assoc: p.assoc}
	if p.assoc >= 0 {
		at.Index = int(t.len)
	}
	return at, nil
}

func (d *Doc) resolveItem(p RelativePosition) (Position, error) {
	it := d.item(p.item)
	if it == nil || it.parent() == nil || it.is(hasKey) {
		return Position{}, fmt.Errorf("%w: there is no element %v", ErrPosition, p.item)
	}
	t := it.parent()
	if t.isDeleted() {
		return Position{}, ErrDeleted
	}
	index := t.positionOf(it)
	if it.visible() {
		index += p.item.Clock - it.clock
		if p.assoc < 0 {
			index++
		}
	}
	return Position{Value{kind: ValueKindType, typ: t}, int(index), p.assoc}, nil
}
