package lib0

import "math/bits"

// AppendUint appends v as a varUint.
func AppendUint(dst []byte, v uint64) []byte {
	if v < 1<<7 {
		return append(dst, byte(v))
	}
	return appendLongUint(dst, v)
}

// appendLongUint is AppendUint for two bytes or more. It appends up to four at once.
func appendLongUint(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<14:
		return append(dst, byte(v)|0x80, byte(v>>7))
	case v < 1<<21:
		return append(dst, byte(v)|0x80, byte(v>>7)|0x80, byte(v>>14))
	case v < 1<<28:
		return append(dst, byte(v)|0x80, byte(v>>7)|0x80, byte(v>>14)|0x80, byte(v>>21))
	}
	dst = append(dst, byte(v)|0x80, byte(v>>7)|0x80, byte(v>>14)|0x80, byte(v>>21)|0x80)
	return AppendUint(dst, v>>28)
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
