package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// commit takes the blocks of an update into the document, as it was planned.
func (s *Store) commit() {
	for _, c := range s.plan.touched {
		before := c.waitCost
		if c.ready > c.blocks.end {
			s.integrate(c)
		}
		if c.section != nil && c.ready < c.section.end {
			c.hold(c.ready, c.section)
		}
		s.pending += c.waitCost - before
	}
	s.plan.finish()
}

// continues tells whether a section goes on where c ends, with nothing of c
// waiting behind that.
func (sec *section) continues(c *client) bool {
	return sec.clock == c.blocks.end && sec.elements == sec.end-sec.clock && len(c.pending)+len(c.dead) == 0
}

// integrate appends c's blocks that are ready to those that are integrated.
func (s *Store) integrate(c *client) {
	before := c.blocks.size
	if sec := c.section; sec != nil && c.ready == sec.end && sec.continues(c) {
		c.pushAll(sec)
	} else {
		s.merge(c)
	}
	s.size += c.blocks.size - before
}

// pushAll appends the blocks of a section.
func (c *client) pushAll(sec *section) {
	if sec.body != nil {
		c.body = *sec.body
		return
	}
	r := lib0.Reread(sec.wire)
	var b block
	for range sec.count {
		b.read(&r, c.id, c.blocks.end)
		c.push(&b)
	}
}

// merge integrates what is ready of that which waits and of an update's section.
func (s *Store) merge(c *client) {
	var start place
	if c.section != nil {
		start.clock = c.section.clock
	}
	q := c.queue(c.blocks.end, start)
	dead := len(c.dead)
	for c.blocks.end < c.ready {
		s.append(c, *q.at(c.blocks.end))
	}
	c.waitCost -= spanCost * (dead - len(c.dead))

	n := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > c.blocks.end })
	c.waitCost -= cost(c.pending[:n])
	c.pending = slices.Delete(c.pending, 0, n)
	if len(c.pending) > 0 && c.pending[0].start() < c.blocks.end {
		rest := new(run)
		src := runSource(c.id, c.pending[:1], c.blocks.end)
		for b := src.next(); b != nil; b = src.next() {
			part := b.from(c.blocks.end)
			rest.push(&part)
		}
		c.waitCost += cost([]*run{rest}) - cost(c.pending[:1])
		c.pending[0] = rest
	}
}

// append appends a block that is ready. Elements that were deleted before they
// came are so from the start.
func (s *Store) append(c *client, b block) {
	for len(c.dead) > 0 && c.dead[0].From < b.end() {
		x := c.dead[0]
		if b.clock < x.From {
			rest := b.split(x.From - b.clock)
			c.push(&b)
			b = rest
		}
		end := min(b.end(), x.To)
		c.dead = c.dead.After(end)
		rest, more := b, b.end() > end
		if more {
			rest = b.split(end - b.clock)
		}
		s.bury(c, &b)
		if !more {
			return
		}
		b = rest
	}
	c.push(&b)
}

// bury appends a block that is deleted.
func (s *Store) bury(c *client, b *block) {
	if !s.options.History {
		b.kill()
	}
	c.deleted.add(clocks.Span{From: b.clock, To: b.end()})
	c.blocks.push(b)
}

// delete takes deletions into the document.
func (s *Store) delete(deletions []deletion) {
	for _, d := range deletions {
		c := s.client(d.client)
		if d.body != nil && c.blocks.end == d.body.blocks.end {
			continue // it was taken in whole
		}
		spans := d.read()
		for len(spans) > 0 && spans[0].To <= c.blocks.end {
			s.deleteHeld(c, spans[0])
			spans = spans[1:]
		}
		if len(spans) == 0 {
			continue
		}
		if x := &spans[0]; x.From < c.blocks.end {
			s.deleteHeld(c, clocks.Span{From: x.From, To: c.blocks.end})
			x.From = c.blocks.end
		}
		s.deleteLater(c, spans)
	}
}

// deleteLater has spans wait for what they delete.
func (s *Store) deleteLater(c *client, waiting []clocks.Span) {
	before := len(c.dead)
	c.dead = c.dead.Union(waiting)
	cost := spanCost * (len(c.dead) - before)
	c.waitCost += cost
	s.pending += cost
}

// deleteHeld deletes elements that are integrated.
func (s *Store) deleteHeld(c *client, x clocks.Span) {
	for x.From < x.To {
		part := c.deleted.gap(x)
		if part.From == part.To {
			break
		}
		s.erase(c, part)
		x.From = part.To
	}
}

// erase deletes elements that are integrated, none of which is deleted yet.
func (s *Store) erase(c *client, x clocks.Span) {
	c.deleted.add(x)
	if s.options.History {
		return
	}
	before := c.blocks.size
	s.eraser.delete(&c.blocks, c.id, x)
	s.size += c.blocks.size - before
}
