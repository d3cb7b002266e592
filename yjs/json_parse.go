package yjs

import (
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// ParseJSON returns the value of a JSON text as JSON.parse of JavaScript does. The
// error is ErrValue. text is borrowed.
func ParseJSON(text []byte) (Value, error) {
	if err := lib0.CheckJSON(text); err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrValue, err)
	}
	return parseJSON(text), nil
}

// parseJSON parses JSON that is known to be valid.
func parseJSON(text []byte) Value {
	s := lib0.ScanJSON(text)
	return scanValue(&s)
}

// scanValue reads a value.
func scanValue(s *lib0.JSONScanner) Value {
	switch s.Next() {
	case 'n':
		s.Skip(len("null"))
		return NullValue()
	case 't':
		s.Skip(len("true"))
		return BoolValue(true)
	case 'f':
		s.Skip(len("false"))
		return BoolValue(false)
	case '"':
		return Value{kind: ValueKindString, str: scanString(s)}
	case '[':
		var list []Value
		for s.More(']') {
			list = append(list, scanValue(s))
		}
		return Value{kind: ValueKindList, list: list}
	case '{':
		var members Object
		for s.More('}') {
			s.Next()
			key := scanString(s)
			s.Next()
			s.Skip(len(":"))
			members = append(members, Member{key, scanValue(s)})
		}
		return Value{kind: ValueKindObject, object: orderMembers(members)}
	}
	return NumberValue(s.Number())
}

// scanString reads a string. It encodes an unpaired surrogate as three bytes, as if it
// were a code point.
func scanString(s *lib0.JSONScanner) string {
	raw, escaped := s.String()
	if !escaped {
		return string(raw)
	}
	return string(lib0.AppendUnescaped(nil, raw, true))
}
