package yjs

import "github.com/yroom/yroom/internal/clocks"

// delete deletes an item and everything in it.
func (tx *transaction) delete(it *item) {
	todo := []*item{it}
	for len(todo) > 0 {
		it := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if it.deleted() {
			continue
		}
		t := it.parent()
		if !it.is(hasKey) {
			t.len -= it.width()
		}
		it.flags |= deleted
		if !it.is(hasKey) && t.indexed {
			t.update(it)
		}
		tx.deleted = append(tx.deleted, deletion{it.client(), clocks.Span{From: it.clock, To: it.end()}})
		tx.markChanged(t)
		inside := it.typ()
		if inside == nil {
			continue
		}
		for x := inside.first; x != nil; x = x.right {
			todo = append(todo, x)
		}
		for _, e := range inside.entryOrder {
			todo = append(todo, e.last)
		}
	}
}

// deleteIntegrated deletes those elements of c in x that are integrated. It appends the
// spans of the others to missing.
func (tx *transaction) deleteIntegrated(missing clocks.Spans, c *client, x clocks.Span) clocks.Spans {
	for x.From < x.To {
		hole := c.hole(x)
		if x.From < hole.From {
			tx.deleteSpan(c, clocks.Span{From: x.From, To: hole.From})
		}
		if hole.From < hole.To {
			missing = append(missing, hole)
		}
		x.From = hole.To
	}
	return missing
}

// deleteSpan deletes elements of a client, which must be integrated.
func (tx *transaction) deleteSpan(c *client, x clocks.Span) {
	k, i := c.items.searchOn(x.From)
	for x.From < x.To {
		it := c.items.chunks[k].item(i)
		if !it.deleted() {
			if it.clock < x.From {
				it = tx.doc.split(it, x.From-it.clock)
			}
			if it.end() > x.To {
				tx.doc.split(it, x.To-it.clock)
			}
			tx.delete(it)
			k, i = c.items.search(it.clock)
		}
		x.From = it.end()
		if i++; i == c.items.chunks[k].len() {
			k, i = k+1, 0
		}
	}
	c.items.recent, c.items.at = k, i
}
