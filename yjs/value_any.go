package yjs

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// protoKey is a key that no plain object has: in JavaScript, assigning to it sets the
// prototype instead of a property.
const protoKey = "__proto__"

// notEncodable says why encodable reports false.
const notEncodable = "a plain value contains a shared type, a subdocument or the key " + protoKey + ", or is nested too deeply"

// readAny reads an "any" value of lib0. The value must be valid.
func readAny(r *lib0.Reader) Value {
	switch t := r.Byte(); t {
	case lib0.AnyNull:
		return NullValue()
	case lib0.AnyTrue, lib0.AnyFalse:
		return BoolValue(t == lib0.AnyTrue)
	case lib0.AnyInteger:
		v, negative := r.Int()
		f := float64(v)
		if negative {
			f = -f
		}
		return NumberValue(f)
	case lib0.AnyFloat32:
		return NumberValue(float64(math.Float32frombits(binary.BigEndian.Uint32(r.Take(4)))))
	case lib0.AnyFloat64:
		return NumberValue(math.Float64frombits(binary.BigEndian.Uint64(r.Take(8))))
	case lib0.AnyBigInt:
		return BigIntValue(int64(binary.BigEndian.Uint64(r.Take(8))))
	case lib0.AnyString:
		return Value{kind: ValueKindString, str: string(r.Text())}
	case lib0.AnyBytes:
		return Value{kind: ValueKindBytes, str: string(r.Bytes())}
	case lib0.AnyArray:
		n := r.Uint()
		list := slices.Grow([]Value(nil), int(min(n, uint64(r.Len()))))
		for ; n > 0 && r.Err() == nil; n-- {
			list = append(list, readAny(r))
		}
		return Value{kind: ValueKindList, list: list}
	case lib0.AnyObject:
		return Value{kind: ValueKindObject, object: readAnyObject(r)}
	}
	return Value{}
}

// readAnyObject reads the members of an object. A member with the key __proto__ is
// dropped, because JavaScript does not create a property for it.
func readAnyObject(r *lib0.Reader) Object {
	var members Object
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		key := string(r.Text())
		if value := readAny(r); key != protoKey {
			members = append(members, Member{key, value})
		}
	}
	return orderMembers(members)
}

// appendAny appends a value in the "any" encoding of lib0. v must be encodable.
func appendAny(dst []byte, v Value) []byte {
	switch v.kind {
	case ValueKindNull:
		return append(dst, lib0.AnyNull)
	case ValueKindBool:
		return append(dst, lib0.AnyFalse-byte(v.num))
	case ValueKindNumber:
		return lib0.AppendAnyNumber(dst, math.Float64frombits(v.num))
	case ValueKindBigInt:
		return binary.BigEndian.AppendUint64(append(dst, lib0.AnyBigInt), v.num)
	case ValueKindString:
		return lib0.AppendString(append(dst, lib0.AnyString), toValidUTF8(v.str))
	case ValueKindBytes:
		return lib0.AppendString(append(dst, lib0.AnyBytes), v.str)
	case ValueKindList:
		dst = lib0.AppendUint(append(dst, lib0.AnyArray), uint64(len(v.list)))
		for _, x := range v.list {
			dst = appendAny(dst, x)
		}
		return dst
	case ValueKindObject:
		return appendAnyObject(dst, v.object)
	}
	return append(dst, lib0.AnyUndefined)
}

// appendAnyObject appends an object in the "any" encoding.
func appendAnyObject(dst []byte, o Object) []byte {
	dst = lib0.AppendUint(append(dst, lib0.AnyObject), uint64(len(o)))
	for _, m := range o {
		dst = appendAny(lib0.AppendString(dst, toValidUTF8(m.Key)), m.Value)
	}
	return dst
}

// encodable reports whether a value has an "any" encoding that yjs reads: it contains
// no shared types, no subdocuments and no keys __proto__, and is nested at most depth
// levels deep.
func encodable(v Value, depth int) bool {
	if v.kind >= ValueKindType || depth == 0 && v.kind >= ValueKindList {
		return false
	}
	for _, x := range v.list {
		if !encodable(x, depth-1) {
			return false
		}
	}
	for _, m := range v.object {
		if !encodable(m.Value, depth-1) || m.Key == protoKey {
			return false
		}
	}
	return true
}
