package lib0

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// AppendJSON reads one "any" value and appends to dst the text that
// JavaScript's JSON.stringify makes of it, with its length in bytes in front.
// Where JSON.stringify makes none, because of a BigInt or as the value is
// undefined, the error is ErrNoJSON.
func (r *Reader) AppendJSON(dst []byte) []byte {
	mark := len(dst)
	w := jsonWriter{dst: append(dst, 0)}
	if r.off < len(r.buf) && r.buf[r.off] == anyUndefined {
		r.Fail(ErrNoJSON)
	}
	w.value(r, MaxDepth)
	return sealLength(w.dst, mark)
}

// sealLength puts the length of what is behind the byte at mark in its place.
func sealLength(b []byte, mark int) []byte {
	n := uint64(len(b) - mark - 1)
	for more := UintLen(n) - 1; more > 0; more-- {
		b = slices.Insert(b, mark, 0)
	}
	AppendUint(b[mark:mark], n)
	return b
}

type jsonWriter struct {
	dst  []byte
	keys [][]byte // of the objects that are open
}

func (w *jsonWriter) value(r *Reader, depth int) {
	t := r.Byte()
	if depth == 0 && (t == anyArray || t == anyObject) {
		r.Fail(ErrDepth)
		return
	}
	switch t {
	case anyUndefined, anyNull:
		w.dst = append(w.dst, "null"...)
	case anyFalse:
		w.dst = append(w.dst, "false"...)
	case anyTrue:
		w.dst = append(w.dst, "true"...)
	case anyInteger:
		v, negative := r.Int()
		if negative && v > 0 {
			w.dst = append(w.dst, '-')
		}
		w.dst = strconv.AppendUint(w.dst, v, 10)
	case anyFloat32:
		if b := r.take(4); b != nil {
			w.number(float64(math.Float32frombits(binary.BigEndian.Uint32(b))))
		}
	case anyFloat64:
		if b := r.take(8); b != nil {
			w.number(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case anyBigInt:
		r.Fail(ErrNoJSON)
	case anyString:
		w.string(r.Text())
	case anyBytes:
		w.bytes(r.Bytes())
	case anyArray:
		w.array(r, depth-1)
	case anyObject:
		w.object(r, depth-1)
	default:
		r.Fail(ErrAny)
	}
}

func (w *jsonWriter) array(r *Reader, depth int) {
	w.dst = append(w.dst, '[')
	n := r.Uint()
	for i := uint64(0); i < n && r.err == nil; i++ {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.value(r, depth)
	}
	w.dst = append(w.dst, ']')
}

// object writes the members in the order of the input. Of two with one name the
// second counts, in JSON as in "any", so both may stay; but not where the second
// is undefined, which is written as nothing.
func (w *jsonWriter) object(r *Reader, depth int) {
	w.dst = append(w.dst, '{')
	first, gone := len(w.keys), false
	separate := false
	for n := r.Uint(); n > 0 && r.err == nil; n-- {
		key := r.key()
		w.keys = append(w.keys, key)
		mark := len(w.dst)
		if separate {
			w.dst = append(w.dst, ',')
		}
		w.string(key)
		w.dst = append(w.dst, ':')
		undefined := r.off < len(r.buf) && r.buf[r.off] == anyUndefined
		w.value(r, depth)
		// A reader of "any" takes this key for the prototype, which isn't written.
		if undefined || string(key) == "__proto__" {
			w.dst, gone = w.dst[:mark], gone || undefined
			continue
		}
		separate = true
	}
	if gone && repeats(w.keys[first:]) {
		r.Fail(ErrNoJSON)
	}
	w.keys = w.keys[:first]
	w.dst = append(w.dst, '}')
}

func repeats(keys [][]byte) bool {
	slices.SortFunc(keys, slices.Compare)
	return len(slices.CompactFunc(keys, slices.Equal)) < len(keys)
}

// bytes writes a Uint8Array: an object with the indexes as keys.
func (w *jsonWriter) bytes(b []byte) {
	w.dst = append(w.dst, '{')
	for i, c := range b {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = strconv.AppendInt(append(w.dst, '"'), int64(i), 10)
		w.dst = strconv.AppendUint(append(w.dst, '"', ':'), uint64(c), 10)
	}
	w.dst = append(w.dst, '}')
}

// number writes f as ECMAScript prints it.
func (w *jsonWriter) number(f float64) {
	switch size := math.Abs(f); {
	case math.IsNaN(f), math.IsInf(f, 0):
		w.dst = append(w.dst, "null"...)
	case f == 0:
		w.dst = append(w.dst, '0') // -0 too
	case size >= 1e-6 && size < 1e21:
		w.dst = strconv.AppendFloat(w.dst, f, 'f', -1, 64)
	default:
		w.dst = strconv.AppendFloat(w.dst, f, 'e', -1, 64)
		// Go writes at least two digits of an exponent.
		if n := len(w.dst); w.dst[n-2] == '0' && w.dst[n-3] == '-' {
			w.dst = append(w.dst[:n-2], w.dst[n-1])
		}
	}
}

// string writes UTF-8 with the escapes that JSON.stringify uses.
func (w *jsonWriter) string(s []byte) {
	const hex = "0123456789abcdef"
	w.dst = append(w.dst, '"')
	dst := w.dst
	done := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, s[done:i]...), '\\')
		done = i + 1
		switch c {
		case '\b':
			c = 'b'
		case '\f':
			c = 'f'
		case '\n':
			c = 'n'
		case '\r':
			c = 'r'
		case '\t':
			c = 't'
		case '"', '\\':
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4])
			c = hex[c&0xf]
		}
		dst = append(dst, c)
	}
	w.dst = append(append(dst, s[done:]...), '"')
}
