// Package weakbytes implements weak pointers to byte slices.
package weakbytes

import (
	"unsafe"
	"weak"
)

// Pointer is a weak pointer to bytes: it doesn't keep them in memory. The zero value
// points to none.
type Pointer struct {
	first weak.Pointer[byte]
	n     int
}

// Make returns a Pointer to b, which must be on the heap and must not change
// afterwards. If b is empty, Make returns the zero value.
func Make(b []byte) Pointer {
	if len(b) == 0 {
		return Pointer{}
	}
	return Pointer{weak.Make(&b[0]), len(b)}
}

// Value returns the bytes, or nil once they have been garbage-collected.
func (p Pointer) Value() []byte {
	first := p.first.Value()
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, p.n) //nolint:gosec // they are of one allocation, which first keeps
}
