// Package clocks holds sets and queues of clocks. A clock numbers the elements
// that one Yjs client has inserted, from 0 on.
package clocks

import (
	"cmp"
	"slices"
	"sort"
)

// Span is the clocks of one client from From, included, to To, excluded.
type Span struct{ From, To uint64 }

// Spans is a set of clocks: spans in ascending order, of which no two overlap or
// touch. The zero value is the empty set.
type Spans []Span

// Search returns the index of the first span that ends at or after clock, or
// len(s) if there is none.
func (s Spans) Search(clock uint64) int {
	i, j := 0, len(s)
	for i < j {
		if mid := (i + j) / 2; s[mid].To < clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// End returns the end of the last span. s must not be empty.
func (s Spans) End() uint64 { return s[len(s)-1].To }

// Gaps calls yield with the parts of x that are not in s and end before the end
// of s, in order. It returns the part of x after the end of s.
func (s Spans) Gaps(x Span, yield func(Span)) (rest Span) {
	for i := s.Search(x.From); i < len(s) && s[i].From < x.To; i++ {
		if x.From < s[i].From {
			yield(Span{x.From, s[i].From})
		}
		x.From = min(max(x.From, s[i].To), x.To)
	}
	return x
}

// Add returns s with x, which may overlap other spans. It may change s.
func (s Spans) Add(x Span) Spans {
	if len(s) == 0 || s.End() < x.From {
		return append(s, x)
	}
	i, j := s.overlap(x)
	if i < j {
		x.From, x.To = min(x.From, s[i].From), max(x.To, s[j-1].To)
	}
	return slices.Replace(s, i, j, x)
}

// Union returns s with all of more, which must not be empty but may be in any
// order and may overlap. It may change s and reorder more. It takes time
// linear in more, if that is in order, and in the part of s that more covers.
func (s Spans) Union(more []Span) Spans {
	byFrom := func(a, b Span) int { return cmp.Compare(a.From, b.From) }
	if !slices.IsSortedFunc(more, byFrom) {
		slices.SortFunc(more, byFrom)
	}
	last := slices.MaxFunc(more, func(a, b Span) int { return cmp.Compare(a.To, b.To) })
	i, j := s.overlap(Span{more[0].From, last.To})
	return slices.Replace(s, i, j, merge(s[i:j], more)...)
}

// overlap returns the range of the spans that overlap or touch x.
func (s Spans) overlap(x Span) (i, j int) {
	i = s.Search(x.From)
	return i, i + sort.Search(len(s)-i, func(n int) bool { return s[i+n].From > x.To })
}

// merge returns the union of two lists, each in ascending order of From.
func merge(a, b []Span) []Span {
	out := make([]Span, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var x Span
		if len(b) == 0 || len(a) > 0 && a[0].From <= b[0].From {
			x, a = a[0], a[1:]
		} else {
			x, b = b[0], b[1:]
		}
		if last := len(out) - 1; last >= 0 && x.From <= out[last].To {
			out[last].To = max(out[last].To, x.To)
		} else {
			out = append(out, x)
		}
	}
	return out
}

// After returns the part of s from clock on. It may change s, which the result
// aliases.
func (s Spans) After(clock uint64) Spans {
	s = s[s.Search(clock+1):]
	if len(s) > 0 && s[0].From < clock {
		s[0].From = clock
	}
	return s
}
