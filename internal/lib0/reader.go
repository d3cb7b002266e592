package lib0

import "unicode/utf8"

// Reader reads primitives one after another. After the first error all reads
// give zero values and Err tells the error, so that a caller can read a whole
// record and check once.
//
// Byte slices that a Reader gives out alias its input.
type Reader struct {
	buf      []byte
	off      int
	err      error
	checked  bool
	overlong bool
}

// NewReader reads from b, which it borrows.
func NewReader(b []byte) Reader { return Reader{buf: b} }

// Reread reads from b, which it borrows and which was read without an error
// before: whether strings are UTF-8 and JSON isn't looked at again.
func Reread(b []byte) Reader { return Reader{buf: b, checked: true} }

// Err is the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Canonical tells whether all integers that Uint read so far were written in as
// few bytes as they can be, as writers do.
func (r *Reader) Canonical() bool { return !r.overlong }

// Offset is how many bytes have been read.
func (r *Reader) Offset() int { return r.off }

// Len is how many bytes are left; 0 after an error.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Rest gives all bytes that have not been read.
func (r *Reader) Rest() []byte { return r.buf[r.off:] }

// Skip goes on by n bytes, which there are.
func (r *Reader) Skip(n int) { r.off += n }

// Since gives the bytes read since the given Offset.
func (r *Reader) Since(off int) []byte { return r.buf[off:r.off:r.off] }

// Fail records err, unless there is an error already, and ends the input.
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

// Uint reads a varUint of at most 53 bits. Each width has its own branch, which
// the processor guesses, as most numbers of an update are of one or two widths:
// so it need not wait for one number to know where the next one begins.
func (r *Reader) Uint() uint64 {
	b := r.buf[r.off:]
	if len(b) < 5 {
		return r.longUint()
	}
	v, n := uint64(b[0]), 1
	if v >= 1<<7 {
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

// Int reads a varInt of at most 53 bits and a sign. There is a -0.
func (r *Reader) Int() (v uint64, negative bool) { return r.int(MaxInt) }

func (r *Reader) int(most uint64) (v uint64, negative bool) {
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

// Text reads a string as its UTF-8 bytes, which alias the input.
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

// CheckJSON fails if b, which was read, isn't one JSON value. A Reader that Reread
// made takes that on trust.
func (r *Reader) CheckJSON(b []byte) {
	if r.checked {
		return
	}
	if err := CheckJSON(b); err != nil {
		r.Fail(err)
	}
}
