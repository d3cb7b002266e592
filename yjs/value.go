package yjs

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// ValueKind is the kind of a Value.
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

// Value is an element of an Array, the value of a key of a Map, an embed of a text, or
// the value of an attribute or a format. Values are immutable.
type Value struct {
	kind   ValueKind
	num    uint64 // the bits of a number; a BigInt; 1 for true; the Kind of a shared type that is not in a document yet
	str    string // a string, in which an unpaired surrogate is encoded as three bytes; bytes; the guid of a subdocument; the name of a new type
	list   []Value
	object Object
	typ    *sharedType // of a document; nil for one that is not in a document yet
}

// Member is a member of an Object.
type Member struct {
	Key   string
	Value Value
}

// Object is a JavaScript object: members with distinct keys, in order.
type Object []Member

// Get returns the value of a key. It is undefined if there is no such key.
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

// nan are the bits of NaN as JavaScript writes it.
const nan = 0x7ff8 << 48

// BigIntValue returns a BigInt. JSON.stringify refuses BigInts; here they are printed
// as digits.
func BigIntValue(i int64) Value { return Value{kind: ValueKindBigInt, num: uint64(i)} }

// StringValue returns a string. Invalid UTF-8 in s is replaced by U+FFFD.
func StringValue(s string) Value {
	return Value{kind: ValueKindString, str: strings.ToValidUTF8(s, replacement)}
}

// BytesValue returns the Value of a Uint8Array. It copies b.
func BytesValue(b []byte) Value { return Value{kind: ValueKindBytes, str: string(b)} }

// ListValue returns a plain array, which is not the shared type Array. values is
// borrowed.
func ListValue(values ...Value) Value { return Value{kind: ValueKindList, list: slices.Clone(values)} }

// ObjectValue returns a plain object, which is not the shared type Map. Of several
// members with the same key, the last one counts. members is borrowed.
func ObjectValue(members ...Member) Value {
	return Value{kind: ValueKindObject, object: orderMembers(slices.Clone(members))}
}

// TypeValue returns a new, empty shared type, which is created when the value is
// inserted into a document. name is ignored unless kind is KindXMLElement or
// KindXMLHook.
func TypeValue(kind Kind, name string) Value {
	return Value{kind: ValueKindType, num: uint64(kind), str: strings.ToValidUTF8(name, replacement)}
}

// SubdocumentValue returns a subdocument with the given id and options. yjs knows the
// options "gc", "autoLoad" and "meta". options is borrowed.
func SubdocumentValue(guid string, options Object) Value {
	return Value{kind: ValueKindSubdocument, str: strings.ToValidUTF8(guid, replacement), object: orderMembers(slices.Clone(options))}
}

// Kind returns the kind of the value.
func (v Value) Kind() ValueKind { return v.kind }

// IsNull reports whether the value is null or undefined.
func (v Value) IsNull() bool { return v.kind <= ValueKindNull }

// AsBool returns the value of a boolean. ok is false if v is not a boolean.
func (v Value) AsBool() (b, ok bool) {
	return v.num != 0 && v.kind == ValueKindBool, v.kind == ValueKindBool
}

// AsNumber returns the value of a number. ok is false if v is not a number.
func (v Value) AsNumber() (f float64, ok bool) {
	if v.kind != ValueKindNumber {
		return 0, false
	}
	return math.Float64frombits(v.num), true
}

// AsBigInt returns the value of a BigInt. ok is false if v is not a BigInt.
func (v Value) AsBigInt() (i int64, ok bool) {
	if v.kind != ValueKindBigInt {
		return 0, false
	}
	return int64(v.num), true
}

// AsString returns the value of a string, with U+FFFD in place of unpaired surrogates.
// ok is false if v is not a string.
func (v Value) AsString() (s string, ok bool) {
	if v.kind != ValueKindString {
		return "", false
	}
	return toValidUTF8(v.str), true
}

// AsBytes returns the value of a Uint8Array. ok is false if v is not a Uint8Array. The
// caller owns b.
func (v Value) AsBytes() (b []byte, ok bool) {
	if v.kind != ValueKindBytes {
		return nil, false
	}
	return []byte(v.str), true
}

// AsList returns the elements of a plain array. ok is false if v is not a plain array.
// The result aliases v and must not be modified.
func (v Value) AsList() (values []Value, ok bool) { return v.list, v.kind == ValueKindList }

// AsObject returns the members of a plain object. ok is false if v is not a plain
// object. The result aliases v and must not be modified.
func (v Value) AsObject() (o Object, ok bool) {
	if v.kind != ValueKindObject {
		return nil, false
	}
	return v.object, true
}

// AsSubdocument returns the id and the options of a subdocument. ok is false if v is
// not a subdocument. options aliases v and must not be modified.
func (v Value) AsSubdocument() (guid string, options Object, ok bool) {
	if v.kind != ValueKindSubdocument {
		return "", nil, false
	}
	return v.str, v.object, true
}

// TypeKind returns the kind of a shared type, or KindUnknown if v is not a shared type.
func (v Value) TypeKind() Kind {
	switch {
	case v.kind != ValueKindType:
		return KindUnknown
	case v.typ != nil:
		return v.typ.kind
	}
	return Kind(v.num)
}

// holds reports whether the value is a shared type of the given kind in a document.
func (v Value) holds(k Kind) bool { return v.kind == ValueKindType && v.typ != nil && v.typ.kind == k }

// Array returns the Array that v refers to. ok is false if v is not an Array of a
// document.
func (v Value) Array() (t *Array, ok bool) {
	if !v.holds(KindArray) {
		return nil, false
	}
	return &Array{list{v.typ}}, true
}

// Map returns the Map that v refers to. ok is false if v is not a Map of a document.
func (v Value) Map() (t *Map, ok bool) {
	if !v.holds(KindMap) {
		return nil, false
	}
	return &Map{v.typ}, true
}

// Text returns the Text that v refers to. ok is false if v is not a Text of a document.
func (v Value) Text() (t *Text, ok bool) {
	if !v.holds(KindText) {
		return nil, false
	}
	return &Text{text{v.typ}}, true
}

// XMLFragment returns the XMLFragment that v refers to. ok is false if v is not an
// XMLFragment of a document.
func (v Value) XMLFragment() (t *XMLFragment, ok bool) {
	if !v.holds(KindXMLFragment) {
		return nil, false
	}
	return &XMLFragment{children{list{v.typ}}}, true
}

// XMLElement returns the XMLElement that v refers to. ok is false if v is not an
// XMLElement of a document.
func (v Value) XMLElement() (t *XMLElement, ok bool) {
	if !v.holds(KindXMLElement) {
		return nil, false
	}
	return &XMLElement{children{list{v.typ}}, attributes{v.typ}}, true
}

// XMLText returns the XMLText that v refers to. ok is false if v is not an XMLText of a
// document.
func (v Value) XMLText() (t *XMLText, ok bool) {
	if !v.holds(KindXMLText) {
		return nil, false
	}
	return &XMLText{text{v.typ}}, true
}

// XMLHook returns the XMLHook that v refers to. ok is false if v is not an XMLHook of a
// document.
func (v Value) XMLHook() (t *XMLHook, ok bool) {
	if !v.holds(KindXMLHook) {
		return nil, false
	}
	return &XMLHook{v.typ}, true
}

// toValidUTF8 replaces each unpaired surrogate, which is encoded as three bytes, by
// U+FFFD.
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
