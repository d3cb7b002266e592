package lib0

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Reader reads primitives one after another. After the first error, all reads return
// zero values and Err returns the error, so that a caller can read a whole record and
// check once.
//
// The byte slices that a Reader returns alias its input.
type Reader struct {
	buf      []byte
	off      int
	err      error
	checked  bool
	lossless bool
	overlong bool
}

// NewReader returns a Reader of b, which it borrows.
func NewReader(b []byte) Reader { return Reader{buf: b} }

// RefuseLossyJSON lets JSON and CheckJSON fail for JSON that changes when JavaScript
// reads it and writes it again.
func (r *Reader) RefuseLossyJSON() { r.lossless = true }

// Reread returns a Reader of b, which it borrows. b must have been read without an
// error before: the Reader doesn't check UTF-8 and JSON again.
func Reread(b []byte) Reader { return Reader{buf: b, checked: true} }

// Err returns the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Canonical reports whether no integer that Uint has read was longer than necessary.
func (r *Reader) Canonical() bool { return !r.overlong }

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.off }

// Len returns how many bytes are left, which is 0 after an error.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Rest returns the bytes that have not been read.
func (r *Reader) Rest() []byte { return r.buf[r.off:] }

// Skip skips n bytes. At least n must be left.
func (r *Reader) Skip(n int) { r.off += n }

// Since returns the bytes that have been read since the given Offset.
func (r *Reader) Since(off int) []byte { return r.buf[off:r.off:r.off] }

// Fail records err, unless there is an error already, and drops the rest of the input.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = r.buf[:r.off]
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.off >= len(r.buf) {
		r.Fail(ErrTruncated)
		return 0
	}
	b := r.buf[r.off]
	r.off++
	return b
}

// Uint reads a varUint of at most 53 bits. Each length has a branch of its own, which
// the processor predicts, since most integers of an update have one or two bytes. So
// it can read the next integer before it knows where this one ends.
func (r *Reader) Uint() uint64 {
	b := r.buf[r.off:]
	if len(b) == 0 {
		return r.longUint()
	}
	v, n := uint64(b[0]), 1
	if v >= 1<<7 {
		if len(b) < 5 {
			return r.longUint()
		}
		v = v&(1<<7-1) | uint64(b[1])<<7
		n = 2
		if v >= 1<<14 {
			v = v&(1<<14-1) | uint64(b[2])<<14
			n = 3
			if v >= 1<<21 {
				v = v&(1<<21-1) | uint64(b[3])<<21
				n = 4
				if v >= 1<<28 {
					v = v&(1<<28-1) | uint64(b[4])<<28
					n = 5
					if v >= 1<<35 {
						return r.longUint()
					}
				}
			}
		}
		if b[n-1] == 0 {
			r.overlong = true
		}
	}
	r.off += n
	return v
}

// longUint reads a varUint of any length.
func (r *Reader) longUint() uint64 {
	var v uint64
	for i, b := range r.buf[r.off:] {
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 && v <= MaxInt {
			r.off += i + 1
			r.overlong = r.overlong || b == 0 && i > 0
			return v
		}
		if b < 0x80 || i == 7 {
			r.Fail(ErrRange)
			return 0
		}
	}
	r.Fail(ErrTruncated)
	return 0
}

// Int reads a varInt: at most 53 bits and a sign. It can be -0.
func (r *Reader) Int() (v uint64, negative bool) { return r.int(MaxInt) }

// int reads a varInt of at most the given size, which is at least MaxInt. The lengths of
// differences are hard to predict, so up to five bytes are read without a branch for each.
func (r *Reader) int(most uint64) (v uint64, negative bool) {
	b := r.buf[r.off:]
	if len(b) < 8 {
		return r.longInt(most)
	}
	x := binary.LittleEndian.Uint64(b)
	last := ^x & 0x8080808080808080 // the high bits of the bytes that can end the integer
	last &= -last                   // of the first of them
	if last-1 >= 1<<39 {            // it has more than five bytes
		return r.longInt(most)
	}
	x &= last - 1
	r.off += bits.Len64(last) / 8
	return x&0x3f | x>>2&(0x7f<<6) | x>>3&(0x7f<<13) | x>>4&(0x7f<<20) | x>>5&(0x7f<<27), x&0x40 != 0
}

// longInt reads a varInt of any length.
func (r *Reader) longInt(most uint64) (v uint64, negative bool) {
	b := r.Byte()
	v, negative = uint64(b&0x3f), b&0x40 != 0
	for shift := 6; b >= 0x80; shift += 7 {
		if shift > 48 {
			r.Fail(ErrRange)
			return 0, false
		}
		b = r.Byte()
		v |= uint64(b&0x7f) << shift
	}
	if v > most {
		r.Fail(ErrRange)
		return 0, false
	}
	return v, negative
}

// Bytes reads a length and that many bytes, which alias the input.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if n > uint64(len(r.buf)-r.off) {
		r.Fail(ErrTruncated)
		return nil
	}
	return r.Take(int(n))
}

// Take reads n bytes, which alias the input.
func (r *Reader) Take(n int) []byte {
	if n > len(r.buf)-r.off {
		r.Fail(ErrTruncated)
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Text reads a string and returns its UTF-8 bytes, which alias the input.
func (r *Reader) Text() []byte {
	b := r.Bytes()
	if !r.checked && !utf8.Valid(b) {
		r.Fail(ErrUTF8)
		return nil
	}
	return b
}

// JSON reads a string that holds one JSON value.
func (r *Reader) JSON() []byte {
	b := r.Text()
	r.CheckJSON(b)
	return b
}

// CheckJSON fails if b, which was read, isn't one JSON value, or if RefuseLossyJSON was
// called and JavaScript can't read and write it without loss. A Reader from Reread
// doesn't check it.
func (r *Reader) CheckJSON(b []byte) {
	if r.checked {
		return
	}
	if err := CheckJSON(b); err != nil {
		r.Fail(err)
	} else if r.lossless && !survivesJSON(b) {
		r.Fail(ErrLossyJSON)
	}
}
