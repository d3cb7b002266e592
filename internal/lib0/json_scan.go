package lib0

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// JSONScanner reads JSON text that CheckJSON has accepted, token by token. The first
// byte of a value, which Next returns, determines which method reads it.
type JSONScanner struct {
	text []byte
	at   int
}

// ScanJSON returns a scanner at the beginning of text, which it borrows.
func ScanJSON(text []byte) JSONScanner { return JSONScanner{text: text} }

// Next skips white space and returns the first byte of the next token.
func (s *JSONScanner) Next() byte {
	for s.text[s.at] <= ' ' {
		s.at++
	}
	return s.text[s.at]
}

// Skip skips n bytes: a null, true or false, or a colon.
func (s *JSONScanner) Skip(n int) { s.at += n }

// More must be called at the opening bracket of an array or object, and again after
// each element or member. It skips the bracket or comma and reports whether an element
// or member follows. If none does, it skips the closing bracket, end, too.
func (s *JSONScanner) More(end byte) bool {
	first := s.text[s.at] == '[' || s.text[s.at] == '{'
	if !first && s.Next() == end {
		s.at++
		return false
	}
	s.at++
	if first && s.Next() == end {
		s.at++
		return false
	}
	return true
}

// String reads a string and returns what is between its quotation marks, which aliases
// the text. escaped reports whether AppendUnescaped must decode it.
func (s *JSONScanner) String() (raw []byte, escaped bool) {
	s.at++
	start := s.at
	for ; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	return s.text[start : s.at-1 : s.at-1], escaped
}

// Number reads a number. If it is out of range, Number returns an infinity, as in
// JavaScript.
func (s *JSONScanner) Number() float64 {
	start := s.at
	for s.at < len(s.text) && isNumeric(s.text[s.at]) {
		s.at++
	}
	f, _ := strconv.ParseFloat(string(s.text[start:s.at]), 64)
	return f
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// AppendUnescaped appends a JSON string in UTF-8. raw is what is between its quotation
// marks. An escape of half a surrogate pair becomes three bytes, as AppendUnit encodes
// it, if halves is true, and U+FFFD otherwise.
func AppendUnescaped(dst, raw []byte, halves bool) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
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
			unit, size := codePoint(raw)
			if raw = raw[size:]; halves {
				dst = AppendUnit(dst, unit)
			} else {
				dst = utf8.AppendRune(dst, unit) // U+FFFD for half a pair
			}
			continue
		}
		dst = append(dst, c)
	}
}

// codePoint reads the four digits of an escape, and the next escape if both are a
// surrogate pair. It returns the number of bytes read.
func codePoint(raw []byte) (unit rune, size int) {
	unit = hex4(raw)
	if unit >= 0xd800 && unit < 0xdc00 && len(raw) >= 10 && raw[4] == '\\' && raw[5] == 'u' {
		if low := hex4(raw[6:]); low >= 0xdc00 && low < 0xe000 {
			return 0x10000 + (unit-0xd800)<<10 + low - 0xdc00, 10
		}
	}
	return unit, 4
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
