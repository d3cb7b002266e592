package yjs

import (
	"math/bits"
	"slices"
)

// chunkItems is the greatest number of items of a chunk. With the allocator's overhead,
// it takes 1 KiB.
const chunkItems = 127

// items holds the items of one client in clock order. They are in chunks, so that inserting an item is cheap.
type items struct {
	chunks [][]*item
	starts []uint64 // the clock of the first item of each chunk
	recent int      // the chunk of the item that was found last
	at     int      // about where in that chunk it was
}

// search returns the chunk and the index in it of the last item that begins at or before
// clock, or those of the first item. There must be items.
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
	} else if i, ok := s.searchNear(clock); ok {
		return c, i
	}
	chunk := s.chunks[c]
	for n := len(chunk); n > 1; {
		half := n / 2
		i += past(chunk[i+half].clock, clock, half)
		n -= half
	}
	s.at = i
	return c, i
}

// searchNear is search for an item that was found last, or that follows it in its chunk.
func (s *items) searchNear(clock uint64) (i int, ok bool) {
	chunk := s.chunks[s.recent]
	for i := s.at; i < min(s.at+2, len(chunk)-1) && chunk[i].clock <= clock; i++ {
		if clock < chunk[i+1].clock {
			s.at = i
			return i, true
		}
	}
	return 0, false
}

// past returns n if clock is at or after start, and 0 otherwise. It has no branch,
// because branches of a binary search are unpredictable.
func past(start, clock uint64, n int) int {
	_, before := bits.Sub64(clock, start, 0)
	return n & (int(before) - 1)
}

// searchOn is search, optimized for a clock shortly after the item at recent and at.
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

// find returns the item that search finds: the one that holds clock, if there is one.
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

// insert inserts an item among the others.
func (s *items) insert(it *item) {
	c, i := s.search(it.clock)
	if s.chunks[c][i].clock > it.clock { // it becomes the first one
		i--
		s.starts[c] = it.clock
	}
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

// removeAt removes item i of chunk c.
func (s *items) removeAt(c, i int) {
	if s.chunks[c] = slices.Delete(s.chunks[c], i, i+1); len(s.chunks[c]) == 0 {
		s.chunks, s.starts = slices.Delete(s.chunks, c, c+1), slices.Delete(s.starts, c, c+1)
	} else if i == 0 {
		s.starts[c] = s.chunks[c][0].clock
	}
}

// from calls yield for each item from the one that search finds on, until yield returns
// false. yield may insert and remove items only after the one that it is called with.
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
