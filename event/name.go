package event

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the length of the longest room name, in bytes.
const MaxName = 255

// ErrName means that a string can't be the name of a room.
var ErrName = errors.New("event: a room name is 1 to 255 bytes of UTF-8, not blank and without control or invisible characters")

// CheckName returns ErrName unless name can be the name of a room.
func CheckName(name string) error {
	if strings.ContainsFunc(name, hides) {
		return ErrName
	}
	return CheckStored(name)
}

// CheckStored returns ErrName unless name can be the name of a room that an earlier
// version has stored. It accepts names with invisible characters, which CheckName refuses:
// such a room can be read and deleted, but not opened.
func CheckStored(name string) error {
	if len(name) > MaxName || !utf8.ValidString(name) || strings.TrimSpace(name) == "" || strings.ContainsFunc(name, unicode.IsControl) {
		return ErrName
	}
	return nil
}

// hides reports whether r is a control character, ends a line, changes the direction of
// the text around it, or is invisible: with such a character, a name can look like
// another one in a log or in a list of rooms. The two joiners are allowed, because words
// of some languages and many emoji contain them.
func hides(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r < unicode.MaxASCII || r == nonJoiner || r == joiner:
		return unicode.IsControl(r)
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r) // these are visible
	}
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
