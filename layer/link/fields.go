package link

import "encoding/binary"

// Everything that crosses a bus is a sequence of fields: a number, then an unsigned
// integer or bytes. A reader skips fields that it doesn't know, so that a newer version
// can add some. A field that is missing is zero. A field's first varint is twice its
// number, plus one if bytes follow.

// appendUint appends an integer, unless it is 0.
func appendUint(b []byte, field, v uint64) []byte {
	if v == 0 {
		return b
	}
	return appendUintAlways(b, field, v)
}

func appendUintAlways(b []byte, field, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, field<<1), v)
}

func appendBool(b []byte, field uint64, v bool) []byte {
	if !v {
		return b
	}
	return appendUint(b, field, 1)
}

// appendBytes appends bytes, unless they are nil.
func appendBytes(b []byte, field uint64, v []byte) []byte {
	if v == nil {
		return b
	}
	return append(appendLength(b, field, len(v)), v...)
}

// appendString appends a string, unless it is empty.
func appendString(b []byte, field uint64, v string) []byte {
	if v == "" {
		return b
	}
	return append(appendLength(b, field, len(v)), v...)
}

// appendLength begins a field of n bytes, which the caller appends.
func appendLength(b []byte, field uint64, n int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, field<<1|1), uint64(n))
}

// fields reads a sequence of fields.
type fields struct {
	b   []byte
	bad bool // the rest is malformed
}

// field is a field that was read. Its bytes are part of what is read.
type field struct {
	number uint64
	value  uint64 // of an integer
	bytes  []byte // not nil for a field of bytes
}

// next reads a field. It reports false at the end, and when the rest is malformed.
func (f *fields) next() (next field, ok bool) {
	if len(f.b) == 0 {
		return field{}, false
	}
	tag, value := f.uvarint(), f.uvarint()
	if f.bad || tag&1 != 0 && value > uint64(len(f.b)) {
		f.bad = true
		return field{}, false
	}
	next.number = tag >> 1
	if tag&1 == 0 {
		next.value = value
		return next, true
	}
	next.bytes, f.b = f.b[:value:value], f.b[value:]
	return next, true
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}
