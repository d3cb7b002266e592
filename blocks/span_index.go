package blocks

import (
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// spanIndex is a set of elements of one client: those that are deleted, or those that are
// integrated. Its spans are held in parts of bounded length, so that an insertion moves
// only few of them.
//
// What was loaded stays encoded, as the spans are in an update, until a span is looked
// up.
type spanIndex struct {
	encoded encodedSpans
	parts   []clocks.Spans
	n       int     // the number of spans in parts
	hint    spanPos // the last result of find; the next is usually close
}

// encodedSpans is n spans in the encoding of updates.
type encodedSpans struct {
	n    int
	wire []byte
}

func (c *encodedSpans) each(yield func(clocks.Span)) {
	r := lib0.Reread(c.wire)
	for range c.n {
		from, length := r.Uint(), r.Uint()
		yield(clocks.Span{From: from, To: from + length})
	}
}

// decode turns the encoded spans into parts.
func (s *spanIndex) decode() {
	if closed := s.encoded; closed.n > 0 {
		s.encoded = encodedSpans{}
		closed.each(s.push)
	}
}

// spanPos is the position of a span: the part, and the index in it.
type spanPos struct{ part, i int }

const partSpans = 128

// endsBefore reports whether all spans end before clock.
func (s *spanIndex) endsBefore(clock uint64) bool {
	n := len(s.parts)
	return n == 0 || s.parts[n-1].End() < clock
}

// find returns the position of the first span that ends at or after clock. There must
// be one.
func (s *spanIndex) find(clock uint64) spanPos {
	for range 2 {
		if s.isFirst(s.hint, clock) {
			return s.hint
		}
		s.hint.i++
	}
	i, j := 0, len(s.parts)
	for i < j {
		if mid := (i + j) / 2; s.parts[mid].End() < clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	s.hint = spanPos{i, s.parts[i].Search(clock)}
	return s.hint
}

// isFirst reports whether find(clock) returns at.
func (s *spanIndex) isFirst(at spanPos, clock uint64) bool {
	if at.part >= len(s.parts) || at.i >= len(s.parts[at.part]) || s.parts[at.part][at.i].To < clock {
		return false
	}
	if at.i > 0 {
		return s.parts[at.part][at.i-1].To < clock
	}
	return at.part == 0 || s.parts[at.part-1].End() < clock
}

// gap returns the first part of x that is not in s, or an empty span if all of x is.
func (s *spanIndex) gap(x clocks.Span) clocks.Span {
	s.decode()
	if s.endsBefore(x.From) {
		return x
	}
	at := s.find(x.From)
	for ; at.part < len(s.parts); at = (spanPos{at.part + 1, 0}) {
		for _, held := range s.parts[at.part][at.i:] {
			if x.From < held.From || x.From >= x.To {
				return clocks.Span{From: x.From, To: min(x.To, max(x.From, held.From))}
			}
			x.From = min(x.To, held.To)
		}
	}
	return x
}

// holding returns the span that holds clock, and reports whether there is one.
func (s *spanIndex) holding(clock uint64) (x clocks.Span, ok bool) {
	s.decode()
	if s.endsBefore(clock + 1) {
		return x, false
	}
	at := s.find(clock + 1)
	x = s.parts[at.part][at.i]
	return x, x.From <= clock
}

// around returns the gap between spans that holds clock.
func (s *spanIndex) around(clock uint64) clocks.Span {
	at := s.find(clock + 1)
	x := clocks.Span{To: s.parts[at.part][at.i].From}
	switch {
	case at.i > 0:
		x.From = s.parts[at.part][at.i-1].To
	case at.part > 0:
		x.From = s.parts[at.part-1].End()
	}
	return x
}

// gaps calls yield with the parts of x that are not in s, in order.
func (s *spanIndex) gaps(x clocks.Span, yield func(clocks.Span)) {
	for x.From < x.To {
		open := s.gap(x)
		if open.From == open.To {
			return
		}
		yield(open)
		x.From = open.To
	}
}

// add adds x, no part of which may be in s.
func (s *spanIndex) add(x clocks.Span) {
	s.decode()
	if s.endsBefore(x.From) {
		s.push(x)
		return
	}
	at := s.find(x.From)
	p := s.parts[at.part]
	switch held := &p[at.i]; {
	case held.To == x.From:
		held.To = x.To
		if next := s.next(at); next != nil && next.From == x.To {
			next.From = held.From
			s.remove(at)
		}
	case held.From == x.To:
		held.From = x.From
	case len(p) < partSpans:
		s.parts[at.part] = slices.Insert(p, at.i, x)
		s.n++
	default:
		s.parts = slices.Insert(s.parts, at.part+1, slices.Clone(p[partSpans/2:]))
		s.parts[at.part] = slices.Clone(p[:partSpans/2])
		s.add(x)
	}
}

// push adds x, which must be after all spans of s and not touch them. s must be
// decoded.
func (s *spanIndex) push(x clocks.Span) {
	s.n++
	last := len(s.parts) - 1
	switch {
	case last < 0:
		s.parts = append(s.parts, clocks.Spans{x})
	case len(s.parts[last]) < partSpans:
		s.parts[last] = append(s.parts[last], x)
	default:
		s.parts = append(s.parts, append(make(clocks.Spans, 0, partSpans), x))
	}
}

// next returns the span after the one at at, or nil if there is none.
func (s *spanIndex) next(at spanPos) *clocks.Span {
	switch {
	case at.i+1 < len(s.parts[at.part]):
		return &s.parts[at.part][at.i+1]
	case at.part+1 < len(s.parts):
		return &s.parts[at.part+1][0]
	}
	return nil
}

func (s *spanIndex) remove(at spanPos) {
	s.n--
	if p := slices.Delete(s.parts[at.part], at.i, at.i+1); len(p) > 0 {
		s.parts[at.part] = p
	} else {
		s.parts = slices.Delete(s.parts, at.part, at.part+1)
	}
}

// count returns the number of spans.
func (s *spanIndex) count() int { return s.encoded.n + s.n }
