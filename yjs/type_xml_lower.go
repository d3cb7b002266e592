package yjs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// toLower returns s in lower case, as toLowerCase of JavaScript does for the letters that
// package unicode knows.
func toLower(s string) string {
	s = strings.ReplaceAll(s, "İ", "i\u0307")
	if !strings.Contains(s, "Σ") {
		return strings.ToLower(s)
	}
	var out strings.Builder
	for i, r := range s {
		if r == 'Σ' && endsWord(s[:i], s[i+len("Σ"):]) {
			r = 'ς'
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// endsWord reports whether a letter between before and after is the last one of a word, as
// Unicode defines it for the Greek sigma (Final_Sigma).
func endsWord(before, after string) bool {
	for before != "" {
		r, size := utf8.DecodeLastRuneInString(before)
		if before = before[:len(before)-size]; !ignoresCase(r) {
			return hasCase(r) && !startsWord(after)
		}
	}
	return false
}

// startsWord reports whether the first character of s that has to do with case has case.
func startsWord(s string) bool {
	for _, r := range s {
		if !ignoresCase(r) {
			return hasCase(r)
		}
	}
	return false
}

// hasCase is the property Cased of Unicode.
func hasCase(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// ignoresCase is the property Case_Ignorable of Unicode.
func ignoresCase(r rune) bool {
	return strings.ContainsRune("'.:·\u0387\u055f\u05f4‘’․‧︓﹒﹕＇．：", r) ||
		unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
