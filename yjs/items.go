package yjs

import (
	"math/bits"
	"slices"
	"sort"
)

// chunkItems is how many items a chunk has at most: with what the allocator adds, it
// takes 2 KiB.
const chunkItems = 127

// items are those of one client in clock order, without a gap, from clock 0 on.
// They are in chunks, so that one can be put between two others.
type items struct {
	chunks [][]slot
	recent int // the chunk in which an item was last found
	at     int // and which item of it searchOn found
}

// slot holds the item's clock again so that a search need not look at items.
type slot struct {
	clock uint64
	it    *item
}

// search finds the item that holds clock, which there is.
func (s *items) search(clock uint64) (c, i int) {
	c = s.recent
	if c >= len(s.chunks) || s.chunks[c][0].clock > clock || c+1 < len(s.chunks) && s.chunks[c+1][0].clock <= clock {
		c = sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i][0].clock > clock }) - 1
		s.recent = c
	}
	chunk := s.chunks[c]
	for n := len(chunk); n > 1; {
		half := n / 2
		_, behind := bits.Sub64(clock, chunk[i+half].clock, 0)
		i += half & (int(behind) - 1) // no branch, as nobody can guess which way
		n -= half
	}
	return c, i
}

// searchOn is search for clocks that as a rule are a little behind the last one.
func (s *items) searchOn(clock uint64) (c, i int) {
	if s.recent < len(s.chunks) {
		chunk := s.chunks[s.recent]
		for i := s.at; i+1 < len(chunk) && chunk[i].clock <= clock; i++ {
			if clock < chunk[i+1].clock {
				s.at = i
				return s.recent, i
			}
		}
	}
	c, s.at = s.search(clock)
	return c, s.at
}

// find gives the item that holds clock, which there is.
func (s *items) find(clock uint64) *item {
	c, i := s.search(clock)
	return s.chunks[c][i].it
}

// push appends an item.
func (s *items) push(it *item) {
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) >= chunkItems {
		s.chunks = append(s.chunks, nil)
		last++
		if last > 0 {
			s.chunks[last] = make([]slot, 0, chunkItems)
		}
	}
	s.chunks[last] = append(s.chunks[last], slot{it.clock, it})
}

// insert puts an item among the others. The one that holds its clock has been
// made to end there.
func (s *items) insert(it *item) {
	c, i := s.search(it.clock)
	if len(s.chunks[c]) >= chunkItems {
		const half = chunkItems / 2
		full := s.chunks[c]
		rest := append(make([]slot, 0, chunkItems), full[half:]...)
		clear(full[half:])
		s.chunks[c] = full[:half]
		s.chunks = slices.Insert(s.chunks, c+1, rest)
		if i >= half {
			c, i = c+1, i-half
		}
	}
	s.chunks[c] = slices.Insert(s.chunks[c], i+1, slot{it.clock, it})
}

// removeAt takes item i of chunk c out.
func (s *items) removeAt(c, i int) {
	if s.chunks[c] = slices.Delete(s.chunks[c], i, i+1); len(s.chunks[c]) == 0 {
		s.chunks = slices.Delete(s.chunks, c, c+1)
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
			if !yield(x.it) {
				return
			}
		}
	}
}
