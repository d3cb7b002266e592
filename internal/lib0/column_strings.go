package lib0

// Strings reads a column of lib0's StringEncoder: the concatenation of all strings,
// followed by the length of each in UTF-16 units.
type Strings struct {
	lengths UintRuns
	text    []byte // what is left of the concatenation, from the beginning of a code point
	low     bool   // text begins with a surrogate pair of which only the second half is left
}

// Strings reads a column. r must not be copied or moved while the column is read.
func (r *Reader) Strings() Strings {
	s := Strings{lengths: UintRuns{column: r.column()}}
	s.text = s.lengths.in.Text()
	s.lengths.check()
	return s
}

// AppendNext appends the next string with its length in bytes before it. A string that
// begins or ends inside a surrogate pair has U+FFFD there.
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

// StringsWriter writes a column for Strings. The zero value is an empty column.
type StringsWriter struct {
	text    []byte
	lengths UintRunsWriter
}

// NewStringsWriter returns an empty column. It is written to text and lengths until
// they are full.
func NewStringsWriter(text, lengths []byte) StringsWriter {
	return StringsWriter{text[:0], NewUintRunsWriter(lengths)}
}

// String appends a UTF-8 string of the given length in UTF-16 units.
func (w *StringsWriter) String(s []byte, units uint64) {
	w.text = append(w.text, s...)
	w.lengths.Uint(units)
}

// Finish returns the two parts of the column, which follow each other: the text,
// without the length that is to be before it, and the lengths. They alias the buffers
// of NewStringsWriter if they fit. Nothing can be appended afterwards.
func (w *StringsWriter) Finish() (text, lengths []byte) { return w.text, w.lengths.Finish() }
