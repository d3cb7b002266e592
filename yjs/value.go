package yjs

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// ValueKind says what a Value is.
type ValueKind uint8

// The kinds of values. The zero Value is undefined, as in JavaScript.
const (
	ValueKindUndefined ValueKind = iota
	ValueKindNull
	ValueKindBool
	ValueKindNumber
	ValueKindBigInt
	ValueKindString
	ValueKindBytes       // a Uint8Array
	ValueKindList        // a plain array, which is not the shared type Array
	ValueKindObject      // a plain object, which is not the shared type Map
	ValueKindType        // a shared type
	ValueKindSubdocument // a document in the document
)

// Value is what a document holds as an element of an Array, the value of a key of
// a Map, an embed or an attribute. Values don't change; what shares their memory
// says so.
type Value struct {
	kind   ValueKind
	num    uint64 // bits of a number; a BigInt; a Bool; the Kind of a type that is still to be made
	str    string // a string, in which half a surrogate pair may stand as three bytes; bytes; a guid; a name
	list   []Value
	object Object
	typ    *sharedType
}

// Member is a member of an Object.
type Member struct {
	Key   string
	Value Value
}

// Object is a JavaScript object: its members have different keys and an order.
type Object []Member

// Get gives the value of a key; undefined: there is none.
func (o Object) Get(key string) Value {
	for _, m := range o {
		if m.Key == key {
			return m.Value
		}
	}
	return Value{}
}

// NullValue returns null.
func NullValue() Value { return Value{kind: ValueKindNull} }

// BoolValue returns true or false.
func BoolValue(b bool) Value {
	v := Value{kind: ValueKindBool}
	if b {
		v.num = 1
	}
	return v
}

// NumberValue returns a number.
func NumberValue(f float64) Value {
	if f != f {
		return Value{kind: ValueKindNumber, num: nan}
	}
	return Value{kind: ValueKindNumber, num: math.Float64bits(f)}
}

// nan is the NaN that JavaScript writes.
const nan = 0x7ff8 << 48

// BigIntValue returns a BigInt, which JavaScript's JSON can't hold: here it is
// printed as its digits.
func BigIntValue(i int64) Value { return Value{kind: ValueKindBigInt, num: uint64(i)} }

// StringValue returns a string. What of s isn't UTF-8 becomes U+FFFD.
func StringValue(s string) Value {
	return Value{kind: ValueKindString, str: strings.ToValidUTF8(s, replacement)}
}

// BytesValue returns a Uint8Array. b is borrowed.
func BytesValue(b []byte) Value { return Value{kind: ValueKindBytes, str: string(b)} }

// ListValue returns an array, which is not the type Array. values are borrowed.
func ListValue(values ...Value) Value { return Value{kind: ValueKindList, list: slices.Clone(values)} }

// ObjectValue returns an object, which is not the type Map. Of members with one
// key the last counts. members are borrowed.
func ObjectValue(members ...Member) Value {
	return Value{kind: ValueKindObject, object: orderMembers(slices.Clone(members))}
}

// TypeValue returns an empty shared type that is made where the value is put in a
// document. Only XML elements and hooks have a name.
func TypeValue(kind Kind, name string) Value {
	return Value{kind: ValueKindType, num: uint64(kind), str: strings.ToValidUTF8(name, replacement)}
}

// SubdocumentValue returns a document in the document: the id that it is found by
// and its options, of which yjs knows "gc", "autoLoad" and "meta". options are
// borrowed.
func SubdocumentValue(guid string, options Object) Value {
	return Value{kind: ValueKindSubdocument, str: strings.ToValidUTF8(guid, replacement), object: orderMembers(slices.Clone(options))}
}

// Kind says what the value is.
func (v Value) Kind() ValueKind { return v.kind }

// IsNull tells whether the value is null or undefined.
func (v Value) IsNull() bool { return v.kind <= ValueKindNull }

// AsBool gives the value of a Bool.
func (v Value) AsBool() (b, ok bool) {
	return v.num != 0 && v.kind == ValueKindBool, v.kind == ValueKindBool
}

