// Package ids reads which elements updates have and which they delete, and compares the
// results. With it, a worker checks that a snapshot lacks nothing of the entries that it
// replaces, and an import checks that nothing of the imported update is lost.
//
// The package has a decoder of its own, which shares with package blocks only the
// primitives of package lib0. If the decoder of blocks leaves out a part of an update, the
// comparison finds that.
//
// The format is that of yjs 13.6 (src/utils/UpdateDecoder.js, src/structs/*.js).
package ids

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
)

// A Set is elements, and deletions of elements. An element that was deleted without a
// trace of its content (a GC block) is in both. The zero value is empty.
type Set struct {
	elements, deleted map[uint64][]clocks.Span // by client, in any order until they are sorted
}

// add adds a span to the spans of a client.
func add(to *map[uint64][]clocks.Span, client uint64, x clocks.Span) {
	if x.From >= x.To {
		return
	}
	if *to == nil {
		*to = make(map[uint64][]clocks.Span)
	}
	spans := (*to)[client]
	if last := len(spans) - 1; last >= 0 && spans[last].To == x.From {
		spans[last].To = x.To
		return
	}
	(*to)[client] = append(spans, x)
}

// A MissingError is a part of a Set that another one lacks.
type MissingError struct {
	Client, From, To uint64
	Deletion         bool // only the deletion of these elements is missing
}

// Error describes what is missing.
func (m *MissingError) Error() string {
	what := "elements"
	if m.Deletion {
		what = "deletions of elements"
	}
	return fmt.Sprintf("%s %d to %d of client %d are missing", what, m.From, m.To-1, m.Client)
}

// In returns a *MissingError if other lacks elements or deletions of s, or nil. It puts the
// spans of both in order.
func (s *Set) In(other *Set) error {
	if m := missing(s.elements, other.elements); m != nil {
		return m
	}
	if m := missing(s.deleted, other.deleted); m != nil {
		m.Deletion = true
		return m
	}
	return nil
}

// missing returns the first part of want that have lacks, or nil.
func missing(want, have map[uint64][]clocks.Span) *MissingError {
	for _, client := range slices.Sorted(maps.Keys(want)) {
		held := tidy(have[client])
		for _, x := range tidy(want[client]) {
			for len(held) > 0 && held[0].To <= x.From {
				held = held[1:]
			}
			to := x.To
			if len(held) > 0 {
				if held[0].From <= x.From && held[0].To >= x.To {
					continue
				}
				if held[0].From <= x.From {
					x.From = held[0].To
					held = held[1:]
				}
				if len(held) > 0 {
					to = min(to, held[0].From)
				}
			}
			return &MissingError{Client: client, From: x.From, To: to}
		}
	}
	return nil
}

// tidy puts spans in order and joins those that overlap or touch. It changes spans, which
// the result aliases.
func tidy(spans []clocks.Span) []clocks.Span {
	slices.SortFunc(spans, func(a, b clocks.Span) int { return cmp.Compare(a.From, b.From) })
	joined := spans[:0]
	for _, x := range spans {
		if last := len(joined) - 1; last >= 0 && joined[last].To >= x.From {
			joined[last].To = max(joined[last].To, x.To)
			continue
		}
		joined = append(joined, x)
	}
	return joined
}

// Overlap reports whether an update has any of the elements, whose spans are by client.
func Overlap(update []byte, v2 bool, elements map[uint64]clocks.Spans) (bool, error) {
	var s Set
	if err := s.Add(update, v2); err != nil {
		return false, err
	}
	for client, spans := range s.elements {
		held := elements[client]
		for _, x := range spans {
			if i := held.Search(x.From + 1); i < len(held) && held[i].From < x.To {
				return true, nil
			}
		}
	}
	return false, nil
}

// end adds a length to a clock. Lengths may be forged.
func end(clock, length uint64) uint64 {
	if length > math.MaxUint64-clock {
		return math.MaxUint64
	}
	return clock + length
}
