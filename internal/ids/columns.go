package ids

import "github.com/yroom/yroom/internal/lib0"

// columns is an update in V2. The contents of a column are read one after another; what is
// in none follows them.
type columns struct {
	rest        *lib0.Reader
	keyClocks   differences
	clients     repeated
	infos       bytesRuns
	lengths     repeated // of the texts, in UTF-16 units
	parentInfos bytesRuns
	typeRefs    repeated
	counts      repeated
	keys        uint64 // how many different keys were read
}

func newColumns(r *lib0.Reader) *columns {
	if r.Byte() != 0 {
		r.Fail(errFormat)
	}
	c := &columns{rest: r}
	column := func() lib0.Reader { return lib0.NewReader(r.Bytes()) }
	c.keyClocks.column = column()
	c.clients.column = column()
	column() // the clocks of origins and parents
	column() // the clocks of right origins
	c.infos.column = column()
	texts := column()
	texts.Bytes()
	c.lengths.column = texts
	c.parentInfos.column = column()
	c.typeRefs.column = column()
	c.counts.column = column()
	return c
}

func (c *columns) check(column *lib0.Reader) {
	if err := column.Err(); err != nil {
		c.rest.Fail(err)
	}
}

func (c *columns) repeated(from *repeated) uint64 {
	v := from.next()
	c.check(&from.column)
	return v
}

func (c *columns) bytes(from *bytesRuns) byte {
	v := from.next()
	c.check(&from.column)
	return v
}

func (c *columns) client() uint64     { return c.repeated(&c.clients) }
func (c *columns) info() byte         { return c.bytes(&c.infos) }
func (c *columns) parentInfo() uint64 { return uint64(c.bytes(&c.parentInfos)) }
func (c *columns) origin()            { c.client() }
func (c *columns) right()             { c.client() }
func (c *columns) text() uint64       { return c.repeated(&c.lengths) }
func (c *columns) typeRef() uint64    { return c.repeated(&c.typeRefs) }
func (c *columns) length() uint64     { return c.repeated(&c.counts) }
func (c *columns) json()              { c.rest.Any() }

// key reads a reference to an earlier key, or a new one.
func (c *columns) key() {
	i := c.keyClocks.next()
	c.check(&c.keyClocks.column)
	if i >= c.keys {
		c.text()
		c.keys++
	}
}

func (c *columns) deletion(clock uint64) (from, length uint64) {
	return end(clock, c.rest.Uint()), c.rest.Uint() + 1
}

// repeated is a column of lib0's UintOptRleEncoder: a negative integer is followed by how
// often it is repeated.
type repeated struct {
	column lib0.Reader
	value  uint64
	more   uint64
}

func (c *repeated) next() uint64 {
	if c.more > 0 {
		c.more--
		return c.value
	}
	v, negative := c.column.Int()
	if c.value = v; negative {
		c.more = c.column.Uint() + 1
	}
	return v
}

// differences is a column of lib0's IntDiffOptRleEncoder: twice the difference to the
// previous value, plus one if it is followed by how often it is repeated.
type differences struct {
	column lib0.Reader
	value  uint64
	step   uint64 // two's complement
	more   uint64
}

func (c *differences) next() uint64 {
	if c.more > 0 {
		c.more--
		c.value += c.step
		return c.value
	}
	v, negative := c.column.Int()
	if v%2 == 1 {
		c.more = c.column.Uint() + 1
	}
	if c.step = v / 2; negative {
		c.step = -c.step
		if v%2 == 1 {
			c.step--
		}
	}
	c.value += c.step
	return c.value
}

// bytesRuns is a column of lib0's RleEncoder: each byte is followed by how often it is
// repeated, but for the last, which is repeated without an end.
type bytesRuns struct {
	column lib0.Reader
	value  byte
	more   uint64
	last   bool
}

func (c *bytesRuns) next() byte {
	switch {
	case c.last:
	case c.more > 0:
		c.more--
	default:
		c.value = c.column.Byte()
		if c.last = c.column.Len() == 0; !c.last {
			c.more = c.column.Uint()
		}
	}
	return c.value
}
