package yjs

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// maxDepth is the greatest nesting depth of types that are printed.
const maxDepth = 10_000

// MarshalJSON returns the value as JSON.stringify prints it, and a shared type as its
// toJSON. A BigInt, which JSON.stringify refuses, is printed as its digits, and
// undefined as null. The error is ErrDepth or ErrSize.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.typ != nil {
		if err := printable(v.typ); err != nil {
			return nil, err
		}
	}
	p := printer{}
	if !p.value(v) {
		p.literal("null")
	}
	return p.result()
}

// String returns what MarshalJSON returns, or the text of its error.
func (v Value) String() string {
	text, err := v.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// MarshalJSON returns the object as Value.MarshalJSON does.
func (o Object) MarshalJSON() ([]byte, error) {
	return Value{kind: ValueKindObject, object: orderMembers(append(Object(nil), o...))}.MarshalJSON()
}

// String returns what MarshalJSON returns, or the text of its error.
func (o Object) String() string {
	return Value{kind: ValueKindObject, object: orderMembers(append(Object(nil), o...))}.String()
}

// printer prints JSON as JSON.stringify does.
type printer struct {
	dst    []byte
	err    error
	shaped bool // all XML types are printed as yjs 14 prints them
}

func (p *printer) result() ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	return p.dst, nil
}

func (p *printer) literal(s string) { p.dst = append(p.dst, s...) }
func (p *printer) byte(c byte)      { p.dst = append(p.dst, c) }
func (p *printer) string(s string)  { p.dst = lib0.AppendJSONString(p.dst, s) }

// value prints a value. It reports false and prints nothing for undefined, as
// JSON.stringify does.
func (p *printer) value(v Value) bool {
	switch v.kind {
	case ValueKindNull:
		p.literal("null")
	case ValueKindBool:
		p.literal(strconv.FormatBool(v.num != 0))
	case ValueKindNumber:
		p.dst = lib0.AppendJSONNumber(p.dst, math.Float64frombits(v.num))
	case ValueKindBigInt:
		p.dst = strconv.AppendInt(p.dst, int64(v.num), 10)
	case ValueKindString:
		p.string(v.str)
	case ValueKindBytes:
		p.bytes(v.str)
	case ValueKindList:
		p.byte('[')
		for i, x := range v.list {
			p.element(i, x)
		}
		p.byte(']')
	case ValueKindObject:
		p.object(v.object)
	case ValueKindType:
		if v.typ != nil {
			return p.sharedType(v.typ)
		}
		return p.sharedType(&sharedType{kind: Kind(v.num), name: v.str})
	case ValueKindSubdocument:
		p.literal("{}")
	default:
		return false
	}
	return true
}

// element prints element i of an array.
func (p *printer) element(i int, v Value) {
	if i > 0 {
		p.byte(',')
	}
	if !p.value(v) {
		p.literal("null")
	}
}

// object prints an object. Its members must be ordered.
func (p *printer) object(o Object) {
	p.byte('{')
	first := true
	for _, m := range o {
		first = p.member(first, m.Key, m.Value)
	}
	p.byte('}')
}

// separate prints a comma, unless the first member follows.
func (p *printer) separate(first bool) {
	if !first {
		p.byte(',')
	}
}

// member prints a member, unless its value is undefined. It reports whether the next
// member is still the first one.
func (p *printer) member(first bool, key string, v Value) bool {
	mark := len(p.dst)
	p.separate(first)
	p.string(key)
	p.byte(':')
	if !p.value(v) {
		p.dst = p.dst[:mark]
		return first
	}
	return false
}

// bytes prints a Uint8Array: an object whose keys are the indexes.
func (p *printer) bytes(b string) {
	p.byte('{')
	for i := range len(b) {
		if i > 0 {
			p.byte(',')
		}
		p.dst = strconv.AppendInt(append(p.dst, '"'), int64(i), 10)
		p.dst = strconv.AppendUint(append(p.dst, '"', ':'), uint64(b[i]), 10)
	}
	p.byte('}')
}

