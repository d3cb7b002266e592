package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// collectPending replaces the pending elements that the plan refuses by GC blocks.
func (s *Store) collectPending() {
	for c, spans := range s.plan.collected {
		before := c.pendingCost
		c.collectPending(spans)
		s.pendingCost += c.pendingCost - before
	}
}

// touchesPending reports whether blocks become pending, or are no longer pending.
func (p *plan) touchesPending() bool {
	for _, c := range p.touched {
		if len(c.pending) > 0 && c.pending[0].start() < c.ready || c.section != nil && c.ready < c.section.end {
			return true
		}
	}
	return false
}

// ready encodes the blocks that the plan integrates, and the new deletions of the
// update.
func (s *Store) ready(in *parsedUpdate) []byte {
	news := New()
	for _, c := range s.plan.touched {
		var start sectionPos
		if c.section != nil {
			start.clock = c.section.clock
		}
		to, q := news.client(c.id), c.queue(c.blocks.end, start)
		for clock := c.blocks.end; clock < c.ready; {
			b := *q.at(clock)
			to.pending = appendToRuns(to.pending, &b)
			clock = b.end()
		}
	}
	s.addNewDeletions(news, in)
	return news.encode()
}

// mergeChecked merges two updates that were checked.
func mergeChecked(a, b []byte) []byte {
	merged, err := Merge(V1, a, b)
	if err != nil {
		panic(err)
	}
	return merged
}

// collectPending replaces pending elements of c by GC blocks. The spans must be in order.
func (c *client) collectPending(spans []clocks.Span) {
	if len(spans) == 0 {
		return
	}
	var cover []*run
	gc := func(x clocks.Span) *block {
		return &block{client: c.id, clock: x.From, len: x.To - x.From, kind: kindGC}
	}
	for _, x := range spans {
		cover = appendToRuns(cover, gc(x))
	}
	from := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > spans[0].From })
	to := from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() >= spans[len(spans)-1].To })
	held := c.pending[from:to]
	var runs []*run
	eachUnknown(iterRuns(c.id, held, 0), 0, cover, func(b *block) {
		for len(spans) > 0 && spans[0].From < b.clock {
			runs = appendToRuns(runs, gc(spans[0]))
			spans = spans[1:]
		}
		runs = appendToRuns(runs, b)
	})
	for _, x := range spans {
		runs = appendToRuns(runs, gc(x))
	}
	c.pendingCost += pendingCostOf(runs) - pendingCostOf(held)
	c.pending = slices.Replace(c.pending, from, to, runs...)
}
