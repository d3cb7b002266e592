package lib0

import (
	"encoding/binary"
	"math"
)

// The types of "any" values, which are their first bytes.
const (
	AnyBytes     = 116
	AnyArray     = 117
	AnyObject    = 118
	AnyString    = 119
	AnyTrue      = 120
	AnyFalse     = 121
	AnyBigInt    = 122
	AnyFloat64   = 123
	AnyFloat32   = 124
	AnyInteger   = 125
	AnyNull      = 126
	AnyUndefined = 127
)

// Any reads and checks one "any" value and returns its bytes, which alias the input.
func (r *Reader) Any() []byte {
	off := r.off
	r.skipAny(MaxDepth)
	return r.buf[off:r.off:r.off]
}

// AnyObject reads one "any" value as Any does. If it is an object, AnyObject calls
// each with its keys and values. The bytes alias the input.
func (r *Reader) AnyObject(each func(key, value []byte)) (value []byte) {
	off := r.off
	if r.off >= len(r.buf) || r.buf[r.off] != AnyObject {
		return r.Any()
	}
	r.off++
	for n := r.Uint(); n > 0 && r.err == nil; n-- {
		key, at := r.key(), r.off
		if r.skipAny(MaxDepth - 1); r.err == nil {
			each(key, r.buf[at:r.off:r.off])
		}
	}
	return r.buf[off:r.off:r.off]
}

// IsNullish reports whether value, the bytes of an "any" value, is null or undefined.
func IsNullish(value []byte) bool { return len(value) > 0 && value[0] >= AnyNull }

// IsString reports whether value, the bytes of an "any" value, is a string.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == AnyString }

// skipAny reads and checks a value in which arrays and objects are nested at most
// depth deep.
func (r *Reader) skipAny(depth int) {
	t := r.Byte()
	if depth == 0 && (t == AnyArray || t == AnyObject) {
		r.Fail(ErrDepth)
		return
	}
	switch t {
	case AnyUndefined, AnyNull, AnyFalse, AnyTrue:
	case AnyInteger:
		r.Int()
	case AnyFloat32:
		r.Take(4)
	case AnyFloat64, AnyBigInt:
		r.Take(8)
	case AnyString:
		r.Text()
	case AnyBytes:
		r.Bytes()
	case AnyArray:
		for n := r.Uint(); n > 0 && r.err == nil; n-- {
			r.skipAny(depth - 1)
		}
	case AnyObject:
		for n := r.Uint(); n > 0 && r.err == nil; n-- {
			r.key()
			r.skipAny(depth - 1)
		}
	default:
		r.Fail(ErrAny)
	}
}

// key reads the key of an object's member, whose value is next. lib0 makes the value
// of __proto__ the object's prototype. If that value is bytes, lib0 then treats the
// object as bytes, too, and throws when it writes the object.
func (r *Reader) key() []byte {
	key := r.Text()
	if string(key) == "__proto__" && r.off < len(r.buf) && r.buf[r.off] == AnyBytes {
		r.Fail(ErrPrototype)
	}
	return key
}

// AppendAnyNumber appends f as an "any" value of the type that lib0 chooses for it.
func AppendAnyNumber(dst []byte, f float64) []byte {
	if size := math.Abs(f); size <= math.MaxInt32 && size == math.Trunc(size) {
		return AppendInt(append(dst, AnyInteger), uint64(size), math.Signbit(f))
	}
	if single := float32(f); float64(single) == f {
		return binary.BigEndian.AppendUint32(append(dst, AnyFloat32), math.Float32bits(single))
	}
	return binary.BigEndian.AppendUint64(append(dst, AnyFloat64), math.Float64bits(f))
}
