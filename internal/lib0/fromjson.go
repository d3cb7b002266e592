package lib0

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendAnyJSON appends the "any" value that lib0 writes for what JSON.parse
// makes of text, which CheckJSON has found good. The members of an object stay
// in the order of the text, which nobody can tell who reads it back.
func AppendAnyJSON(dst, text []byte) []byte {
	var room [32]uint64
	p := jsonParser{text: text, dst: dst}
	p.counts = countParts(text, room[:0])
	p.value()
	return p.dst
}

// countParts counts the elements and members of each array and object of good
// JSON, in the order in which they begin.
func countParts(text []byte, counts []uint64) []uint64 {
	var room [32]int
	open := room[:0] // the arrays and objects that are open, by index into counts
	empty := false   // nothing stands in the last of them yet
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

// jsonParser goes through JSON that is known to be good.
type jsonParser struct {
	text   []byte
	at     int
	dst    []byte
	counts []uint64 // of the arrays and objects that are still to come
}

// next goes to the next byte that isn't white space.
func (p *jsonParser) next() byte {
	for p.text[p.at] <= ' ' {
		p.at++
	}
	return p.text[p.at]
}

func (p *jsonParser) value() {
	switch c := p.next(); c {
	case 'n':
		p.at += len("null")
		p.dst = append(p.dst, AnyNull)
	case 't':
		p.at += len("true")
		p.dst = append(p.dst, AnyTrue)
	case 'f':
		p.at += len("false")
		p.dst = append(p.dst, AnyFalse)
	case '"':
		p.dst = append(p.dst, AnyString)
		p.string()
	case '[', '{':
		p.parts(c == '{')
	default:
		p.number()
	}
}

// parts reads an array or an object.
func (p *jsonParser) parts(members bool) {
	n := p.counts[0]
	p.counts = p.counts[1:]
	kind := byte(AnyArray)
	if members {
		kind = AnyObject
	}
	p.dst = AppendUint(append(p.dst, kind), n)
	p.at++
	for ; n > 0; n-- {
		if members {
			p.next()
			p.string()
			p.next()
			p.at++ // the colon
		}
		p.value()
		p.next()
		p.at++ // what separates or ends
	}
	if p.text[p.at-1] == '[' || p.text[p.at-1] == '{' {
		p.next()
		p.at++
	}
}

// string reads a string and writes it without the type.
func (p *jsonParser) string() {
	mark := len(p.dst)
	p.dst = append(p.dst, 0)
	p.at++
	for start := p.at; ; {
		switch p.text[p.at] {
		case '"':
			p.dst = sealLength(append(p.dst, p.text[start:p.at]...), mark)
			p.at++
			return
		case '\\':
			p.dst = append(p.dst, p.text[start:p.at]...)
			p.escape()
			start = p.at
		default:
			p.at++
		}
	}
}

func (p *jsonParser) escape() {
	c := p.text[p.at+1]
	p.at += 2
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		p.dst = utf8.AppendRune(p.dst, p.codePoint())
		return
	}
	p.dst = append(p.dst, c)
}

// codePoint reads the digits of an escape, and the escape behind it where both
// are a surrogate pair. Half a pair is U+FFFD.
func (p *jsonParser) codePoint() rune {
	unit := hex4(p.text[p.at:])
	p.at += 4
	if unit < 0xd800 || unit > 0xdfff {
		return unit
	}
	if rest := p.text[p.at:]; unit < 0xdc00 && rest[0] == '\\' && rest[1] == 'u' {
		if low := hex4(rest[2:]); low >= 0xdc00 && low <= 0xdfff {
			p.at += 6
			return 0x10000 + (unit-0xd800)<<10 + low - 0xdc00
		}
	}
	return utf8.RuneError
}

func hex4(digits []byte) (v rune) {
	for _, c := range digits[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		v = v<<4 | rune(c)
	}
	return v
}

func (p *jsonParser) number() {
	start := p.at
	for p.at < len(p.text) && isNumeric(p.text[p.at]) {
		p.at++
	}
	// What is out of range is an infinity, as in JavaScript.
	f, _ := strconv.ParseFloat(string(p.text[start:p.at]), 64)
	p.dst = AppendAnyNumber(p.dst, f)
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// AppendAnyNumber appends f as an "any" value, in the form that lib0 chooses.
func AppendAnyNumber(dst []byte, f float64) []byte {
	if size := math.Abs(f); size <= math.MaxInt32 && size == math.Trunc(size) {
		return AppendInt(append(dst, AnyInteger), uint64(size), math.Signbit(f))
	}
	if single := float32(f); float64(single) == f {
		return binary.BigEndian.AppendUint32(append(dst, AnyFloat32), math.Float32bits(single))
	}
	return binary.BigEndian.AppendUint64(append(dst, AnyFloat64), math.Float64bits(f))
}
