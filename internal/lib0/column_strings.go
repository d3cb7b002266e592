package lib0

// Strings reads what lib0's StringEncoder makes of strings: one string that
// holds all, and how many UTF-16 units of it each has.
type Strings struct {
	lengths UintRuns
	text    []byte // what has not been given yet, from a code point on
	low     bool   // of the pair with which text begins only the second half is left
}

// Strings reads a length and so many bytes, which are a column. r must not
// move.
func (r *Reader) Strings() Strings {
	s := Strings{lengths: UintRuns{column: r.column()}}
	s.text = s.lengths.in.Text()
	s.lengths.check()
	return s
}

// AppendNext appends the length in bytes of the next string and the string to
// dst. Where it begins or ends inside of a surrogate pair it has U+FFFD there.
func (s *Strings) AppendNext(dst []byte) []byte {
	n := s.lengths.Uint()
	low := s.low && n > 0
	text := s.text
	if low {
		n--
		text = text[4:]
	}
	size, high, ok := unitsLen(text, n)
	if !ok {
		s.lengths.owner.Fail(ErrTruncated)
		return dst
	}
	total := size
	if low {
		total += len(replacement)
	}
	if high {
		total += len(replacement)
	}
	dst = AppendUint(dst, uint64(total))
	if low {
		dst = append(dst, replacement...)
	}
	dst = append(dst, text[:size]...)
	if high {
		dst = append(dst, replacement...)
	}
	s.text = text[size:]
	s.low = high || s.low && !low
	return dst
}

// StringsWriter writes what Strings reads. The zero value is empty.
type StringsWriter struct {
	text    []byte
	lengths UintRunsWriter
}

// NewStringsWriter returns an empty column that is written into the capacity of
// text and lengths, as long as that lasts.
func NewStringsWriter(text, lengths []byte) StringsWriter {
	return StringsWriter{text[:0], NewUintRunsWriter(lengths)}
}

// String appends a string in UTF-8, of which units is the length in UTF-16.
func (w *StringsWriter) String(s []byte, units uint64) {
	w.text = append(w.text, s...)
	w.lengths.Uint(units)
}

// Finish gives the two parts of the column, which stand one behind the other:
// the text, with its own length in front, and the lengths. They alias what
// NewStringsWriter was given where they fit. Nothing can be appended
// afterwards.
func (w *StringsWriter) Finish() (text, lengths []byte) { return w.text, w.lengths.Finish() }