// sharedType prints the toJSON of a shared type: that of yjs 13, or that of yjs 14 for a
// nested type that yjs 13 can't make.
func (p *printer) sharedType(t *sharedType) bool {
	if t.depth > maxDepth {
		p.err = ErrDepth
		return false
	}
	switch t.kind {
	case KindArray:
		p.byte('[')
		i := 0
		t.each(func(v Value) bool {
			p.element(i, v)
			i++
			return p.err == nil
		})
		p.byte(']')
	case KindMap, KindXMLHook:
		p.object(t.object())
	case KindText:
		p.string(t.string())
	case KindXMLElement, KindXMLFragment, KindXMLText:
		if t.kind != KindXMLText && (p.shaped || t.item != nil && t.isBeyondXML()) {
			p.shape(t)
		} else {
			p.string(t.xml())
		}
	default:
		return false
	}
	return true
}

// each calls yield for each element of the list, until yield returns false.
func (t *sharedType) each(yield func(Value) bool) {
	for it := t.first; it != nil; it = it.right {
		if it.visible() && !it.each(yield) {
			return
		}
	}
}

// each calls yield for each element of an item, until yield returns false, which it
// reports.
func (it *item) each(yield func(Value) bool) bool {
	r := lib0.Reread(it.content())
	switch it.kind {
	case blocks.KindAny:
		for n := it.len; n > 0; n-- {
			if !yield(readAny(&r)) {
				return false
			}
		}
	case blocks.KindJSON:
		for n := it.len; n > 0; n-- {
			if !yield(readJSON(&r)) {
				return false
			}
		}
	case blocks.KindString:
		return eachUnit(string(it.content()), func(unit string) bool { return yield(Value{kind: ValueKindString, str: unit}) })
	default:
		return yield(it.element(0))
	}
	return true
}

// readJSON reads an element of a KindJSON block.
func readJSON(r *lib0.Reader) Value {
	text := r.Text()
	if string(text) == "undefined" {
		return Value{}
	}
	return parseJSON(text)
}

// eachUnit calls yield for each UTF-16 unit of a string, in which an unpaired surrogate
// is encoded as three bytes, until yield returns false, which it reports.
func eachUnit(s string, yield func(string) bool) bool {
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c >= 0x10000:
			c -= 0x10000
			if !yield(string(lib0.AppendUnit(nil, 0xd800+c>>10))) || !yield(string(lib0.AppendUnit(nil, 0xdc00+c&0x3ff))) {
				return false
			}
		default:
			if n == 1 && c == utf8.RuneError {
				n = len(replacement) // a surrogate is encoded in as many bytes as U+FFFD
			}
			if !yield(s[i : i+n]) {
				return false
			}
		}
		i += n
	}
	return true
}

// element returns element n of an item, which must have content.
func (it *item) element(n uint64) (v Value) {
	r := lib0.Reread(it.content())
	switch it.kind {
	case blocks.KindAny:
		for ; n > 0; n-- {
			r.Any()
		}
		return readAny(&r)
	case blocks.KindJSON:
		for ; n > 0; n-- {
			r.Text()
		}
		return readJSON(&r)
	case blocks.KindString:
		at, half := lib0.UTF16Offset(it.content(), n, it.len)
		eachUnit(string(it.content()[at:]), func(unit string) bool {
			v = Value{kind: ValueKindString, str: unit}
			more := half
			half = false
			return more
		})
		return v
	case blocks.KindBinary:
		return Value{kind: ValueKindBytes, str: string(r.Bytes())}
	case blocks.KindEmbed:
		return parseJSON(r.Text())
	case blocks.KindType:
		return Value{kind: ValueKindType, typ: it.typ()}
	case blocks.KindDoc:
		guid := string(r.Text())
		v := Value{kind: ValueKindSubdocument, str: guid}
		if options := readAny(&r); options.kind == ValueKindObject {
			v.object = options.object
		}
		return v
	}
	return Value{}
}

// object returns the values of all keys as an object.
func (t *sharedType) object() Object {
	members := make(Object, 0, len(t.entryOrder))
	for _, e := range t.entryOrder {
		if !e.last.deleted() && e.key != protoKey {
			members = append(members, Member{e.key, e.last.element(e.last.len - 1)})
		}
	}
	return orderMembers(members)
}

// string returns the text of the list without formats and embeds.
func (t *sharedType) string() string {
	var b strings.Builder
	b.Grow(int(t.len))
	for it := t.first; it != nil; it = it.right {
		switch {
		case it.kind != blocks.KindString || it.deleted():
		case it.to-it.from == 1: // copying a single byte as a slice takes longer
			b.WriteByte(it.common.arena.bytes[it.from])
		default:
			b.Write(it.content())
		}
	}
	return b.String()
}
