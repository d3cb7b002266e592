package ids

import (
	"errors"
	"unicode/utf8"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

var errFormat = errors.New("ids: not an update")

// source reads the parts of an update whose form depends on its encoding, one after
// another.
type source interface { //nolint:interfacebloat // one method for each part of an update
	client() uint64
	info() byte
	parentInfo() uint64
	origin() // the id of an origin, or of a parent
	right()  // the id of a right origin
	text() uint64
	key()
	typeRef() uint64
	length() uint64
	json()
	deletion(clock uint64) (from, length uint64)
}

// Add adds the elements and deletions of an update, which is in V2 if v2 is set. If it
// returns an error, a part of the update may have been added. update is borrowed.
func (s *Set) Add(update []byte, v2 bool) error {
	r := lib0.NewReader(update)
	if v2 {
		s.read(&r, newColumns(&r))
	} else {
		s.read(&r, plain{&r})
	}
	return r.Err()
}

// read reads an update. Where both encodings write the same, it reads from r.
func (s *Set) read(r *lib0.Reader, from source) {
	for sections := r.Uint(); sections > 0 && r.Err() == nil; sections-- {
		blocks := r.Uint()
		client := from.client()
		clock := r.Uint()
		for ; blocks > 0 && r.Err() == nil; blocks-- {
			info := from.info()
			length := readBlock(r, from, info)
			if r.Err() != nil {
				return
			}
			x := clocks.Span{From: clock, To: end(clock, length)}
			clock = x.To
			switch info & kinds {
			case skip:
				continue
			case gc:
				add(&s.deleted, client, x)
			}
			add(&s.elements, client, x)
		}
	}
	for clients := r.Uint(); clients > 0 && r.Err() == nil; clients-- {
		client, clock := r.Uint(), uint64(0)
		for spans := r.Uint(); spans > 0 && r.Err() == nil; spans-- {
			begin, length := from.deletion(clock)
			if r.Err() != nil {
				return
			}
			clock = end(begin, length)
			add(&s.deleted, client, clocks.Span{From: begin, To: clock})
		}
	}
}

// The info byte of a block: its kind, and what follows.
const (
	kinds     = 31
	gc        = 0
	skip      = 10
	hasOrigin = 1 << 7
	hasRight  = 1 << 6
	hasKey    = 1 << 5
)

// readBlock reads a block and returns how many elements it has.
func readBlock(r *lib0.Reader, from source, info byte) uint64 {
	kind := info & kinds
	switch kind {
	case gc:
		return from.length()
	case skip:
		return r.Uint()
	}
	if info&hasOrigin != 0 {
		from.origin()
	}
	if info&hasRight != 0 {
		from.right()
	}
	if info&(hasOrigin|hasRight) == 0 {
		if from.parentInfo() == 1 {
			from.text()
		} else {
			from.origin()
		}
		if info&hasKey != 0 {
			from.text()
		}
	}
	switch kind {
	case 1: // deleted
		return from.length()
	case 2: // JSON
		return readAll(r, from.length(), func() { from.text() })
	case 3: // binary
		r.Bytes()
	case 4: // string
		return from.text()
	case 5: // embed
		from.json()
	case 6: // format
		from.key()
		from.json()
	case 7: // type
		if ref := from.typeRef(); ref == 3 || ref == 5 { // an XmlElement or XmlHook has a name
			from.key()
		}
	case 8: // any
		return readAll(r, from.length(), func() { r.Any() })
	case 9: // subdocument
		from.text()
		r.Any()
	default:
		r.Fail(errFormat)
	}
	return 1
}

// readAll reads n elements, unless there is an error, and returns n.
func readAll(r *lib0.Reader, n uint64, read func()) uint64 {
	for left := n; left > 0 && r.Err() == nil; left-- {
		read()
	}
	return n
}

// plain is an update in V1.
type plain struct{ *lib0.Reader }

func (p plain) client() uint64     { return p.Uint() }
func (p plain) info() byte         { return p.Byte() }
func (p plain) parentInfo() uint64 { return p.Uint() }
func (p plain) origin()            { p.Uint(); p.Uint() }
func (p plain) right()             { p.origin() }
func (p plain) text() uint64       { return utf16Len(p.Bytes()) }
func (p plain) key()               { p.Bytes() }
func (p plain) typeRef() uint64    { return p.Uint() }
func (p plain) length() uint64     { return p.Uint() }
func (p plain) json()              { p.Bytes() }

func (p plain) deletion(uint64) (from, length uint64) { return p.Uint(), p.Uint() }

// utf16Len returns the length of a text in UTF-16 units.
func utf16Len(text []byte) (n uint64) {
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		n++
		if c > 0xFFFF {
			n++
		}
		text = text[size:]
	}
	return n
}
