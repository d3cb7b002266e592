package blocks

import (
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// A client's blocks may have holes: elements that are not integrated, with integrated
// ones after them. Each hole is a skip in the run of blocks, as in an update, so that the
// run has no gap and its bytes can be sent as they are.

// put appends a block, and before it a skip if it doesn't begin where the blocks end.
func (d *clientBlocks) put(b *block) {
	gap := b.clock > d.blocks.end
	if gap {
		if !d.holes() {
			d.present = new(spanIndex)
			if d.blocks.end > 0 {
				d.present.push(clocks.Span{From: 0, To: d.blocks.end})
			}
		}
		d.blocks.push(&block{client: b.client, clock: d.blocks.end, len: b.clock - d.blocks.end, kind: kindSkip})
	}
	d.blocks.push(b)
	if d.holes() {
		d.present.add(clocks.Span{From: b.clock, To: b.end()})
	}
}

// holes reports whether there are holes.
func (d *clientBlocks) holes() bool { return d.present != nil }

// closeHoles drops the index of holes if there are none.
func (d *clientBlocks) closeHoles() {
	if d.holes() && d.present.n == 1 && d.present.parts[0][0].From == 0 {
		d.present = nil
	}
}

// integrated reports whether the element at clock is integrated. c may be nil.
func (c *client) integrated(clock uint64) bool {
	if c == nil || clock >= c.blocks.end {
		return false
	}
	if !c.holes() {
		return true
	}
	_, ok := c.present.holding(clock)
	return ok
}

// hole returns the first part of x that is not integrated, or an empty span if all of x
// is. c may be nil.
func (c *client) hole(x clocks.Span) clocks.Span {
	switch {
	case c == nil:
		return x
	case c.holes():
		return c.present.gap(x)
	}
	x.From = max(x.From, min(x.To, c.blocks.end))
	return x
}

// eachPart calls yield with the parts of x, in order, and whether they are integrated. c
// may be nil.
func (c *client) eachPart(x clocks.Span, yield func(x clocks.Span, integrated bool)) {
	for x.From < x.To {
		gap := c.hole(x)
		if gap.From == gap.To {
			yield(x, true)
			return
		}
		if x.From < gap.From {
			yield(clocks.Span{From: x.From, To: gap.From}, true)
		}
		yield(gap, false)
		x.From = gap.To
	}
}

// gapless returns the clock before which all elements are integrated or, according to the
// plan, become so: that of the first hole, or the end. c may be nil.
func (c *client) gapless() uint64 {
	switch {
	case c == nil:
		return 0
	case c.holes():
		x, ok := c.present.holding(0)
		if !ok {
			return 0
		}
		return x.To
	case c.plain && c.late != nil && len(c.late.passed) > 0:
		return c.late.passed[0].From
	case c.plain:
		return c.scanned
	}
	return c.blocks.end
}

// rowEnd returns the end of the consecutive elements around clock that are integrated or,
// according to the plan, become so. The one at clock must be one of them.
func (c *client) rowEnd(clock uint64) uint64 {
	if end := c.gapless(); clock < end {
		return end
	}
	if c.holes() {
		if x, ok := c.present.holding(clock); ok {
			return x.To
		}
	}
	return max(clock+1, c.scanned)
}

// unknown returns the first part of x that is neither integrated nor pending, or an empty
// span if there is none. c may be nil.
func (c *client) unknown(x clocks.Span) clocks.Span {
	if c == nil {
		return x
	}
	for to := x.To; ; x.To = to {
		if x = c.hole(x); x.From == x.To || len(c.pending) == 0 {
			return x
		}
		i := c.pendingAt(x.From)
		if i == len(c.pending) {
			return x
		}
		if start := c.pending[i].start(); start > x.From {
			x.To = min(x.To, start)
			return x
		}
		x.From = min(c.pending[i].end, to)
	}
}

// unknownAround returns the part of x around clock that is neither integrated nor pending.
// The element at clock must be unknown.
func (c *client) unknownAround(clock uint64, x clocks.Span) clocks.Span {
	i := c.pendingAt(clock)
	if i > 0 {
		x.From = max(x.From, c.pending[i-1].end)
	}
	if i < len(c.pending) {
		x.To = min(x.To, c.pending[i].start())
	}
	switch {
	case clock >= c.blocks.end:
		x.From = max(x.From, c.blocks.end)
	default:
		hole := c.present.around(clock)
		x.From, x.To = max(x.From, hole.From), min(x.To, hole.To)
	}
	return x
}

// pendingAt returns the number of the first pending run that ends after clock.
func (c *client) pendingAt(clock uint64) int {
	return sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > clock })
}

// pieces iterates over the parts of a section's blocks that the store doesn't have, whether
// integrated or pending, in clock order.
type pieces struct {
	client *client // or nil
	whole  bool    // the store doesn't have any of the blocks
	src    blockIter
	rest   block // what is left of the current block, if its length isn't 0
	piece  block
}

// piecesOf returns the pieces of a section. c may be nil.
func (c *client) piecesOf(sec *section) pieces {
	return pieces{client: c, whole: c == nil || c.plain, src: iterSection(sec)}
}

// next returns the next piece, or nil if there is none. It is valid until the next call,
// and may be changed.
func (p *pieces) next() *block {
	for {
		if p.rest.len == 0 {
			b := p.src.next()
			if b == nil || p.whole {
				return b
			}
			p.rest = *b
		}
		x := p.client.unknown(clocks.Span{From: p.rest.clock, To: p.rest.end()})
		if x.From == x.To {
			p.rest.len = 0
			continue
		}
		p.rest.cutFront(x.From)
		p.piece = p.rest
		if p.rest.len = 0; x.To < p.piece.end() {
			p.rest = p.piece.split(x.To - x.From)
		}
		return &p.piece
	}
}

// unknownOf returns how many elements of a section are unknown.
func (c *client) unknownOf(sec *section) (n uint64) {
	src := iterSection(sec)
	for b := src.next(); b != nil; b = src.next() {
		for rest := (clocks.Span{From: b.clock, To: b.end()}); rest.From < rest.To; {
			x := c.unknown(rest)
			n += x.To - x.From
			if rest.From = x.To; x.From == x.To {
				break
			}
		}
	}
	return n
}
