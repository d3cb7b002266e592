package blocks

import "github.com/yroom/yroom/internal/clocks"

// delete applies deletions.
func (s *Store) delete(deletions []deletion) {
	for _, d := range deletions {
		c := s.client(d.client)
		if d.prepared != nil && c.blocks.end == d.prepared.blocks.end {
			continue // integrated as prepared, deletions included
		}
		spans := d.read()
		for len(spans) > 0 && spans[0].To <= c.blocks.end {
			s.deleteIntegrated(c, spans[0])
			spans = spans[1:]
		}
		if len(spans) == 0 {
			continue
		}
		if x := &spans[0]; x.From < c.blocks.end {
			s.deleteIntegrated(c, clocks.Span{From: x.From, To: c.blocks.end})
			x.From = c.blocks.end
		}
		s.addPendingDeletions(c, spans)
	}
}

// addPendingDeletions adds deletions of elements that are not integrated.
func (s *Store) addPendingDeletions(c *client, waiting []clocks.Span) {
	before := len(c.pendingDeletions)
	c.pendingDeletions = c.pendingDeletions.Union(waiting)
	cost := spanCost * (len(c.pendingDeletions) - before)
	c.pendingCost += cost
	s.pendingCost += cost
}

// deleteIntegrated deletes elements that are integrated.
func (s *Store) deleteIntegrated(c *client, x clocks.Span) {
	for x.From < x.To {
		part := c.deleted.gap(x)
		if part.From == part.To {
			break
		}
		s.deleteContent(c, part)
		x.From = part.To
	}
}

// deleteContent deletes elements that are integrated, none of which is deleted yet.
func (s *Store) deleteContent(c *client, x clocks.Span) {
	before := c.sizes()
	c.deleted.add(x)
	if !s.options.History {
		s.eraser.delete(&c.blocks, c.id, x)
	}
	s.changed(&c.clientBlocks, before)
}

// appendDeleted appends a block that is deleted.
func (s *Store) appendDeleted(c *client, b *block) {
	if !s.options.History {
		b.dropContent()
	}
	c.deleted.add(clocks.Span{From: b.clock, To: b.end()})
	c.blocks.push(b)
}

// eachUndeleted calls yield with the parts of x that are not known as deleted, in
// order. c may be nil.
func (c *client) eachUndeleted(x clocks.Span, yield func(clocks.Span)) {
	if c == nil {
		yield(x)
		return
	}
	if end := c.blocks.end; x.From < end {
		c.deleted.gaps(clocks.Span{From: x.From, To: min(x.To, end)}, yield)
		x.From = min(x.To, end)
	}
	if x = c.pendingDeletions.Gaps(x, yield); x.From < x.To {
		yield(x)
	}
}

// undeletedIn reports whether some of the elements in x are not known as deleted, and
// whether all are not.
func (c *client) undeletedIn(x clocks.Span) (some, all bool) {
	if x.To <= c.blocks.end {
		open := c.deleted.gap(x)
		return open.From < open.To, open == x
	}
	n := uint64(0)
	c.eachUndeleted(x, func(part clocks.Span) { n += part.To - part.From })
	return n > 0, n == x.To-x.From
}
