package lib0

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// UTF16Len returns the length of valid UTF-8 text in UTF-16 units.
func UTF16Len(text []byte) uint64 {
	n := uint64(0)
	for ; len(text) >= 8; text = text[8:] {
		n += unitsIn(binary.LittleEndian.Uint64(text))
	}
	for _, c := range text {
		if c&0xc0 != 0x80 {
			n++
		}
		if c >= 0xf0 {
			n++
		}
	}
	return n
}

// notASCII is the bits that are 0 in eight bytes of ASCII.
const notASCII = 0x8080808080808080

// Text16 reads a string as Text does, and returns its length in UTF-16 units, too.
func (r *Reader) Text16() (text []byte, units uint64) {
	b := r.Bytes()
	if IsASCII(r.buf[r.off-len(b):], len(b)) {
		return b, uint64(len(b))
	}
	if !r.checked && !utf8.Valid(b) {
		r.Fail(ErrUTF8)
		return nil, 0
	}
	return b, UTF16Len(b)
}

// IsASCII reports whether the first n bytes of b are ASCII. It is faster if b has
// eight bytes more than that.
func IsASCII(b []byte, n int) bool {
	for ; n > 8 && len(b) >= 16; b, n = b[8:], n-8 {
		if binary.LittleEndian.Uint64(b)&notASCII != 0 {
			return false
		}
	}
	if n <= 8 && len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)<<(64-8*n)&notASCII == 0
	}
	for _, c := range b[:n] {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// UTF16Offset returns the offset in text of UTF-16 unit n. text must be valid UTF-8 of
// the given number of units, and n at most that number. If unit n is the second half
// of a surrogate pair, UTF16Offset returns the offset of the pair, and reports true.
func UTF16Offset(text []byte, n, units uint64) (off int, inPair bool) {
	if units == uint64(len(text)) { // ASCII
		return int(n), false
	}
	off, inPair, _ = unitsLen(text, n)
	return off, inPair
}

// SplitUTF16 splits text before UTF-16 unit n, where text and units are as for
// UTF16Offset. If that splits a surrogate pair, each half becomes U+FFFD, as in yjs
// (ContentString.splice). Otherwise left and right alias text.
//
// If owned is true, the caller passes on the ownership of text, and SplitUTF16 may
// change it. rightOwned reports whether the caller owns right. So a text whose pairs
// are split one after another is copied only once.
func SplitUTF16(text []byte, n, units uint64, owned bool) (left, right []byte, rightOwned bool) {
	off, inPair := UTF16Offset(text, n, units)
	if !inPair {
		return text[:off:off], text[off:], owned
	}
	left = append(append(make([]byte, 0, off+len(replacement)), text[:off]...), replacement...)
	right = text[off+1:] // the pair has 4 bytes, U+FFFD has 3
	if !owned {
		right = bytes.Clone(right)
	}
	copy(right, replacement)
	return left, right, true
}

const replacement = string(utf8.RuneError)

// unitsLen returns the length in bytes of the first n UTF-16 units of text, which
// is valid UTF-8. If unit n-1 is the first half of a surrogate pair, size is
// without it and half is true. ok is false if text is shorter than n units.
func unitsLen(text []byte, n uint64) (size int, half, ok bool) {
	for n > 8 && len(text)-size >= 8 {
		n -= unitsIn(binary.LittleEndian.Uint64(text[size:]))
		size += 8
	}
	for size > 0 && size < len(text) && text[size]&0xc0 == 0x80 {
		size++ // a code point of which the first byte was counted
	}
	for n > 0 {
		if size >= len(text) {
			return 0, false, false
		}
		switch c := text[size]; {
		case c < utf8.RuneSelf:
			size++
		case c < 0xe0:
			size += 2
		case c < 0xf0:
			size += 3
		case n == 1:
			return size, true, true
		default:
			size += 4
			n--
		}
		n--
	}
	return size, false, true
}

// unitsIn returns the number of UTF-16 units of eight bytes of UTF-8. Each code point
// counts where its first byte is.
func unitsIn(word uint64) uint64 {
	if word&notASCII == 0 {
		return 8
	}
	const each = 0x0101010101010101
	following := word >> 7 &^ (word >> 6) & each                        // bytes 10xxxxxx
	fours := word >> 7 & (word >> 6) & (word >> 5) & (word >> 4) & each // bytes 1111xxxx
	return 8 + uint64(bits.OnesCount64(fours)) - uint64(bits.OnesCount64(following))
}

// AppendUnit appends a UTF-16 unit as UTF-8. A unit that is half a surrogate pair
// takes three bytes, as if it were a code point.
func AppendUnit(dst []byte, unit rune) []byte {
	if unit >= 0xd800 && unit < 0xe000 {
		return append(dst, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
	}
	return utf8.AppendRune(dst, unit)
}
