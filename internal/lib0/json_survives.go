package lib0

import (
	"bytes"
	"math"
	"strconv"
)

// survivesJSON reports whether JavaScript still has the same value after it has read
// JSON, which CheckJSON has accepted, and has written it again, as JSON or as an "any"
// value. JSON.stringify writes neither -0 nor a number that is out of range, an "any"
// value has no half of a surrogate pair, and lib0 reads a member __proto__ of an "any"
// value as the prototype.
func survivesJSON(text []byte) bool {
	s := ScanJSON(text)
	for s.at < len(text) {
		switch c := text[s.at]; {
		case c == '"':
			raw, escaped := s.String()
			if escaped && hasHalfPair(raw) {
				return false
			}
			if s.isKey() && isProto(raw, escaped) {
				return false
			}
		case c == '-' || c >= '0' && c <= '9':
			start := s.at
			for s.at < len(text) && isNumeric(text[s.at]) {
				s.at++
			}
			if !survivesNumber(text[start:s.at]) {
				return false
			}
		default:
			s.at++
		}
	}
	return true
}

// isKey reports whether the string that was read is the key of a member.
func (s *JSONScanner) isKey() bool {
	rest := bytes.TrimLeft(s.text[s.at:], " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func isProto(raw []byte, escaped bool) bool {
	if escaped {
		raw = AppendUnescaped(nil, raw, true)
	}
	return string(raw) == "__proto__"
}

// hasHalfPair reports whether one of the escapes in a JSON string is half a surrogate
// pair.
func hasHalfPair(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] != 'u' {
			continue
		}
		unit, size := codePoint(raw[i+1:])
		if unit >= 0xd800 && unit < 0xe000 {
			return true
		}
		i += size
	}
	return false
}

func survivesNumber(text []byte) bool {
	if text[0] != '-' && len(text) < 300 && !bytes.ContainsAny(text, "eE") {
		return true // it has too few digits to be out of range
	}
	f, _ := strconv.ParseFloat(string(text), 64)
	return !math.IsInf(f, 0) && (f != 0 || !math.Signbit(f))
}
