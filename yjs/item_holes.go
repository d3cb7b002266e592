package yjs

import (
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// A client's items may have holes between them: elements that are not integrated.

// has reports whether the element at clock is integrated. c may be nil.
func (c *client) has(clock uint64) bool {
	if c == nil || clock >= c.end {
		return false
	}
	return c.missing == 0 || c.items.find(clock).holds(clock)
}

func (it *item) holds(clock uint64) bool { return it.clock <= clock && clock < it.end() }

// gapless returns the clock before which all elements are integrated: that of the first
// hole, or the end.
func (c *client) gapless() uint64 {
	if c.missing == 0 {
		return c.end
	}
	return c.prefix
}

// push adds an item that was integrated.
func (c *client) push(it *item) {
	if it.clock >= c.end {
		if c.missing == 0 {
			c.prefix = c.end
		}
		c.missing += it.clock - c.end
		c.items.push(it, &c.arrived)
		c.end = it.end()
		return
	}
	c.missing -= it.len
	c.items.insert(it)
	if n := len(c.filled); n > 0 && c.filled[n-1].To == it.clock {
		c.filled[n-1].To = it.end()
	} else {
		c.filled = append(c.filled, clocks.Span{From: it.clock, To: it.end()})
	}
	if it.clock == c.prefix {
		c.items.from(it.clock, func(x *item) bool {
			if x.clock == c.prefix {
				c.prefix = x.end()
			}
			return x.end() == c.prefix
		})
	}
}

// hole returns the first part of x that is not integrated, or an empty span at the end of
// x if there is none.
func (c *client) hole(x clocks.Span) clocks.Span {
	if c.missing == 0 || x.From >= c.end {
		x.From = max(x.From, min(x.To, c.end))
		return x
	}
	c.items.from(x.From, func(it *item) bool {
		if it.end() <= x.From {
			return true
		}
		if it.clock > x.From {
			x.To = min(x.To, it.clock)
			return false
		}
		x.From = min(x.To, it.end())
		return x.From < x.To
	})
	return x
}

// unknown returns the first part of x that is neither integrated nor pending, or an empty
// span if there is none.
func (c *client) unknown(x clocks.Span) clocks.Span {
	for to := x.To; ; x.To = to {
		if x = c.hole(x); x.From == x.To || len(c.pending) == 0 {
			return x
		}
		i := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end() > x.From })
		if i == len(c.pending) {
			return x
		}
		if at := c.pending[i].clock; at > x.From {
			x.To = min(x.To, at)
			return x
		}
		x.From = min(c.pending[i].end(), to)
	}
}

// unknownOf returns the parts of the items of an update that are unknown.
func (d *Doc) unknownOf(c *client, items queue) queue {
	if n, first := len(c.pending), items.first(); first == nil || first.clock >= c.end && (n == 0 || first.clock >= c.pending[n-1].end()) {
		return items
	}
	var out queue
	for _, run := range items.runs {
		for ; len(run) > 0; run = run[1:] {
			d.addUnknown(c, &out, run)
		}
	}
	return out
}

// addUnknown adds the parts of an item that are unknown to a queue. The item is the first one of memory.
func (d *Doc) addUnknown(c *client, out *queue, memory []item) {
	for {
		it := &memory[0]
		x := c.unknown(clocks.Span{From: it.clock, To: it.end()})
		if x.From == x.To {
			return
		}
		if x.From > it.clock {
			d.cutItem(it, x.From-it.clock, -1)
			memory = d.slab.newest()
			it = &memory[0]
		}
		if x.To == it.end() {
			out.add(memory)
			return
		}
		d.cutItem(it, x.To-it.clock, -1)
		out.add(memory)
		memory = d.slab.newest()
	}
}
