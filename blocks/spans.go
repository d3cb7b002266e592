package blocks

import (
	"cmp"
	"slices"
	"sort"
)

// span is the clocks from (included) to (not).
type span struct{ from, to uint64 }

// spans are in order and don't touch one another.
type spans []span

// search finds the first span that ends behind clock.
func (s spans) search(clock uint64) int {
	i, j := 0, len(s)
	for i < j {
		if mid := (i + j) / 2; s[mid].to <= clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// end is the end of the last span, of which there is one.
func (s spans) end() uint64 { return s[len(s)-1].to }

// gaps calls yield with the parts of x that s leaves open, in order, and gives
// the part behind all of s, which is open as well.
func (s spans) gaps(x span, yield func(span)) (rest span) {
	for i := s.search(x.from); i < len(s) && s[i].from < x.to; i++ {
		if x.from < s[i].from {
			yield(span{x.from, s[i].from})
		}
		x.from = min(s[i].to, x.to)
	}
	return x
}

// union gives s with all of more, of which there is some; it may reorder more
// and change s. It looks only at the part of s that more lies in.
func (s spans) union(more []span) spans {
	byFrom := func(a, b span) int { return cmp.Compare(a.from, b.from) }
	if !slices.IsSortedFunc(more, byFrom) {
		slices.SortFunc(more, byFrom)
	}
	last := slices.MaxFunc(more, func(a, b span) int { return cmp.Compare(a.to, b.to) })
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= more[0].from })
	j := i + sort.Search(len(s)-i, func(n int) bool { return s[i+n].from > last.to })
	return slices.Replace(s, i, j, join(s[i:j], more)...)
}

// add gives s with x, which is behind all of s or touches its end.
func (s spans) add(x span) spans {
	if last := len(s) - 1; last >= 0 && s[last].to == x.from {
		s[last].to = x.to
		return s
	}
	return append(s, x)
}

// join gives what is in one of two ordered lists.
func join(s, more []span) []span {
	out := make([]span, 0, len(s)+len(more))
	for len(s) > 0 || len(more) > 0 {
		var x span
		if len(more) == 0 || len(s) > 0 && s[0].from <= more[0].from {
			x, s = s[0], s[1:]
		} else {
			x, more = more[0], more[1:]
		}
		if last := len(out) - 1; last >= 0 && x.from <= out[last].to {
			out[last].to = max(out[last].to, x.to)
		} else {
			out = append(out, x)
		}
	}
	return out
}

// behind gives the part of s from clock on. It may change s.
func (s spans) behind(clock uint64) spans {
	s = s[s.search(clock):]
	if len(s) > 0 && s[0].from < clock {
		s[0].from = clock
	}
	return s
}
