package engines_test

import (
	"encoding/binary"
	"fmt"
	"math"
)

// scan reads an update and discards it. Its time is the floor of all work that has to
// read every byte. It checks nothing, and supports only the content that the inputs
// have.
type scan struct {
	b  []byte
	at int
}

func (s *scan) byte() byte {
	b := s.b[s.at]
	s.at++
	return b
}

func (s *scan) uint() (v uint64) {
	for shift := 0; ; shift += 7 {
		b := s.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (s *scan) skip() { s.at += int(s.uint()) }

// scanV1 reads an update in V1 and returns the sum of the numbers in it.
func scanV1(update []byte) (sum uint64) {
	s := scan{b: update}
	for n := s.uint(); n > 0; n-- {
		blocks := s.uint()
		sum += s.uint() + s.uint() // client, clock
		for ; blocks > 0; blocks-- {
			sum += s.block()
		}
	}
	for n := s.uint(); n > 0; n-- {
		sum += s.uint() // client
		for spans := s.uint(); spans > 0; spans-- {
			sum += s.uint() + s.uint()
		}
	}
	s.end()
	return sum
}

func (s *scan) end() {
	if s.at != len(s.b) {
		panic(fmt.Sprintf("%d of %d bytes were read", s.at, len(s.b)))
	}
}

func (s *scan) block() (sum uint64) {
	info := s.byte()
	kind := info & 0x1f
	if kind == 0 { // GC
		return s.uint()
	}
	if info&0x80 != 0 { // origin
		sum += s.uint() + s.uint()
	}
	if info&0x40 != 0 { // right origin
		sum += s.uint() + s.uint()
	}
	if info&0xc0 == 0 {
		if s.uint() == 1 {
			s.skip() // the name of a root
		} else {
			sum += s.uint() + s.uint() // the parent
		}
		if info&0x20 != 0 {
			s.skip() // the key
		}
	}
	switch kind {
	case 1: // deleted
		sum += s.uint()
	case 4: // string
		s.skip()
	case 6: // format
		s.skip()
		s.skip()
	case 7: // type
		if ref := s.uint(); ref == 3 || ref == 5 {
			s.skip() // the name of an XML element or hook
		}
	case 8: // any
		for n := s.uint(); n > 0; n-- {
			s.any()
		}
	default:
		panic(fmt.Sprintf("content of kind %d", kind))
	}
	return sum
}

func (s *scan) any() {
	switch t := s.byte(); t {
	case 119: // string
		s.skip()
	case 125: // integer
		s.uint()
	default:
		panic(fmt.Sprintf("a value of type %d", t))
	}
}

// column is a compressed column of an update in V2.
type column struct {
	scan

	value, count, step int64
}

// int reads a signed integer. The sign is returned separately, because zero may be
// negative.
func (c *column) int() (v int64, negative bool) {
	b := c.byte()
	negative = b&0x40 != 0
	v = int64(b & 0x3f)
	for shift := 6; b >= 0x80; shift += 7 {
		b = c.byte()
		v |= int64(b&0x7f) << shift
	}
	return v, negative
}

// repeated reads the next value of a column that stores runs of equal values.
func (c *column) repeated() int64 {
	if c.count == 0 {
		v, negative := c.int()
		c.value, c.count = v, 1
		if negative {
			c.count = int64(c.uint()) + 2
		}
	}
	c.count--
	return c.value
}

// stepped reads the next value of a column that stores runs of equal differences.
func (c *column) stepped() int64 {
	if c.count == 0 {
		v, negative := c.int()
		c.step, c.count = v>>1, 1
		if negative {
			c.step = -((v + 1) >> 1)
		}
		if v&1 != 0 {
			c.count = int64(c.uint()) + 2
		}
	}
	c.count--
	c.value += c.step
	return c.value
}

// byteRun reads the next value of a column that stores runs of equal bytes.
func (c *column) byteRun() byte {
	if c.count == 0 {
		c.value, c.count = int64(c.byte()), math.MaxInt64
		if c.at < len(c.b) {
			c.count = int64(c.uint()) + 1
		}
	}
	c.count--
	return byte(c.value)
}

// scanV2 reads an update of a text in V2 and returns the sum of the numbers in it.
func scanV2(update []byte) (sum uint64) {
	rest := scan{b: update, at: 1} // after the version
	next := func() (c column) {
		size := int(rest.uint())
		c.b = rest.b[rest.at : rest.at+size]
		rest.at += size
		return c
	}
	next() // clocks of keys
	clients, lefts, rights, infos := next(), next(), next(), next()
	texts := next()
	texts.skip() // all strings as one; their lengths follow
	parents := next()
	next() // types
	lengths := next()

	for n := rest.uint(); n > 0; n-- {
		blocks := rest.uint()
		sum += uint64(clients.repeated()) + rest.uint()
		for ; blocks > 0; blocks-- {
			info := infos.byteRun()
			if info&0x80 != 0 {
				sum += uint64(clients.repeated() + lefts.stepped())
			}
			if info&0x40 != 0 {
				sum += uint64(clients.repeated() + rights.stepped())
			}
			kind := info & 0x1f
			if kind != 0 && info&0xc0 == 0 {
				if parents.byteRun() != 1 {
					panic("a parent that is not a root")
				}
				sum += uint64(texts.repeated())
			}
			switch kind {
			case 0, 1: // GC, deleted
				sum += uint64(lengths.repeated())
			case 4: // string
				sum += uint64(texts.repeated())
			default:
				panic(fmt.Sprintf("content of kind %d", kind))
			}
		}
	}
	for n := rest.uint(); n > 0; n-- {
		sum += rest.uint() // client
		for spans := rest.uint(); spans > 0; spans-- {
			sum += rest.uint() + rest.uint()
		}
	}
	rest.end()
	return sum
}

// scanAll reads updates in V1.
func scanAll(updates [][]byte) (sum uint64) {
	for _, u := range updates {
		sum += scanV1(u)
	}
	return sum
}

// records splits an input file into its byte strings.
func records(file []byte) (list [][]byte) {
	for len(file) > 0 {
		size := int(binary.LittleEndian.Uint32(file))
		list = append(list, file[4:4+size:4+size])
		file = file[4+size:]
	}
	return list
}
