package yjs

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/yroom/yroom/internal/lib0"
)

// ParseJSON gives the value that JSON.parse of JavaScript makes of a text. The
// error is ErrValue. text is borrowed.
func ParseJSON(text []byte) (Value, error) {
	if err := lib0.CheckJSON(text); err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrValue, err)
	}
	return parseJSON(text), nil
}

// parseJSON reads JSON that was checked before.
func parseJSON(text []byte) Value {
	p := jsonReader{text: text}
	return p.value()
}

type jsonReader struct {
	text []byte
	at   int
}

// next goes to the next byte that isn't white space.
func (p *jsonReader) next() byte {
	for p.text[p.at] <= ' ' {
		p.at++
	}
	return p.text[p.at]
}

func (p *jsonReader) value() Value {
	switch p.next() {
	case 'n':
		p.at += len("null")
		return NullValue()
	case 't':
		p.at += len("true")
		return BoolValue(true)
	case 'f':
		p.at += len("false")
		return BoolValue(false)
	case '"':
		return Value{kind: ValueKindString, str: p.string()}
	case '[':
		var list []Value
		for p.nextPart(']') {
			list = append(list, p.value())
		}
		return Value{kind: ValueKindList, list: list}
	case '{':
		var members Object
		for p.nextPart('}') {
			p.next()
			key := p.string()
			p.next()
			p.at++ // the colon
			members = append(members, Member{key, p.value()})
		}
		return Value{kind: ValueKindObject, object: orderMembers(members)}
	}
	start := p.at
	for p.at < len(p.text) && isNumeric(p.text[p.at]) {
		p.at++
	}
	// What is out of range is an infinity, as in JavaScript.
	f, _ := strconv.ParseFloat(string(p.text[start:p.at]), 64)
	return NumberValue(f)
}

// more goes past what opens or separates, and tells whether a part follows; what
// ends is passed, too.
func (p *jsonReader) nextPart(end byte) bool {
	first := p.text[p.at] == '[' || p.text[p.at] == '{'
	if !first {
		if c := p.next(); c == end {
			p.at++
			return false
		}
	}
	p.at++
	if first && p.next() == end {
		p.at++
		return false
	}
	return true
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// string reads a string. Half a surrogate pair becomes three bytes, as if it were
// a code point.
func (p *jsonReader) string() string {
	p.at++
	start := p.at
	for p.text[p.at] != '"' && p.text[p.at] != '\\' {
		p.at++
	}
	if p.text[p.at] == '"' {
		p.at++
		return string(p.text[start : p.at-1])
	}
	out := append([]byte(nil), p.text[start:p.at]...)
	for {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			return string(out)
		case '\\':
			out = p.escape(out)
		default:
			out = append(out, c)
		}
	}
}

func (p *jsonReader) escape(out []byte) []byte {
	c := p.text[p.at]
	p.at++
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
		unit := p.hex()
		if unit >= 0xd800 && unit < 0xdc00 && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
			back := p.at
			p.at += 2
			if low := p.hex(); low >= 0xdc00 && low < 0xe000 {
				return utf8.AppendRune(out, 0x10000+(unit-0xd800)<<10+low-0xdc00)
			}
			p.at = back
		}
		return appendUnit(out, unit)
	}
	return append(out, c)
}

func (p *jsonReader) hex() (unit rune) {
	n, _ := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	p.at += 4
	return rune(n)
}

// appendUnit appends a UTF-16 unit, which may be half a surrogate pair.
func appendUnit(out []byte, unit rune) []byte {
	if unit >= 0xd800 && unit < 0xe000 {
		return append(out, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
	}
	return utf8.AppendRune(out, unit)
}
