package blocks

import "github.com/yroom/yroom/internal/clocks"

// delete applies deletions.
func (s *Store) delete(deletions []deletion) {
	for _, d := range deletions {
		c := s.client(d.client)
		if d.prepared != nil && len(c.blocks.chunks) > 0 && c.blocks.chunks[0] == d.prepared.blocks.chunks[0] {
			continue // integrated as prepared, deletions included
		}
		var waiting []clocks.Span
		for _, x := range d.read() {
			if x.To <= c.blocks.end && !c.holes() {
				s.deleteIntegrated(c, x)
				continue
			}
			c.eachPart(x, func(x clocks.Span, integrated bool) {
				if integrated {
					s.deleteIntegrated(c, x)
				} else {
					waiting = append(waiting, x)
				}
			})
		}
		if len(waiting) > 0 {
			s.addPendingDeletions(c, waiting)
		}
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

// eachUndeleted calls yield with the parts of x that are not known as deleted, in
// order. c may be nil.
func (c *client) eachUndeleted(x clocks.Span, yield func(clocks.Span)) {
	if c == nil {
		yield(x)
		return
	}
	pending := func(x clocks.Span) {
		if x = c.pendingDeletions.Gaps(x, yield); x.From < x.To {
			yield(x)
		}
	}
	if len(c.pendingDeletions) == 0 {
		pending = yield
	}
	c.deleted.gaps(x, pending)
}

// undeletedIn reports whether some of the elements in x are not known as deleted, and
// whether all are not.
func (c *client) undeletedIn(x clocks.Span) (some, all bool) {
	if n := len(c.pendingDeletions); n == 0 || x.To <= c.pendingDeletions[0].From || x.From >= c.pendingDeletions[n-1].To {
		open := c.deleted.gap(x)
		return open.From < open.To, open == x
	}
	n := uint64(0)
	c.eachUndeleted(x, func(part clocks.Span) { n += part.To - part.From })
	return n > 0, n == x.To-x.From
}
