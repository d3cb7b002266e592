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
var ErrName = errors.New("event: a room name is 1 to 255 bytes of UTF-8, not blank and without control characters")

// CheckName returns ErrName unless name can be the name of a room.
func CheckName(name string) error {
	if len(name) > MaxName || !utf8.ValidString(name) || strings.TrimSpace(name) == "" || strings.ContainsFunc(name, unicode.IsControl) {
		return ErrName
	}
	return nil
}

// Prefix returns the prefix of a room's name, by which its settings are chosen:
// the name up to its first dot, or all of it.
func Prefix(name string) string {
	prefix, _, _ := strings.Cut(name, ".")
	return prefix
}
