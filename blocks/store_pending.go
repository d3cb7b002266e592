package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// pendingRange returns the range of the pending runs that overlap or touch a section.
func (c *client) pendingRange(sec *section) (from, to int) {
	from = sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end >= sec.clock })
	to = from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() > sec.end })
	return from, to
}

// pendingOverlap returns those runs.
func (c *client) pendingOverlap(sec *section) []*run {
	from, to := c.pendingRange(sec)
	return c.pending[from:to]
}

// eachUnknown calls yield with the parts of src's blocks from clock on that are not in
// held, in order.
func eachUnknown(src blockIter, clock uint64, held []*run, yield func(*block)) {
	for b := src.next(); b != nil; b = src.next() {
		if b.end() <= clock {
			continue
		}
		rest := b.from(clock)
		for len(held) > 0 && held[0].end <= rest.clock {
			held = held[1:]
		}
		for len(held) > 0 && held[0].start() < rest.end() {
			if h := held[0]; rest.clock < h.start() {
				part := rest
				rest = part.split(h.start() - part.clock)
				yield(&part)
			}
			if held[0].end >= rest.end() {
				rest.len = 0
				break
			}
			rest = rest.from(held[0].end)
			held = held[1:]
		}
		if rest.len > 0 {
			yield(&rest)
		}
	}
}

// addPending adds the section's blocks from clock on to the pending ones, except those
// that are known.
func (c *client) addPending(clock uint64, sec *section) {
	from, to := c.pendingRange(sec)
	held := c.pending[from:to]
	before := pendingCostOf(held)
	var runs []*run
	eachUnknown(iterSection(sec), clock, held, func(b *block) {
		for len(held) > 0 && held[0].end <= b.clock {
			runs = append(runs, held[0])
			held = held[1:]
		}
		runs = appendToRuns(runs, b)
	})
	runs = append(runs, held...)
	c.pendingCost += pendingCostOf(runs) - before
	c.pending = slices.Replace(c.pending, from, to, runs...)
}

// appendToRuns appends b, which must be after all blocks of runs.
func appendToRuns(runs []*run, b *block) []*run {
	last := len(runs) - 1
	if last < 0 || runs[last].end != b.clock {
		runs = append(runs, new(run))
		last++
	}
	runs[last].push(b)
	return runs
}

// newPendingCost estimates by how much an update would increase pendingCost.
func (s *Store) newPendingCost(in *parsedUpdate) (cost int) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c.readyEnd() >= sec.end {
			continue
		}
		eachUnknown(iterSection(sec), c.readyEnd(), c.pendingOverlap(sec), func(b *block) {
			cost += runCost + chunkSize + blockSize + len(b.parent) + len(b.content)
			cost += splitSize * (2 * len(b.content) / blockBytes) // run.push splits a long block
		})
	}
	for _, d := range in.deletions {
		c := s.find(d.client)
		ready := c.readyEnd()
		if d.prepared != nil && c.section.end == ready {
			continue
		}
		for _, x := range slices.Backward(d.read()) {
			if x.To <= ready {
				break
			}
			x.From = max(x.From, ready)
			c.eachUndeleted(x, func(clocks.Span) { cost += spanCost })
		}
	}
	return cost
}

// The cost of a pending run or span in addition to its bytes. It includes moving them when
// others are inserted before them, and what deletions add that split blocks once they are
// integrated.
const (
	runCost  = 448
	spanCost = 2*splitSize + spanSize + 16

	// costOfByte is more than a byte of an update can cost: the encoding of a block
	// takes at least two bytes, and so does that of a span. That of a client takes at
	// least four.
	costOfByte = (runCost+chunkSize+blockSize)/2 + clientSize/4
)

func pendingCostOf(runs []*run) (n int) {
	for _, r := range runs {
		n += runCost + r.cost()
	}
	return n
}
