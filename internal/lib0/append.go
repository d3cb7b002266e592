package lib0

import "math/bits"

// AppendUint appends v as a varUint.
func AppendUint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendInt appends a varInt: v, or -v if negative is true. A varInt can be -0.
func AppendInt(dst []byte, v uint64, negative bool) []byte {
	first := byte(v & 0x3f)
	if negative {
		first |= 0x40
	}
	if v >>= 6; v == 0 {
		return append(dst, first)
	}
	return AppendUint(append(dst, first|0x80), v)
}

// UintLen returns how many bytes AppendUint appends for v: one for each seven bits, and
// one for 0.
func UintLen(v uint64) int { return (9*bits.Len64(v) + 64) / 64 }

// AppendBytes appends the length of b, and b.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendUint(dst, uint64(len(b))), b...)
}

// AppendString appends the length of s in bytes, and s, which must be UTF-8.
func AppendString(dst []byte, s string) []byte {
	return append(AppendUint(dst, uint64(len(s))), s...)
}
