package docsite

import (
	"strconv"
	"strings"
	"unicode"
)

// IDs assigns ids to the headings of one page by the rule of GitHub, so that links to
// headings work on the site and on GitHub.
type IDs struct{ taken map[string]bool }

// Of returns the id of the next heading with this text.
func (ids *IDs) Of(text string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	if ids.taken == nil {
		ids.taken = map[string]bool{}
	}
	unique := id
	for n := 1; ids.taken[unique]; n++ {
		unique = id + "-" + strconv.Itoa(n)
	}
	ids.taken[unique] = true
	return unique
}
