package yjs

import (
	"slices"
	"sort"
)

// span is the clocks from (included) to (not) of one client.
type span struct{ from, to uint64 }

// spans are in order and don't touch one another.
type spans []span

// add adds x, which may overlap others.
func (s spans) add(x span) spans {
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= x.from })
	j := i + sort.Search(len(s)-i, func(n int) bool { return s[i+n].from > x.to })
	if i < j {
		x.from, x.to = min(x.from, s[i].from), max(x.to, s[j-1].to)
	}
	return slices.Replace(s, i, j, x)
}
