// Package weakbytes remembers bytes without keeping them.
package weakbytes

import (
	"unsafe"
	"weak"
)

// Pointer leads to bytes for as long as somebody else holds them. The zero
// value leads to none.
type Pointer struct {
	first weak.Pointer[byte]
	n     int
}

// Make returns a Pointer to b, which must be on the heap and not be changed
// any more. It leads to none where b is empty.
func Make(b []byte) Pointer {
	if len(b) == 0 {
		return Pointer{}
	}
	return Pointer{weak.Make(&b[0]), len(b)}
}

// Value gives the bytes; nil once nobody holds them.
func (p Pointer) Value() []byte {
	first := p.first.Value()
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, p.n) //nolint:gosec // they are of one allocation, which first keeps
}
