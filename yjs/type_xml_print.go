package yjs

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// xml returns the toString of an XML type, in which unpaired surrogates are encoded as
// three bytes. Types nested more than maxDepth deep are omitted.
func (t *sharedType) xml() string { return string(t.appendXML(nil, toLower)) }

// exactXML is xml with the names of elements as they are.
func (t *sharedType) exactXML() string {
	return string(t.appendXML(nil, func(name string) string { return name }))
}

// appendXML appends the toString of an XML type, with the names of elements as name returns
// them.
func (t *sharedType) appendXML(dst []byte, name func(string) string) []byte {
	if t.depth > maxDepth {
		return dst
	}
	switch t.kind {
	case KindXMLFragment:
		return t.appendChildren(dst, name)
	case KindXMLElement:
		tag := name(t.name)
		dst = append(append(dst, '<'), tag...)
		attributes := t.object()
		slices.SortFunc(attributes, func(a, b Member) int { return compareUTF16(a.Key, b.Key) })
		for _, m := range attributes {
			dst = append(append(append(dst, ' '), m.Key...), '=', '"')
			dst = append(appendString(dst, m.Value, name), '"')
		}
		dst = t.appendChildren(append(dst, '>'), name)
		return append(append(append(dst, "</"...), tag...), '>')
	case KindXMLText:
		for _, op := range t.delta() {
			dst = op.appendXML(dst, name)
		}
		return dst
	case KindText:
		return append(dst, t.string()...)
	}
	return append(dst, "[object Object]"...)
}

func (t *sharedType) appendChildren(dst []byte, name func(string) string) []byte {
	for it := t.first; it != nil; it = it.right {
		switch {
		case !it.visible():
		case it.kind == blocks.KindString:
			dst = append(dst, it.content()...)
		default:
			it.each(func(v Value) bool {
				dst = appendString(dst, v, name)
				return true
			})
		}
	}
	return dst
}

// appendXML appends a run of an XML text with its formats as tags.
func (op *Op) appendXML(dst []byte, name func(string) string) []byte {
	formats := slices.Clone(op.Attributes)
	slices.SortFunc(formats, func(a, b Member) int { return compareUTF16(a.Key, b.Key) })
	for _, f := range formats {
		dst = append(append(dst, '<'), f.Key...)
		members := enumerate(f.Value)
		slices.SortFunc(members, func(a, b Member) int { return compareUTF16(a.Key, b.Key) })
		for _, m := range members {
			dst = append(append(append(dst, ' '), m.Key...), '=', '"')
			dst = append(appendString(dst, m.Value, name), '"')
		}
		dst = append(dst, '>')
	}
	dst = appendString(dst, op.Insert, name)
	for _, f := range slices.Backward(formats) {
		dst = append(append(append(dst, "</"...), f.Key...), '>')
	}
	return dst
}

// enumerate returns the properties that "for (const key in v)" of JavaScript iterates
// over: the members of an object or array, or the units of a string.
func enumerate(v Value) Object {
	if v.kind != ValueKindString {
		return flatten(v)
	}
	var units Object
	eachUnit(v.str, func(unit string) bool {
		units = append(units, Member{strconv.Itoa(len(units)), Value{kind: ValueKindString, str: unit}})
		return true
	})
	return units
}

// appendString appends String(v) of JavaScript, with the names of elements as name returns
// them.
func appendString(dst []byte, v Value, name func(string) string) []byte {
	switch v.kind {
	case ValueKindUndefined:
		return append(dst, "undefined"...)
	case ValueKindNull:
		return append(dst, "null"...)
	case ValueKindBool:
		return strconv.AppendBool(dst, v.num != 0)
	case ValueKindNumber:
		switch f := math.Float64frombits(v.num); {
		case math.IsNaN(f):
			return append(dst, "NaN"...)
		case math.IsInf(f, 1):
			return append(dst, "Infinity"...)
		case math.IsInf(f, -1):
			return append(dst, "-Infinity"...)
		default:
			return lib0.AppendJSONNumber(dst, f)
		}
	case ValueKindBigInt:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case ValueKindString:
		return append(dst, v.str...)
	case ValueKindBytes:
		for i := range len(v.str) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(v.str[i]), 10)
		}
		return dst
	case ValueKindList:
		for i, x := range v.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			if !x.IsNull() {
				dst = appendString(dst, x, name)
			}
		}
		return dst
	case ValueKindType:
		if v.typ != nil {
			return v.typ.appendXML(dst, name)
		}
	}
	return append(dst, "[object Object]"...)
}

// compareUTF16 compares strings by their UTF-16 units, as JavaScript does.
func compareUTF16(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		// The order of UTF-8 differs only if a code point above U+FFFF is compared with
		// one from U+E000 on.
		if a[i] < 0xee && b[i] < 0xee {
			return cmp.Compare(a[i], b[i])
		}
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	}
	return cmp.Compare(len(a), len(b))
}
