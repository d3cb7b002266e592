package lib0

import "encoding/json"

// CheckJSON returns nil if JavaScript's JSON.parse accepts b and nothing in it is
// nested deeper than MaxDepth; otherwise it returns ErrJSON or ErrDepth.
func CheckJSON(b []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString:
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
		case c == '"':
			inString = true
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return ErrDepth
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	if !json.Valid(b) {
		return ErrJSON
	}
	return nil
}