// AsNumber gives the value of a Number.
func (v Value) AsNumber() (f float64, ok bool) {
	if v.kind != ValueKindNumber {
		return 0, false
	}
	return math.Float64frombits(v.num), true
}

// AsBigInt gives the value of a BigInt.
func (v Value) AsBigInt() (i int64, ok bool) {
	if v.kind != ValueKindBigInt {
		return 0, false
	}
	return int64(v.num), true
}

// AsString gives the value of a String. Half a surrogate pair is U+FFFD.
func (v Value) AsString() (s string, ok bool) {
	if v.kind != ValueKindString {
		return "", false
	}
	return toValidUTF8(v.str), true
}

// AsBytes gives the value of Bytes. The caller owns it.
func (v Value) AsBytes() (b []byte, ok bool) {
	if v.kind != ValueKindBytes {
		return nil, false
	}
	return []byte(v.str), true
}

// AsList gives the elements of a List, which are shared: don't change them.
func (v Value) AsList() (values []Value, ok bool) { return v.list, v.kind == ValueKindList }

// AsObject gives the members of a Dict, which are shared: don't change them.
func (v Value) AsObject() (o Object, ok bool) {
	if v.kind != ValueKindObject {
		return nil, false
	}
	return v.object, true
}

// AsSubdocument gives the id and the options of a Subdocument. The options are
// shared: don't change them.
func (v Value) AsSubdocument() (guid string, options Object, ok bool) {
	if v.kind != ValueKindSubdocument {
		return "", nil, false
	}
	return v.str, v.object, true
}

// TypeKind says of which kind a Type is.
func (v Value) TypeKind() Kind {
	switch {
	case v.kind != ValueKindType:
		return KindUnknown
	case v.typ != nil:
		return v.typ.kind
	}
	return Kind(v.num)
}

// holds tells whether the value is a type of a document, of the given kind.
func (v Value) holds(k Kind) bool { return v.kind == ValueKindType && v.typ != nil && v.typ.kind == k }

// Array gives the type that the value is, if it is an Array of a document.
func (v Value) Array() (*Array, bool) {
	if !v.holds(KindArray) {
		return nil, false
	}
	return &Array{list{v.typ}}, true
}

// Map gives the type that the value is, if it is a Map of a document.
func (v Value) Map() (*Map, bool) {
	if !v.holds(KindMap) {
		return nil, false
	}
	return &Map{v.typ}, true
}

// Text gives the type that the value is, if it is a Text of a document.
func (v Value) Text() (*Text, bool) {
	if !v.holds(KindText) {
		return nil, false
	}
	return &Text{text{v.typ}}, true
}

// XMLFragment gives the type that the value is, if it is an XMLFragment of a
// document.
func (v Value) XMLFragment() (*XMLFragment, bool) {
	if !v.holds(KindXMLFragment) {
		return nil, false
	}
	return &XMLFragment{children{list{v.typ}}}, true
}

// XMLElement gives the type that the value is, if it is an XMLElement of a
// document.
func (v Value) XMLElement() (*XMLElement, bool) {
	if !v.holds(KindXMLElement) {
		return nil, false
	}
	return &XMLElement{children{list{v.typ}}, attributes{v.typ}}, true
}

// XMLText gives the type that the value is, if it is an XMLText of a document.
func (v Value) XMLText() (*XMLText, bool) {
	if !v.holds(KindXMLText) {
		return nil, false
	}
	return &XMLText{text{v.typ}}, true
}

// XMLHook gives the type that the value is, if it is an XMLHook of a document.
func (v Value) XMLHook() (*XMLHook, bool) {
	if !v.holds(KindXMLHook) {
		return nil, false
	}
	return &XMLHook{v.typ}, true
}

// whole replaces each half of a surrogate pair by U+FFFD.
func toValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			size = 3
		}
		b = utf8.AppendRune(b, r)
		i += size
	}
	return string(b)
}
