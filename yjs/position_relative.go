package yjs

import (
	"encoding/json"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// RelativePosition is a position in a list or a text that moves with its neighbours
// when the document is edited, as in yjs. The zero value is not a position.
// RelativePositions can be compared with ==.
type RelativePosition struct {
	item    blocks.ID // the element that the position moves with,
	typ     blocks.ID // or the type at whose start or end it is: by id,
	name    string    // or by the name of a root
	hasItem bool
	hasType bool
	hasName bool
	assoc   int
}

// Position is the current position of a RelativePosition.
type Position struct {
	Type  Value // the shared type; its kind is KindUnknown for a root that was not requested yet
	Index int   // in elements or UTF-16 units
	Assoc int   // of the RelativePosition
}

// RelativePosition returns the position before element at, or the end of the list if at
// is Len. It moves with the element after it if assoc >= 0, and with the element before
// it if assoc < 0. The error is ErrRange or ErrDeleted.
func (l list) RelativePosition(at, assoc int) (RelativePosition, error) {
	return l.t.relativePosition(at, assoc)
}

// RelativePosition returns the position before unit at, or the end of the text if at is
// Len. It moves with the unit after it if assoc >= 0, and with the unit before it if
// assoc < 0. The error is ErrRange or ErrDeleted.
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

// Encode returns the encoding of encodeRelativePosition of yjs, or nil for the zero
// value. The caller owns the result.
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

// DecodeRelativePosition decodes the result of Encode, or of encodeRelativePosition of
// yjs. The error is ErrPosition. b is borrowed.
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
		return RelativePosition{}, fmt.Errorf("%w: unknown form %d", ErrPosition, form)
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

// idJSON and positionJSON are the JSON of relativePositionToJSON of yjs.
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

// MarshalJSON returns the JSON of relativePositionToJSON of yjs.
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

// UnmarshalJSON parses the JSON that MarshalJSON returns. The error is ErrPosition.
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
	// yjs omits the name of a root that is the empty string.
	if !p.hasType && !p.hasItem {
		p.hasName = true
	}
	return nil
}

// Resolve returns the current position of a relative position. If its element was
// deleted, that is the place where the element was. The error is ErrPosition if the
// document does not have, or no longer has, the element or type that p refers to, and
// ErrDeleted if the type was deleted.
func (d *Doc) Resolve(p RelativePosition) (Position, error) {
	if p.hasItem {
		return d.resolveItem(p)
	}
	var t *sharedType
	switch {
	case p.hasName:
		if t = d.roots[p.name]; t == nil {
			return Position{}, fmt.Errorf("%w: no root %q", ErrPosition, p.name)
		}
	case p.hasType:
		it := d.item(p.typ)
		if it == nil || it.typ() == nil {
			return Position{}, fmt.Errorf("%w: no type %v", ErrPosition, p.typ)
		}
		t = it.typ()
	default:
		return Position{}, fmt.Errorf("%w: zero value", ErrPosition)
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
		return Position{}, fmt.Errorf("%w: no element %v", ErrPosition, p.item)
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
