package lib0

import (
	"encoding/binary"
	"unicode/utf8"
)

// UTF16Len counts the UTF-16 units of valid UTF-8 text.
func UTF16Len(text []byte) uint64 {
	n := uint64(len(text))
	for len(text) >= 8 && binary.LittleEndian.Uint64(text)&notASCII == 0 {
		text = text[8:]
	}
	for _, c := range text {
		if c&0xc0 == 0x80 { // in a rune of 2, 3 or 4 bytes: 1, 2 or 3 of these for 1, 1 or 2 units
			n--
		} else if c >= 0xf0 {
			n++
		}
	}
	return n
}

// notASCII is the bits that eight bytes of ASCII don't have.
const notASCII = 0x8080808080808080

// Text16 reads a string like Text and counts its UTF-16 units, which is how Yjs
// measures text.
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

// IsASCII tells whether the first n bytes of b are ASCII. It is quicker where b has
// eight bytes more.
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
