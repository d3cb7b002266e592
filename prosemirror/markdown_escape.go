package prosemirror

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapeText returns a text with a backslash before each character that would have a
// meaning in the middle of a line. Control characters become entities.
func escapeText(text string) string {
	var b strings.Builder
	last := rune(0)
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		next, size := utf8.DecodeRuneInString(text[i+size:])
		if size == 0 {
			next = 0
		}
		switch {
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "&#%d;", r)
			last = r
			continue
		case strings.ContainsRune("\\`*[]~|", r),
			r == '_' && !(isWord(last) && isWord(next)),
			r == '<' && (next == 0 || strings.ContainsRune("/!?", next) || isWord(next)),
			r == '&' && (next == 0 || next == '#' || isWord(next)),
			r == '!' && next == 0,
			r == ':' && (next == 0 || next == '/'), // these are the links that GFM finds in a text
			r == '@' && !unicode.IsSpace(last),
			r == '.' && strings.EqualFold(text[max(i-len("www"), 0):i], "www"):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// escapeLine returns a line of a paragraph with a backslash where its beginning would
// have a meaning, and with entities for the spaces at its ends.
func escapeLine(line string) string {
	if strings.HasSuffix(line, " ") {
		line = line[:len(line)-1] + "&#32;"
	}
	if line == "" {
		return line
	}
	switch line[0] {
	case ' ':
		return "&#32;" + line[1:]
	case '#', '+', '-', '>', '=', ':':
		return `\` + line
	}
	if digits := len(line) - len(strings.TrimLeft(line, "0123456789")); digits > 0 && digits < len(line) && strings.ContainsRune(".)", rune(line[digits])) {
		return line[:digits] + `\` + line[digits:]
	}
	return line
}

// escapeInfo returns the info string of a code block.
func escapeInfo(info string) string {
	return escapePunctuation(info, "\\&`~|<>*_[]\"'")
}

// escapePunctuation returns a text within one line, with a backslash before some of its
// characters.
func escapePunctuation(text, special string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r < ' ' || r == 0x7f || r == ' ' && (i == 0 || i == len(text)-1):
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		case strings.ContainsRune(special, r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// destination returns the address and the title of a link or an image, in parentheses.
func destination(address, title string) string {
	if plain := escapePunctuation(address, `\()&|`); address != "" && address[0] != '<' && !strings.ContainsAny(address, " ") && !strings.ContainsFunc(address, unicode.IsSpace) {
		address = plain
	} else {
		address = "<" + escapePunctuation(address, `\<>&|`) + ">"
	}
	if title != "" {
		address += ` "` + escapePunctuation(title, `\"&|`) + `"`
	}
	return "(" + address + ")"
}
