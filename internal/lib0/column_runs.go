package lib0

import "math"

// A column is a length-prefixed part of a record that holds packed values of one kind.
// Its errors are reported by owner, the Reader that it was read from.
type column struct {
	in    Reader
	owner *Reader
}

func (r *Reader) column() column { return column{NewReader(r.Bytes()), r} }

// check passes the column's error to its owner.
func (c *column) check() {
	if err := c.in.err; err != nil {
		c.owner.Fail(err)
	}
}

// Runs reads a column of lib0's RleEncoder: bytes, each followed by the number of its
// repetitions, except the last byte, which repeats without end.
type Runs struct {
	column
	value byte
	left  uint64 // how often value is still to be returned
}

// Runs reads a column. r must not be copied or moved while the column is read.
func (r *Reader) Runs() Runs { return Runs{column: r.column()} }

// Byte returns the next value.
func (c *Runs) Byte() byte {
	if c.left == 0 {
		c.next()
	}
	c.left--
	return c.value
}

// next reads the next run.
func (c *Runs) next() {
	c.value, c.left = c.in.Byte(), math.MaxUint64
	if c.in.Len() > 0 {
		c.left = c.in.Uint() + 1
	}
	c.check()
}

// UintRuns reads a column of lib0's UintOptRleEncoder: a single integer is positive, a
// repeated one is negative (-0 for 0) and is followed by a count.
type UintRuns struct {
	column
	value uint64
	left  uint64 // how often value is still to be returned
}

// UintRuns reads a column. r must not be copied or moved while the column is read.
func (r *Reader) UintRuns() UintRuns { return UintRuns{column: r.column()} }

// Uint returns the next value.
func (c *UintRuns) Uint() uint64 {
	if c.left == 0 {
		c.next()
	}
	c.left--
	return c.value
}

// next reads the next run.
func (c *UintRuns) next() {
	value, repeated := c.in.Int()
	if c.value, c.left = value, 1; repeated {
		c.left = c.in.Uint() + 2
	}
	if c.in.err != nil {
		c.value, c.left = 0, 1
		c.check()
	}
}

// DiffRuns reads a column of lib0's IntDiffOptRleEncoder. It holds differences between
// successive integers: twice the difference, or, if it is repeated, that plus one,
// followed by a count.
type DiffRuns struct {
	column
	value uint64
	diff  uint64 // in two's complement
	left  uint64 // how often diff is still to be added
	over  bool   // the run goes on, but its values would be out of range
}

// DiffRuns reads a column. r must not be copied or moved while the column is read.
func (r *Reader) DiffRuns() DiffRuns { return DiffRuns{column: r.column()} }

// Uint returns the next value.
func (c *DiffRuns) Uint() uint64 {
	if c.left == 0 {
		c.next()
	}
	c.left--
	c.value += c.diff
	return c.value
}

// next reads the next run, or that part of it whose values are in range.
func (c *DiffRuns) next() {
	if c.over {
		c.in.Fail(ErrRange)
	}
	twice, negative := c.in.int(2 * MaxInt)
	size, room := twice/2, MaxInt-c.value
	if c.left = 1; twice&1 != 0 {
		if c.left = c.in.Uint() + 2; twice > MaxInt { // JavaScript can't represent odd integers of that size
			c.in.Fail(ErrRange)
		}
	}
	if c.diff = size; negative {
		size, room = size+twice&1, c.value
		c.diff = -size
	}
	switch {
	case size > room:
		c.in.Fail(ErrRange)
	case size > 0 && c.left > 1 && c.left > room/size:
		c.left, c.over = room/size, true
	}
	if c.in.err != nil {
		c.value, c.diff, c.left = 0, 0, 1
		c.check()
	}
}

// RunsWriter writes a column for Runs. The zero value is an empty column.
type RunsWriter struct {
	out   []byte
	value byte
	count uint64
}

// NewRunsWriter returns an empty column. It is written to buf until that is full.
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

// Finish returns the column, which aliases the buffer of NewRunsWriter if it fits.
// Nothing can be appended afterwards.
func (w *RunsWriter) Finish() []byte { return w.out }

// UintRunsWriter writes a column for UintRuns. The zero value is an empty column.
type UintRunsWriter struct {
	out   []byte
	value uint64
	count uint64
}

// NewUintRunsWriter returns an empty column. It is written to buf until that is full.
func NewUintRunsWriter(buf []byte) UintRunsWriter { return UintRunsWriter{out: buf[:0]} }

// Uint appends a value, which must be at most MaxInt.
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

// Finish returns the column, which aliases the buffer of NewUintRunsWriter if it fits.
// Nothing can be appended afterwards.
func (w *UintRunsWriter) Finish() []byte {
	w.flush()
	return w.out
}

// DiffRunsWriter writes a column for DiffRuns. The zero value is an empty column.
type DiffRunsWriter struct {
	out   []byte
	value uint64
	diff  int64
	count uint64
}

// NewDiffRunsWriter returns an empty column. It is written to buf until that is full.
func NewDiffRunsWriter(buf []byte) DiffRunsWriter { return DiffRunsWriter{out: buf[:0]} }

// Uint appends a value, which must be at most MaxInt.
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

// Finish returns the column, which aliases the buffer of NewDiffRunsWriter if it fits.
// Nothing can be appended afterwards.
func (w *DiffRunsWriter) Finish() []byte {
	w.flush()
	return w.out
}
