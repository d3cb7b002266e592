package blocks

import "slices"

// spanSet is many spans, in order, that don't touch one another. They are held
// in parts, so that a new one moves few.
type spanSet struct{ parts []spans }

const partSpans = 128

// part gives the index of the first part that ends at or behind clock.
func (s *spanSet) part(clock uint64) int {
	i, j := 0, len(s.parts)
	for i < j {
		if mid := (i + j) / 2; s.parts[mid].end() < clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// gaps calls yield with the parts of x that s leaves open, in order.
func (s *spanSet) gaps(x span, yield func(span)) {
	for i := s.part(x.from); i < len(s.parts) && x.from < x.to; i++ {
		if x = s.parts[i].gaps(x, yield); s.parts[i].end() >= x.to {
			break
		}
	}
	if x.from < x.to {
		yield(x)
	}
}

// gap gives the first part of x that s leaves open; an empty one: there is none.
func (s *spanSet) gap(x span) span {
	for i := s.part(x.from); i < len(s.parts) && x.from < x.to; i++ {
		p := s.parts[i]
		for j := p.search(x.from); j < len(p); j++ {
			if x.from < p[j].from {
				return span{x.from, min(x.to, p[j].from)}
			}
			x.from = min(x.to, p[j].to)
		}
	}
	return x
}

// add adds x, of which nothing is in s.
func (s *spanSet) add(x span) {
	i := s.part(x.from)
	if i == len(s.parts) {
		s.push(x)
		return
	}
	p := s.parts[i]
	j := p.search(x.from)
	if j > 0 && p[j-1].to == x.from {
		j--
	}
	switch {
	case p[j].to == x.from:
		p[j].to = x.to
		if next := s.next(i, j); next != nil && next.from == x.to {
			next.from = p[j].from
			s.remove(i, j)
		}
	case p[j].from == x.to:
		p[j].from = x.from
	case len(p) < partSpans:
		s.parts[i] = slices.Insert(p, j, x)
	default:
		s.parts = slices.Insert(s.parts, i+1, slices.Clone(p[partSpans/2:]))
		s.parts[i] = slices.Clone(p[:partSpans/2])
		s.add(x)
	}
}

// push adds x, which is behind all that is in s and doesn't touch it.
func (s *spanSet) push(x span) {
	if last := len(s.parts) - 1; last >= 0 && len(s.parts[last]) < partSpans {
		s.parts[last] = append(s.parts[last], x)
		return
	}
	s.parts = append(s.parts, spans{x})
}

// next gives the span behind number j of part i.
func (s *spanSet) next(i, j int) *span {
	switch {
	case j+1 < len(s.parts[i]):
		return &s.parts[i][j+1]
	case i+1 < len(s.parts):
		return &s.parts[i+1][0]
	}
	return nil
}

func (s *spanSet) remove(i, j int) {
	if s.parts[i] = slices.Delete(s.parts[i], j, j+1); len(s.parts[i]) == 0 {
		s.parts = slices.Delete(s.parts, i, i+1)
	}
}

func (s *spanSet) count() (n int) {
	for _, p := range s.parts {
		n += len(p)
	}
	return n
}
