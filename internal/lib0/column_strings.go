package lib0

// Strings reads a column of lib0's StringEncoder: the concatenation of all strings,
// followed by the length of each in UTF-16 units.
type Strings struct {
	lengths UintRuns
	text    []byte // the concatenation
	off     int    // where the next string begins in text; always the beginning of a code point
	low     bool   // a surrogate pair is there of which only the second half is left
}

// Strings reads a column. r must not be copied or moved while the column is read.
func (r *Reader) Strings() Strings {
	s := Strings{lengths: UintRuns{column: r.column()}}
	s.text = s.lengths.in.Text()
	s.lengths.check()
	return s
}

// Next returns the next string and its length in UTF-16 units. A string that begins or ends
// inside a surrogate pair has U+FFFD there; others alias the input.
func (s *Strings) Next() (text []byte, units uint64) {
	n := s.lengths.Uint()
	rest := s.text[s.off:]
	if s.low || n > uint64(len(rest)) || !IsASCII(rest, int(n)) {
		return s.next(n)
	}
	s.off += int(n)
	return rest[:n:n], n
}

// next is Next for a string of n units that may not be ASCII.
func (s *Strings) next(n uint64) (text []byte, units uint64) {
	units = n
	low := s.low && n > 0
	if low {
		n--
		s.off += 4
	}
	rest := s.text[s.off:]
	size, high, ok := unitsLen(rest, n)
	if !ok {
		s.lengths.owner.Fail(ErrTruncated)
		return nil, 0
	}
	text = rest[:size:size]
	s.off += size
	s.low = high || s.low && !low
	if low {
		text = append([]byte(replacement), text...)
	}
	if high {
		text = append(text, replacement...)
	}
	return text, units
}

// AppendNext appends the next string with its length in bytes before it.
func (s *Strings) AppendNext(dst []byte) []byte {
	text, _ := s.Next()
	return AppendBytes(dst, text)
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
