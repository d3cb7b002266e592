package yjs

import (
	"math/bits"
	"slices"
)

// chunkItems is the greatest number of items of a chunk. With the allocator's overhead,
// pointers to them take 1 KiB.
const chunkItems = 127

// items holds the items of one client in clock order. They are in chunks, so that inserting an item is cheap.
type items struct {
	chunks []chunk
	starts []uint64 // the clock of the first item of each chunk
	recent int      // the chunk of the item that was found last
	at     int      // about where in that chunk it was
}

// chunk holds successive items of a client. If they follow each other in memory, as most
// items of an update do, they are run, and list is empty. Otherwise run is empty.
type chunk struct {
	run  []item
	list []*item
}

func (c *chunk) len() int { return len(c.run) + len(c.list) }

func (c *chunk) item(i int) *item {
	if i < len(c.run) {
		return &c.run[i]
	}
	return c.list[i]
}

// listed returns the chunk's items as a list, which has room for at least n items.
func (c *chunk) listed(n int) []*item {
	if len(c.run) > 0 {
		c.list = make([]*item, len(c.run), n)
		for i := range c.run {
			c.list[i] = &c.run[i]
		}
		c.run = nil
	}
	return c.list
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
	i = s.chunks[c].search(clock)
	s.at = i
	return c, i
}

// search returns the index of the last item that begins at or before clock, or 0.
func (c *chunk) search(clock uint64) (i int) {
	for n := len(c.run); n > 1; {
		half := n / 2
		i += past(c.run[i+half].clock, clock, half)
		n -= half
	}
	for n := len(c.list); n > 1; {
		half := n / 2
		i += past(c.list[i+half].clock, clock, half)
		n -= half
	}
	return i
}

// searchNear is search for an item that was found last, or that follows it closely in its
// chunk.
func (s *items) searchNear(clock uint64) (i int, ok bool) {
	chunk := &s.chunks[s.recent]
	for i := s.at; i < min(s.at+3, chunk.len()-1) && chunk.item(i).clock <= clock; i++ {
		if clock < chunk.item(i+1).clock {
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
		chunk := &s.chunks[s.recent]
		for i := s.at; i+1 < chunk.len() && chunk.item(i).clock <= clock; i++ {
			if clock < chunk.item(i+1).clock {
				return s.recent, i
			}
		}
	}
	return s.search(clock)
}

// find returns the item that search finds: the one that holds clock, if there is one.
func (s *items) find(clock uint64) *item {
	c, i := s.search(clock)
	return s.chunks[c].item(i)
}

// push appends an item, which may be the one that was removed last from the queue.
func (s *items) push(it *item, from *queue) {
	if len(s.chunks) == 0 {
		if run := from.popped(it); run != nil {
			s.begin(chunk{run: run[:1]})
		} else {
			s.begin(chunk{list: []*item{it}})
		}
		return
	}
	last := &s.chunks[len(s.chunks)-1]
	n := last.len()
	if 0 < len(last.run) && n < chunkItems && extendTo(&last.run, it) {
		return
	}
	if n >= fewItems {
		if run := from.popped(it); run != nil {
			s.begin(chunk{run: run[:1]})
			return
		}
	}
	switch {
	case n >= chunkItems || n >= fewItems && len(last.run) > 0:
		s.begin(chunk{list: append(make([]*item, 0, chunkItems), it)})
	case len(s.chunks) == 1:
		last.list = append(last.listed(2*n), it)
	default:
		last.list = append(last.listed(chunkItems), it)
	}
}

// fewItems is how many items a chunk has at least before another begins: a run that ends
// earlier becomes a list.
const fewItems = chunkItems / 4

// begin appends a chunk, which must not be empty.
func (s *items) begin(c chunk) {
	s.chunks, s.starts = append(s.chunks, c), append(s.starts, c.item(0).clock)
}

// insert inserts an item among the others.
func (s *items) insert(it *item) {
	c, i := s.search(it.clock)
	if s.chunks[c].item(i).clock > it.clock { // it becomes the first one
		i--
		s.starts[c] = it.clock
	}
	list := s.chunks[c].listed(chunkItems)
	if len(list) >= chunkItems {
		const half = chunkItems / 2
		rest := append(make([]*item, 0, chunkItems), list[half:]...)
		clear(list[half:])
		s.chunks[c].list = list[:half]
		s.chunks, s.starts = slices.Insert(s.chunks, c+1, chunk{list: rest}), slices.Insert(s.starts, c+1, rest[0].clock)
		if i >= half {
			c, i = c+1, i-half
		}
	}
	s.chunks[c].list = slices.Insert(s.chunks[c].list, i+1, it)
}

// removeAt removes item i of chunk c.
func (s *items) removeAt(c, i int) {
	x := &s.chunks[c]
	if n := len(x.run); n > 0 && i == n-1 {
		x.run = x.run[:n-1]
	} else {
		x.list = slices.Delete(x.listed(n), i, i+1)
	}
	if x.len() == 0 {
		s.chunks, s.starts = slices.Delete(s.chunks, c, c+1), slices.Delete(s.starts, c, c+1)
	} else if i == 0 {
		s.starts[c] = x.item(0).clock
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
		for ; i < s.chunks[c].len(); i++ {
			if !yield(s.chunks[c].item(i)) {
				return
			}
		}
	}
}
