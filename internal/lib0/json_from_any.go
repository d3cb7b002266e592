package lib0

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// AppendJSON reads one "any" value and appends what JavaScript's JSON.stringify
// returns for it, with its length in bytes before it. If JSON.stringify throws,
// because of a BigInt, or returns undefined, the error is ErrNoJSON.
func (r *Reader) AppendJSON(dst []byte) []byte {
	mark := len(dst)
	w := jsonWriter{dst: append(dst, 0)}
	if r.off < len(r.buf) && r.buf[r.off] == AnyUndefined {
		r.Fail(ErrNoJSON)
	}
	w.value(r, MaxDepth)
	return prefixLength(w.dst, mark)
}

// prefixLength replaces the byte at mark with the length of what follows it.
func prefixLength(b []byte, mark int) []byte {
	n := uint64(len(b) - mark - 1)
	for more := UintLen(n) - 1; more > 0; more-- {
		b = slices.Insert(b, mark, 0)
	}
	AppendUint(b[mark:mark], n)
	return b
}

type jsonWriter struct {
	dst  []byte
	keys [][]byte // of the objects that have not ended
}

func (w *jsonWriter) value(r *Reader, depth int) {
	t := r.Byte()
	if depth == 0 && (t == AnyArray || t == AnyObject) {
		r.Fail(ErrDepth)
		return
	}
	switch t {
	case AnyUndefined, AnyNull:
		w.dst = append(w.dst, "null"...)
	case AnyFalse:
		w.dst = append(w.dst, "false"...)
	case AnyTrue:
		w.dst = append(w.dst, "true"...)
	case AnyInteger:
		v, negative := r.Int()
		if negative && v > 0 {
			w.dst = append(w.dst, '-')
		}
		w.dst = strconv.AppendUint(w.dst, v, 10)
	case AnyFloat32:
		if b := r.Take(4); b != nil {
			w.dst = AppendJSONNumber(w.dst, float64(math.Float32frombits(binary.BigEndian.Uint32(b))))
		}
	case AnyFloat64:
		if b := r.Take(8); b != nil {
			w.dst = AppendJSONNumber(w.dst, math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case AnyBigInt:
		r.Fail(ErrNoJSON)
	case AnyString:
		w.dst = AppendJSONString(w.dst, r.Text())
	case AnyBytes:
		w.bytes(r.Bytes())
	case AnyArray:
		w.array(r, depth-1)
	case AnyObject:
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

// object writes the members in the order of the input. If two members have the same
// key, the second one counts, in JSON as in "any", so both may be written. But
// undefined members are omitted. If the second one is undefined, the first one must be
// omitted, too, because it would count otherwise.
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
		w.dst = AppendJSONString(w.dst, key)
		w.dst = append(w.dst, ':')
		undefined := r.off < len(r.buf) && r.buf[r.off] == AnyUndefined
		w.value(r, depth)
		// lib0 reads a member with this key as the prototype, which JSON.stringify
		// omits.
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

// bytes writes a Uint8Array: an object with indexes as keys.
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

// AppendJSONNumber appends f as JSON.stringify prints it. NaN and the infinities are
// null.
func AppendJSONNumber(dst []byte, f float64) []byte {
	switch size := math.Abs(f); {
	case math.IsNaN(f), math.IsInf(f, 0):
		return append(dst, "null"...)
	case f == 0:
		return append(dst, '0') // -0, too
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go prints an exponent with at least two digits.
	if n := len(dst); dst[n-2] == '0' && dst[n-3] == '-' {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

// AppendJSONString appends UTF-8 in quotation marks, with the escapes that
// JSON.stringify uses. Half a surrogate pair may be in s as three bytes, as AppendUnit
// encodes it.
func AppendJSONString[S string | []byte](dst []byte, s S) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && (c != 0xed || s[i+1] < 0xa0) {
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
		case 0xed:
			dst = append(dst, 'u', 'd', hex[8|s[i+1]>>2&7], hex[s[i+1]&3<<2|s[i+2]>>4&3])
			c = hex[s[i+2]&0xf]
			i += 2
			done = i + 1
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4])
			c = hex[c&0xf]
		}
		dst = append(dst, c)
	}
	return append(append(dst, s[done:]...), '"')
}
