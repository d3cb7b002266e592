package djangolayer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A reader of msgpack of its own, because those of libraries recurse into nested values without
// a bound, and a Go program doesn't survive the overflow of a stack.

var (
	errShort = errors.New("msgpack ends too early")
	errDeep  = errors.New("msgpack is nested too deeply")
	errUTF8  = errors.New("a msgpack string is not valid UTF-8")
	errByte  = errors.New("msgpack has a byte 0xc1, which stands for nothing")
)

// maxDepth is how deeply a value may be nested, as many levels as msgpack of Python reads.
const maxDepth = 512

// reader reads msgpack. After an error, all reads return zero values.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

// take returns the next n bytes, aliased, or nil after an error.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// number returns the next n bytes as a number.
func (r *reader) number(n int) uint64 {
	var b [8]byte
	copy(b[8-n:], r.take(uint64(n)))
	return binary.BigEndian.Uint64(b[:])
}

// kind is the kind of a msgpack value.
type kind uint8

const (
	kindOther  kind = iota // a number or an extension
	kindNil                // size is 0
	kindBool               // size is 0 or 1
	kindString             // size is the number of bytes that follow
	kindBytes              // as above
	kindArray              // size is the number of values that follow
	kindMap                // size is the number of keys and values that follow, each counted
)

func (k kind) String() string {
	return [...]string{"a number", "nil", "a boolean", "a string", "bytes", "an array", "a map"}[k]
}

// head reads the head of a value. Of a value of kindOther, it reads everything.
func (r *reader) head() (k kind, size uint64) {
	first := r.take(1)
	if first == nil {
		return kindOther, 0
	}
	switch c := first[0]; {
	case c < 0x80, c >= 0xe0: // small integers
		return kindOther, 0
	case c < 0x90:
		return kindMap, 2 * uint64(c&0x0f)
	case c < 0xa0:
		return kindArray, uint64(c & 0x0f)
	case c < 0xc0:
		return kindString, uint64(c & 0x1f)
	default:
		return r.longHead(c)
	}
}

// longHead reads the rest of the head of a value whose first byte is c.
func (r *reader) longHead(c byte) (k kind, size uint64) {
	switch c {
	case 0xc0:
		return kindNil, 0
	case 0xc1:
		r.fail(errByte)
	case 0xc2, 0xc3:
		return kindBool, uint64(c & 1)
	case 0xc4, 0xc5, 0xc6:
		return kindBytes, r.number(1 << (c - 0xc4))
	case 0xc7, 0xc8, 0xc9: // an extension: its length, its type, its bytes
		r.take(r.number(1<<(c-0xc7)) + 1)
	case 0xca, 0xcb: // floats
		r.take(4 << (c - 0xca))
	case 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3: // integers
		r.take(1 << (c & 3))
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // short extensions: their type, their bytes
		r.take(1<<(c-0xd4) + 1)
	case 0xd9, 0xda, 0xdb:
		return kindString, r.number(1 << (c - 0xd9))
	case 0xdc, 0xdd:
		return kindArray, r.number(2 << (c - 0xdc))
	case 0xde, 0xdf:
		return kindMap, 2 * r.number(2<<(c-0xde))
	}
	return kindOther, 0
}

// expect reads the head of a value of kind k, and returns its size.
func (r *reader) expect(k kind, what string) uint64 {
	got, size := r.head()
	if r.err == nil && got != k {
		r.fail(fmt.Errorf("%s is %v, not %v", what, got, k))
	}
	if r.err != nil {
		return 0
	}
	return size
}

// text reads a string.
func (r *reader) text(what string) string {
	b := r.take(r.expect(kindString, what))
	if !utf8.Valid(b) {
		r.fail(errUTF8)
		return ""
	}
	return string(b)
}

// bytes reads bytes, which are aliased.
func (r *reader) bytes(what string) []byte { return r.take(r.expect(kindBytes, what)) }

// bool reads a boolean.
func (r *reader) bool(what string) bool { return r.expect(kindBool, what) == 1 }

// skip reads a value and drops it.
func (r *reader) skip() {
	open := make([]uint64, 1, 8) // how many values are left at each level
	open[0] = 1
	for len(open) > 0 && r.err == nil {
		last := len(open) - 1
		if open[last] == 0 {
			open = open[:last]
			continue
		}
		open[last]--
		switch k, size := r.head(); k {
		case kindString, kindBytes:
			r.take(size)
		case kindArray, kindMap:
			if size > uint64(len(r.rest)) { // each value has a byte at least
				r.fail(errShort)
			}
			if len(open) > maxDepth {
				r.fail(errDeep)
			}
			open = append(open, size)
		case kindOther, kindNil, kindBool:
		}
	}
}
