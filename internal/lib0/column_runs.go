package lib0

// A column is a length-prefixed part of a record in which values of one kind
// stand, packed. What goes wrong in it is told by the Reader that it was taken
// from.
type column struct {
	in    Reader
	owner *Reader
}

func (r *Reader) column() column { return column{NewReader(r.Bytes()), r} }

// check hands the column's error on.
func (c *column) check() {
	if err := c.in.err; err != nil {
		c.owner.Fail(err)
	}
}

// Runs reads what lib0's RleEncoder makes of bytes: each with the number of its
// repetitions behind it, but for the last, which goes on for ever.
type Runs struct {
	column
	value byte
	left  uint64 // repetitions of value
	open  bool   // value goes on for ever
}

// Runs reads a length and so many bytes, which are a column. r must not move.
func (r *Reader) Runs() Runs { return Runs{column: r.column()} }

// Byte gives the next value.
func (c *Runs) Byte() byte {
	switch {
	case c.left > 0:
		c.left--
	case !c.open:
		c.value = c.in.Byte()
		if c.open = c.in.Len() == 0; !c.open {
			c.left = c.in.Uint()
		}
		c.check()
	}
	return c.value
}

// UintRuns reads what lib0's UintOptRleEncoder makes of integers: one that
// stands alone is positive, one that is repeated is negative (0 too) and has a
// count behind it.
type UintRuns struct {
	column
	value uint64
	left  uint64
}

// UintRuns reads a length and so many bytes, which are a column. r must not
// move.
func (r *Reader) UintRuns() UintRuns { return UintRuns{column: r.column()} }

// Uint gives the next value.
func (c *UintRuns) Uint() uint64 {
	if c.left > 0 {
		c.left--
		return c.value
	}
	value, repeated := c.in.Int()
	if repeated {
		c.left = c.in.Uint() + 1
	}
	if c.check(); c.in.err != nil {
		value, c.left = 0, 0
	}
	c.value = value
	return value
}

// DiffRuns reads what lib0's IntDiffOptRleEncoder makes of integers: twice the
// difference to the one before, and one more where a count follows, of how
// often the same difference comes.
type DiffRuns struct {
	column
	value int64
	diff  int64
	left  uint64
}

// DiffRuns reads a length and so many bytes, which are a column. r must not
// move.
func (r *Reader) DiffRuns() DiffRuns { return DiffRuns{column: r.column()} }

// Uint gives the next value.
func (c *DiffRuns) Uint() uint64 {
	if c.left > 0 {
		c.left--
	} else {
		twice, negative := c.in.int(2 * MaxInt)
		// JavaScript has no odd numbers of that size.
		if twice > MaxInt && twice%2 != 0 {
			c.in.Fail(ErrRange)
		}
		c.diff = int64(twice)
		if negative {
			c.diff = -c.diff
		}
		if c.diff&1 != 0 {
			c.left = c.in.Uint() + 1
		}
		c.diff >>= 1
	}
	c.value += c.diff
	if c.value < 0 || c.value > MaxInt {
		c.in.Fail(ErrRange)
	}
	if c.check(); c.in.err != nil {
		c.value, c.diff, c.left = 0, 0, 0
	}
	return uint64(c.value)
}

// RunsWriter writes what Runs reads. The zero value is empty.
type RunsWriter struct {
	out   []byte
	value byte
	count uint64
}

// NewRunsWriter returns an empty column that is written into the capacity of
// room, as long as that lasts.
func NewRunsWriter(buf []byte) RunsWriter { return RunsWriter{out: buf[:0]} }

// Byte appends a value.
func (w *RunsWriter) Byte(v byte) {
	if w.count > 0 && w.value == v {
		w.count++
		return
	}
	if w.count > 0 {
		w.out = AppendUint(w.out, w.count-1)
	}
	w.out = append(w.out, v)
	w.value, w.count = v, 1
}

// Finish gives the column, which aliases room where it fits. Nothing can be
// appended afterwards.
func (w *RunsWriter) Finish() []byte { return w.out }

// UintRunsWriter writes what UintRuns reads. The zero value is empty.
type UintRunsWriter struct {
	out   []byte
	value uint64
	count uint64
}

// NewUintRunsWriter returns an empty column that is written into the capacity
// of room, as long as that lasts.
func NewUintRunsWriter(buf []byte) UintRunsWriter { return UintRunsWriter{out: buf[:0]} }

// Uint appends a value of at most MaxInt.
func (w *UintRunsWriter) Uint(v uint64) {
	if w.value != v {
		w.flush()
		w.value, w.count = v, 0
	}
	w.count++
}

func (w *UintRunsWriter) flush() {
	if w.count == 0 {
		return
	}
	w.out = AppendInt(w.out, w.value, w.count > 1)
	if w.count > 1 {
		w.out = AppendUint(w.out, w.count-2)
	}
}

// Finish gives the column, which aliases room where it fits. Nothing can be
// appended afterwards.
func (w *UintRunsWriter) Finish() []byte {
	w.flush()
	return w.out
}

// DiffRunsWriter writes what DiffRuns reads. The zero value is empty.
type DiffRunsWriter struct {
	out   []byte
	value uint64
	diff  int64
	count uint64
}

// NewDiffRunsWriter returns an empty column that is written into the capacity
// of room, as long as that lasts.
func NewDiffRunsWriter(buf []byte) DiffRunsWriter { return DiffRunsWriter{out: buf[:0]} }

// Uint appends a value of at most MaxInt.
func (w *DiffRunsWriter) Uint(v uint64) {
	diff := int64(v) - int64(w.value)
	if w.value = v; w.diff != diff {
		w.flush()
		w.diff, w.count = diff, 0
	}
	w.count++
}

func (w *DiffRunsWriter) flush() {
	if w.count == 0 {
		return
	}
	twice := 2 * w.diff
	if w.count > 1 {
		twice++
	}
	if twice < 0 {
		w.out = AppendInt(w.out, uint64(-twice), true)
	} else {
		w.out = AppendInt(w.out, uint64(twice), false)
	}
	if w.count > 1 {
		w.out = AppendUint(w.out, w.count-2)
	}
}

// Finish gives the column, which aliases room where it fits. Nothing can be
// appended afterwards.
func (w *DiffRunsWriter) Finish() []byte {
	w.flush()
	return w.out
}
