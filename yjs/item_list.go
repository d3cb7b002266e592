package yjs

import (
	"math/bits"
	"slices"
)

// chunkItems is how many items a chunk has at most: with what the allocator adds, it
// takes 1 KiB.
const chunkItems = 127

// items are those of one client in clock order, without a gap, from clock 0 on.
// They are in chunks, so that one can be put between two others.
type items struct {
	chunks [][]*item
	starts []uint64 // the clock at which each chunk begins
	recent int      // the chunk in which an item was last found
	at     int      // where in it searchOn begins
}

// search finds the item that holds clock, which there is.
func (s *items) search(clock uint64) (c, i int) {
	c = s.recent
	if c >= len(s.starts) || s.starts[c] > clock || c+1 < len(s.starts) && s.starts[c+1] <= clock {
		c = 0
		for n := len(s.starts); n > 1; {
			half := n / 2
			c += past(s.starts[c+half], clock, half)
			n -= half
		}
		s.recent = c
	}
	chunk := s.chunks[c]
	for n := len(chunk); n > 1; {
		half := n / 2
		i += past(chunk[i+half].clock, clock, half)
		n -= half
	}
	return c, i
}

// past gives n where clock isn't before start, and else 0. It has no branch, as in a
// search nobody can guess which.
func past(start, clock uint64, n int) int {
	_, before := bits.Sub64(clock, start, 0)
	return n & (int(before) - 1)
}

// searchOn is search for clocks that as a rule are a little behind where at is.
func (s *items) searchOn(clock uint64) (c, i int) {
	if s.recent < len(s.chunks) {
		chunk := s.chunks[s.recent]
		for i := s.at; i+1 < len(chunk) && chunk[i].clock <= clock; i++ {
			if clock < chunk[i+1].clock {
				return s.recent, i
			}
		}
	}
	return s.search(clock)
}

// find gives the item that holds clock, which there is.
func (s *items) find(clock uint64) *item {
	c, i := s.search(clock)
	return s.chunks[c][i]
}

// push appends an item.
func (s *items) push(it *item) {
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) >= chunkItems {
		s.chunks, s.starts = append(s.chunks, nil), append(s.starts, it.clock)
		last++
		if last > 0 {
			s.chunks[last] = make([]*item, 0, chunkItems)
		}
	}
	s.chunks[last] = append(s.chunks[last], it)
}

// insert puts an item among the others. The one that holds its clock has been
// made to end there.
func (s *items) insert(it *item) {
	c, i := s.search(it.clock)
	if len(s.chunks[c]) >= chunkItems {
		const half = chunkItems / 2
		full := s.chunks[c]
		rest := append(make([]*item, 0, chunkItems), full[half:]...)
		clear(full[half:])
		s.chunks[c] = full[:half]
		s.chunks, s.starts = slices.Insert(s.chunks, c+1, rest), slices.Insert(s.starts, c+1, rest[0].clock)
		if i >= half {
			c, i = c+1, i-half
		}
	}
	s.chunks[c] = slices.Insert(s.chunks[c], i+1, it)
}

// removeAt takes item i of chunk c out.
func (s *items) removeAt(c, i int) {
	if s.chunks[c] = slices.Delete(s.chunks[c], i, i+1); len(s.chunks[c]) == 0 {
		s.chunks, s.starts = slices.Delete(s.chunks, c, c+1), slices.Delete(s.starts, c, c+1)
	} else if i == 0 {
		s.starts[c] = s.chunks[c][0].clock
	}
}

// from calls yield with the items from the one on that holds clock, if there is
// one. yield must not insert or remove items but behind the one that it has.
func (s *items) from(clock uint64, yield func(*item) bool) {
	if len(s.chunks) == 0 {
		return
	}
	c, i := s.search(clock)
	for ; c < len(s.chunks); c, i = c+1, 0 {
		for _, x := range s.chunks[c][i:] {
			if !yield(x) {
				return
			}
		}
	}
}
