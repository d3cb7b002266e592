package blocks

import (
	"cmp"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// collectPending replaces the pending elements that the plan refuses by GC blocks.
func (s *Store) collectPending() {
	if !s.plan.collects {
		return
	}
	for _, c := range s.plan.touched {
		var spans []clocks.Span
		if c.late != nil {
			for from, w := range c.late.woken {
				if w.collected {
					spans = append(spans, clocks.Span{From: from, To: w.end})
				}
			}
		}
		slices.SortFunc(spans, func(a, b clocks.Span) int { return cmp.Compare(a.From, b.From) })
		before := c.pendingCost
		c.collectPending(spans)
		s.pendingCost += c.pendingCost - before
	}
}

// touchesPending reports whether blocks become pending, or are no longer pending.
func (p *plan) touchesPending() bool {
	return slices.ContainsFunc(p.touched, func(c *client) bool { return !c.late.allReady() })
}

// ready encodes the blocks that the plan integrates, and the new deletions of the
// update.
func (s *Store) ready(in *parsedUpdate) []byte {
	news := New()
	for _, c := range s.plan.touched {
		to := news.client(c.id)
		c.eachReady(func(b *block) { to.pending = appendToRuns(to.pending, b) })
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
	gc := func(x clocks.Span) *block {
		return &block{client: c.id, clock: x.From, len: x.To - x.From, kind: kindGC}
	}
	from := c.pendingAt(spans[0].From)
	to := from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() >= spans[len(spans)-1].To })
	held := c.pending[from:to]
	before := pendingCostOf(held)
	elements := clocks.Spans(nil).Union(slices.Clone(spans))
	var runs []*run
	src := iterRuns(c.id, held, 0)
	for b := src.next(); b != nil; b = src.next() {
		eachOutside(*b, elements, func(b *block) {
			for len(spans) > 0 && spans[0].From < b.clock {
				runs = appendToRuns(runs, gc(spans[0]))
				spans = spans[1:]
			}
			runs = appendToRuns(runs, b)
		})
	}
	for _, x := range spans {
		runs = appendToRuns(runs, gc(x))
	}
	c.pendingCost += pendingCostOf(runs) - before
	c.pending = slices.Replace(c.pending, from, to, runs...)
}

// eachOutside calls yield with the parts of b that are not among some elements.
func eachOutside(b block, elements clocks.Spans, yield func(*block)) {
	for b.len > 0 {
		i := elements.Search(b.clock + 1)
		if i == len(elements) || elements[i].From >= b.end() {
			yield(&b)
			return
		}
		x := elements[i]
		if b.clock < x.From {
			rest := b.split(x.From - b.clock)
			yield(&b)
			b = rest
		}
		if b.end() <= x.To {
			return
		}
		b.cutFront(x.To)
	}
}
