package lib0

// AppendAnyJSON appends the "any" value that lib0 writes for the result of JSON.parse
// of text, which CheckJSON has accepted. Members of objects stay in the order of the
// text, although JavaScript puts numeric keys first; the difference is lost when the
// value is read.
func AppendAnyJSON(dst, text []byte) []byte {
	var scratch [32]uint64
	w := anyWriter{in: ScanJSON(text), dst: dst}
	w.counts = countParts(text, scratch[:0])
	w.value()
	return w.dst
}

// countParts appends the number of elements or members of each array and object of
// checked JSON, in the order in which they begin.
func countParts(text []byte, counts []uint64) []uint64 {
	var scratch [32]int
	open := scratch[:0] // a stack of the arrays and objects that have not ended, as indexes into counts
	empty := false      // the last of them has no elements yet
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c <= ' ' {
			continue
		}
		if (c == ']' || c == '}') && empty {
			counts[open[len(open)-1]] = 0
		}
		empty = false
		switch c {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			open = append(open, len(counts))
			counts = append(counts, 1)
			empty = true
		case ',':
			counts[open[len(open)-1]]++
		case ']', '}':
			open = open[:len(open)-1]
		}
	}
	return counts
}

// anyWriter converts JSON to an "any" value.
type anyWriter struct {
	in     JSONScanner
	dst    []byte
	counts []uint64 // of the arrays and objects that are not written yet
}

func (w *anyWriter) value() {
	switch w.in.Next() {
	case 'n':
		w.in.Skip(len("null"))
		w.dst = append(w.dst, AnyNull)
	case 't':
		w.in.Skip(len("true"))
		w.dst = append(w.dst, AnyTrue)
	case 'f':
		w.in.Skip(len("false"))
		w.dst = append(w.dst, AnyFalse)
	case '"':
		w.dst = append(w.dst, AnyString)
		w.string()
	case '[':
		w.count(AnyArray)
		for w.in.More(']') {
			w.value()
		}
	case '{':
		w.count(AnyObject)
		for w.in.More('}') {
			w.in.Next()
			w.string()
			w.in.Next()
			w.in.Skip(len(":"))
			w.value()
		}
	default:
		w.dst = AppendAnyNumber(w.dst, w.in.Number())
	}
}

// count writes the type of an array or object, and how many elements or members it
// has.
func (w *anyWriter) count(kind byte) {
	w.dst = AppendUint(append(w.dst, kind), w.counts[0])
	w.counts = w.counts[1:]
}

// string converts a string, without a type before it.
func (w *anyWriter) string() {
	raw, escaped := w.in.String()
	if !escaped {
		w.dst = AppendBytes(w.dst, raw)
		return
	}
	mark := len(w.dst)
	w.dst = prefixLength(AppendUnescaped(append(w.dst, 0), raw, false), mark)
}
