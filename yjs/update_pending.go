package yjs

import (
	"slices"
	"sort"
)

// first returns the first item that is to be integrated, or nil. The document may have
// a part of it already.
func (c *client) first() *item {
	switch {
	case c.arrived != nil:
		return c.arrived
	case len(c.pending) > 0:
		return c.pending[0]
	}
	return nil
}

// next removes the item that first returns.
func (c *client) next() {
	if c.arrived != nil {
		c.arrived = c.arrived.right
		return
	}
	if c.pending = c.pending[1:]; len(c.pending) == 0 {
		c.pending = nil
	}
}

// head returns the first item that is not integrated yet, or nil. Its clock may be
// after the end of the client.
func (c *client) head(d *Doc) *item {
	if it := c.arrived; it != nil && it.clock >= c.end {
		return it
	}
	return c.skipKnown(d)
}

// skipKnown removes the items that the document already has, and returns what head
// returns.
func (c *client) skipKnown(d *Doc) *item {
	for it := c.first(); it != nil; it = c.first() {
		if it.clock >= c.end {
			return it
		}
		if it.end() > c.end {
			rest := d.cutItem(it, c.end-it.clock, -1)
			if c.arrived != nil {
				c.arrived, rest.right = rest, it.right
			} else {
				c.pending[0] = rest
			}
			return rest
		}
		c.next()
	}
	return nil
}

// addPending moves the arrived items to pending. If both have an element, the pending
// item is kept.
func (c *client) addPending(d *Doc) {
	if c.arrived == nil {
		return
	}
	var fresh []*item
	for c.arrived != nil {
		it := c.arrived
		c.arrived, it.right = it.right, nil
		fresh = append(fresh, it)
	}
	first, end := fresh[0].clock, fresh[len(fresh)-1].end()
	n := len(c.pending)
	if n == 0 {
		c.pending = fresh
		return
	}
	if c.pending[n-1].end() <= first {
		c.pending = append(c.pending, fresh...)
		return
	}
	i := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end() > first })
	j := i + sort.Search(len(c.pending)-i, func(n int) bool { return c.pending[i+n].clock >= end })
	held := c.pending[i:j]
	merged := make([]*item, 0, len(held)+len(fresh))
	for _, it := range fresh {
		for it != nil {
			for len(held) > 0 && held[0].end() <= it.clock {
				merged = append(merged, held[0])
				held = held[1:]
			}
			if len(held) == 0 || held[0].clock >= it.end() {
				merged = append(merged, it)
				break
			}
			if it.clock < held[0].clock {
				rest := d.cutItem(it, held[0].clock-it.clock, -1)
				merged = append(merged, it)
				it = rest
			}
			if it.end() <= held[0].end() {
				break
			}
			it = d.cutItem(it, held[0].end()-it.clock, -1)
		}
	}
	c.pending = slices.Replace(c.pending, i, j, append(merged, held...)...)
}
