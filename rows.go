package yroom

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fallback is the row for rooms that no other row is for.
const fallback = "default"

// RowOf returns a function that returns the key of the row that a room has in
// Config.Rooms, out of the keys of the rows. A key whose last character is no letter and
// no digit, such as "docs/" or "team:", is for the rooms whose names begin with it. Any
// other key, such as "docs", is for the room of that name and for the rooms whose names
// begin with it and a dot. Of several, the longest counts. A room that no key is for has
// the row "default".
func RowOf(keys []string) func(room string) (key string) {
	names := make(map[string]bool)
	var beginnings []string
	for _, key := range keys {
		if isBeginning(key) {
			beginnings = append(beginnings, key)
		} else {
			names[key] = true
		}
	}
	slices.SortFunc(beginnings, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return func(room string) string {
		name, _, _ := strings.Cut(room, ".")
		for _, key := range beginnings {
			if strings.HasPrefix(room, key) && (len(key) > len(name) || !names[name]) {
				return key
			}
		}
		if names[name] {
			return name
		}
		return fallback
	}
}

// isBeginning reports whether a key is for all rooms whose names begin with it.
func isBeginning(key string) bool {
	last, _ := utf8.DecodeLastRuneInString(key)
	return !unicode.IsLetter(last) && !unicode.IsDigit(last)
}
