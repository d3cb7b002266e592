package yjs

import (
	"slices"
	"sort"
)

// addPending moves the items that were passed over to pending, except those that are
// integrated by now.
func (c *client) addPending() {
	fresh := slices.DeleteFunc(c.passed, func(it *item) bool { return c.has(it.clock) })
	c.passed = nil
	if len(fresh) == 0 {
		return
	}
	first, end := fresh[0].clock, fresh[len(fresh)-1].end()
	i := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end() > first })
	j := i + sort.Search(len(c.pending)-i, func(n int) bool { return c.pending[i+n].clock >= end })
	held := c.pending[i:j]
	merged := make([]*item, 0, len(held)+len(fresh))
	for _, it := range fresh {
		for len(held) > 0 && held[0].clock < it.clock {
			merged = append(merged, held[0])
			held = held[1:]
		}
		merged = append(merged, it)
	}
	c.pending = slices.Replace(c.pending, i, j, append(merged, held...)...)
}

// dropIntegrated removes the items from pending that are integrated now.
func (c *client) dropIntegrated() {
	if len(c.pending) > 0 {
		c.pending = slices.DeleteFunc(c.pending, func(it *item) bool { return c.has(it.clock) })
	}
	if len(c.pending) == 0 {
		c.pending = nil
	}
}
