package blocks

import (
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// commit applies the blocks of an update as planned.
func (s *Store) commit() {
	for _, c := range s.plan.touched {
		before := c.pendingCost
		s.integrate(c)
		s.integratedCost += depthSize * c.unstageDepths()
		if c.section != nil && c.late != nil && len(c.late.passed) > 0 {
			c.addPending(c.section)
		}
		s.pendingCost += c.pendingCost - before
	}
	s.pendingTypes += s.plan.pendingTypes
	s.trials.work += s.plan.work
	s.trials.doubts += s.plan.doubts
	if len(s.byID) == s.plan.added { // the document was empty: it is now as if it had been loaded
		s.spots = spots{}
	} else {
		s.spots.keep()
	}
	s.plan.reset()
}

// continues reports whether a section begins where the blocks of c end, c and it have no
// gap, and nothing from there on is pending.
func (sec *section) continues(c *client) bool {
	return sec.clock == c.blocks.end && sec.elements == sec.end-sec.clock && !c.holes() && !c.pendingFrom(sec.clock)
}

// pendingFrom reports whether blocks or deletions from clock on are pending, or wait for
// such blocks.
func (c *client) pendingFrom(clock uint64) bool {
	n, m := len(c.pending), len(c.pendingDeletions)
	return n > 0 && c.pending[n-1].end > clock || m > 0 && c.pendingDeletions[m-1].To > clock
}

// integrate integrates those of c's blocks that are ready.
func (s *Store) integrate(c *client) {
	before := c.sizes()
	if c.plain && c.late.allReady() {
		c.pushAll(c.section)
	} else {
		s.merge(c)
	}
	s.changed(&c.clientBlocks, before)
}

// allReady reports whether all pieces that were passed over are ready, and no others are
// late. l may be nil.
func (l *latePieces) allReady() bool {
	return l == nil || len(l.woken) == 0 && !slices.ContainsFunc(l.passed, func(x passedPiece) bool { return !x.ready })
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

// eachReady calls yield with the blocks of c that are ready, in clock order: pending ones
// and those of the update. A block is valid until yield returns, and may be changed.
func (c *client) eachReady(yield func(*block)) {
	held := wokenIter{client: c, spans: c.wokenSpans()}
	next := held.next()
	if c.section != nil {
		var passed []passedPiece
		if c.late != nil {
			passed = c.late.passed
		}
		q := c.piecesOf(c.section)
		for b := q.next(); b != nil; b = q.next() {
			for len(passed) > 0 && passed[0].From < b.clock {
				passed = passed[1:]
			}
			if len(passed) > 0 && passed[0].From == b.clock && !passed[0].ready {
				continue
			}
			for ; next != nil && next.clock < b.clock; next = held.next() {
				yield(next)
			}
			yield(b)
		}
	}
	for ; next != nil; next = held.next() {
		yield(next)
	}
}

// wokenSpans returns the pending elements that are ready.
func (c *client) wokenSpans() (spans clocks.Spans) {
	if c.late == nil || len(c.late.woken) == 0 {
		return nil
	}
	all := make([]clocks.Span, 0, len(c.late.woken))
	for from, w := range c.late.woken {
		all = append(all, clocks.Span{From: from, To: w.end})
	}
	return spans.Union(all)
}

// wokenIter iterates over the pending blocks with some elements.
type wokenIter struct {
	client *client
	spans  clocks.Spans // the elements that are left
	blocks blockIter
	begun  bool // blocks is that of spans[0]
}

func (w *wokenIter) next() *block {
	for len(w.spans) > 0 {
		if !w.begun {
			w.blocks, w.begun = iterRuns(w.client.id, w.client.pending, w.spans[0].From), true
		}
		if b := w.blocks.next(); b != nil && b.clock < w.spans[0].To {
			if w.client.late.woken[b.clock].keyed {
				b.setKeyed()
			}
			return b
		}
		w.spans, w.begun = w.spans[1:], false
	}
	return nil
}

// merge integrates those blocks that are ready, from the pending ones and the update's
// section, in clock order: first those that fill holes, then those behind the last block.
// It applies pending deletions of their elements.
func (s *Store) merge(c *client) {
	end, fill := c.blocks.end, filler{run: &c.blocks, client: c.id}
	due := dueDeletions{of: c}
	c.eachReady(func(b *block) {
		due.each(*b, func(b *block, gone bool) {
			x := clocks.Span{From: b.clock, To: b.end()}
			if gone && !s.options.History {
				b.dropContent()
			}
			if gone || b.deleted() {
				c.deleted.add(x)
			}
			if b.clock >= end {
				fill.finish()
				s.inHoles += b.clock - c.blocks.end
				c.put(b)
				return
			}
			fill.add(b)
			c.present.add(x)
			s.inHoles -= b.len
		})
	})
	fill.finish()
	c.closeHoles()
	due.finish()
	if woken := c.wokenSpans(); len(woken) > 0 {
		c.unpend(woken)
	}
}

// dueDeletions takes pending deletions of elements that are integrated, in clock order.
type dueDeletions struct {
	of    *client
	begun bool
	first int          // the first deletion that may change
	next  int          // the one after those that were looked at
	left  clocks.Span  // what is left of the last one of those
	kept  clocks.Spans // what is left of the others
}

// each calls yield with the parts of b, and whether they are deleted.
func (d *dueDeletions) each(b block, yield func(b *block, gone bool)) {
	all := d.of.pendingDeletions
	if len(all) == 0 {
		yield(&b, false)
		return
	}
	if !d.begun {
		d.begun = true
		d.first = all.Search(b.clock + 1)
		d.next = d.first
	}
	for b.len > 0 {
		for d.left.To <= b.clock {
			if d.left.From < d.left.To {
				d.kept = append(d.kept, d.left)
			}
			if d.left = (clocks.Span{}); d.next == len(all) {
				break
			}
			d.left = all[d.next]
			d.next++
		}
		x := &d.left
		if x.From >= min(x.To, b.end()) {
			yield(&b, false)
			return
		}
		if x.From < b.clock {
			d.kept = append(d.kept, clocks.Span{From: x.From, To: b.clock})
			x.From = b.clock
		}
		if b.clock < x.From {
			rest := b.split(x.From - b.clock)
			yield(&b, false)
			b = rest
		}
		end, rest := min(b.end(), x.To), block{}
		if b.end() > end {
			rest = b.split(end - b.clock)
		}
		yield(&b, true)
		b, x.From = rest, end
	}
}

// finish changes the client's pending deletions.
func (d *dueDeletions) finish() {
	if !d.begun {
		return
	}
	if d.left.From < d.left.To {
		d.kept = append(d.kept, d.left)
	}
	c := d.of
	before := len(c.pendingDeletions)
	c.pendingDeletions = slices.Replace(c.pendingDeletions, d.first, d.next, d.kept...)
	c.pendingCost -= spanCost * (before - len(c.pendingDeletions))
}
