package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// commit applies the blocks of an update as planned.
func (s *Store) commit() {
	for _, c := range s.plan.touched {
		before := c.pendingCost
		if c.ready > c.blocks.end {
			s.integrate(c)
		}
		if c.section != nil && c.ready < c.section.end {
			c.addPending(c.ready, c.section)
		}
		s.pendingCost += c.pendingCost - before
	}
	s.pendingTypes += s.plan.pendingTypes
	s.trials.work += s.plan.work
	s.trials.doubts += s.plan.doubts
	s.spots.keep()
	s.plan.finish()
}

// continues reports whether a section begins where the integrated blocks of c end, has
// no gap, and nothing of c is pending.
func (sec *section) continues(c *client) bool {
	return sec.clock == c.blocks.end && sec.elements == sec.end-sec.clock && len(c.pending)+len(c.pendingDeletions) == 0
}

// integrate appends those of c's blocks that are ready to the integrated ones.
func (s *Store) integrate(c *client) {
	before := c.sizes()
	if sec := c.section; sec != nil && c.ready == sec.end && sec.continues(c) {
		c.pushAll(sec)
	} else {
		s.merge(c)
	}
	s.changed(&c.clientBlocks, before)
}

// pushAll appends the blocks of a section.
func (c *client) pushAll(sec *section) {
	if sec.prepared != nil {
		c.clientBlocks = *sec.prepared
		return
	}
	r := lib0.Reread(sec.wire)
	var b block
	for range sec.count {
		b.read(&r, c.id, c.blocks.end)
		c.push(&b)
	}
}

// merge integrates those blocks that are ready, from the pending ones and the update's
// section, in clock order.
func (s *Store) merge(c *client) {
	var start sectionPos
	if c.section != nil {
		start.clock = c.section.clock
	}
	q := c.queue(c.blocks.end, start)
	before := len(c.pendingDeletions)
	for c.blocks.end < c.ready {
		s.appendReady(c, *q.at(c.blocks.end))
	}
	c.pendingCost -= spanCost * (before - len(c.pendingDeletions))

	n := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > c.blocks.end })
	c.pendingCost -= pendingCostOf(c.pending[:n])
	c.pending = slices.Delete(c.pending, 0, n)
	if len(c.pending) > 0 && c.pending[0].start() < c.blocks.end {
		rest := new(run)
		src := iterRuns(c.id, c.pending[:1], c.blocks.end)
		for b := src.next(); b != nil; b = src.next() {
			part := b.from(c.blocks.end)
			rest.push(&part)
		}
		c.pendingCost += pendingCostOf([]*run{rest}) - pendingCostOf(c.pending[:1])
		c.pending[0] = rest
	}
}

// appendReady appends a block that is ready, split at the bounds of pending deletions,
// which it applies.
func (s *Store) appendReady(c *client, b block) {
	for len(c.pendingDeletions) > 0 && c.pendingDeletions[0].From < b.end() {
		x := c.pendingDeletions[0]
		if b.clock < x.From {
			rest := b.split(x.From - b.clock)
			c.push(&b)
			b = rest
		}
		end := min(b.end(), x.To)
		c.pendingDeletions = c.pendingDeletions.After(end)
		rest, more := b, b.end() > end
		if more {
			rest = b.split(end - b.clock)
		}
		s.appendDeleted(c, &b)
		if !more {
			return
		}
		b = rest
	}
	c.push(&b)
}
