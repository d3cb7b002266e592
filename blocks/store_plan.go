package blocks

import (
	"slices"

	"github.com/yroom/yroom/internal/clocks"
)

// plan works out how far each client's blocks can be integrated once an update
// is there: a block is ready when all before it of the same client are, and the
// blocks that it refers to. Up to commit nothing of the store changes but what
// cancel takes back.
//
// A block is looked at once, and again when what it waited for has come. So the
// time is linear, but for the heaps of waiters.
type plan struct {
	touched   []*client     // clients whose reach is planned
	todo      []*client     // those who may get further
	added     int           // how many clients were added for the plan
	waiting   []*client     // clients that began to wait
	waitedFor []*client     // and for whom each
	woken     []wokenWaiter // waiters who wait no longer
}

// waiter is a client whose next block refers to an element of another client that
// is not ready.
type waiter = clocks.Waiter[*client]

// woken is a waiter that was removed from a client's heap.
type wokenWaiter struct {
	on     *client
	waiter waiter
}

// wait says whether a client is one of somebody's waiters.
type waitState uint8

const (
	notWaiting waitState = iota
	waitingNew           // since this plan
	waiting
)

// blockQueue gives blocks of one client that aren't integrated yet, in clock
// order: what waits, and what an update brings.
type blockQueue struct {
	held, update blockIter
	cut          block
}

// queue begins at the block that holds clock. from is a place in c.section, if
// there is one, that isn't behind it.
func (c *client) queue(clock uint64, from sectionPos) blockQueue {
	q := blockQueue{held: iterRuns(c.id, c.pending, clock)}
	if c.section != nil {
		q.update = c.section.from(from)
	}
	return q
}

// at gives the part from clock on of the block that holds it; nil: there is
// none. What is held goes first: it was given to others already. It never goes
// back.
func (q *blockQueue) at(clock uint64) *block {
	if b := q.held.seek(clock); b != nil {
		b.cutFront(clock)
		return b
	}
	b := q.update.seek(clock)
	if b == nil {
		return nil
	}
	b.cutFront(clock)
	if ahead := &q.held.block; q.held.loaded && ahead.clock < b.end() {
		q.cut = *b
		q.cut.split(ahead.clock - clock)
		return &q.cut
	}
	return b
}

// reach is how far c's blocks are ready, by the plan where there is one. c may
// be nil.
func (c *client) readyEnd() uint64 {
	switch {
	case c == nil:
		return 0
	case c.planned:
		return c.ready
	}
	return c.blocks.end
}

// make plans the integration of sections.
func (p *plan) make(s *Store, sections []section) {
	for i := range sections {
		sec := &sections[i]
		c := p.client(s, sec.client)
		c.section = sec
		p.touch(c)
	}
	for len(p.todo) > 0 {
		last := len(p.todo) - 1
		c := p.todo[last]
		p.todo = p.todo[:last]
		p.advance(s, c)
	}
}

func (p *plan) client(s *Store, id uint64) *client {
	c := s.find(id)
	if c == nil {
		c = s.client(id)
		p.added++
	}
	return c
}

// touch has c advanced.
func (p *plan) touch(c *client) {
	if !c.planned {
		c.planned, c.ready = true, c.blocks.end
		p.touched = append(p.touched, c)
	}
	p.todo = append(p.todo, c)
}

// advance takes c as far as it gets, and those who waited for that.
func (p *plan) advance(s *Store, c *client) {
	start := c.ready
	if sec := c.section; sec != nil && !sec.foreign && start == sec.clock && sec.continues(c) {
		c.ready = sec.end
	} else {
		p.advanceByBlock(s, c)
	}
	if c.ready == start {
		return
	}
	for x, ok := c.waiters.Pop(c.ready); ok; x, ok = c.waiters.Pop(c.ready) {
		if x.Client.waitState == waiting {
			p.woken = append(p.woken, wokenWaiter{c, x})
		}
		x.Client.waitState = notWaiting
		p.touch(x.Client)
	}
}

// take takes c's next block, or has c wait for what it lacks.
func (p *plan) takeNext(s *Store, c *client, b *block) bool {
	needs, blocked := s.missing(b)
	if blocked {
		p.wait(s, c, needs)
	} else {
		c.ready = b.end()
	}
	return !blocked
}

// walk takes one block of c after another.
func (p *plan) advanceByBlock(s *Store, c *client) {
	var from sectionPos
	if c.section != nil {
		from = c.section.resume
	}
	q := c.queue(c.ready, from)
	for b := q.at(c.ready); b != nil && p.takeNext(s, c, b); {
		b = q.at(c.ready)
	}
	if c.section != nil {
		c.section.resume = q.update.position()
	}
}

// wait has c wait until needs is ready.
func (p *plan) wait(s *Store, c *client, needs id) {
	if c.waitState != notWaiting {
		return // for the same
	}
	c.waitState = waitingNew
	on := p.client(s, needs.client)
	on.waiters.Push(waiter{Clock: needs.clock, Client: c})
	p.waiting, p.waitedFor = append(p.waiting, c), append(p.waitedFor, on)
}

// lacks tells the first id that b refers to and that is not ready.
func (s *Store) missing(b *block) (id, bool) {
	if !b.foreign {
		return id{}, false // of its own client a block refers only to what is before it
	}
	refs, n := b.refs()
	for _, ref := range refs[:n] {
		if ref.client != b.client && s.find(ref.client).readyEnd() <= ref.clock {
			return ref, true
		}
	}
	return id{}, false
}

// finish ends a plan that was carried out.
func (p *plan) finish() {
	for _, c := range p.waiting {
		if c.waitState == waitingNew {
			c.waitState = waiting
		}
	}
	p.reset()
}

// cancel takes back what the plan has touched.
func (p *plan) cancel(s *Store) {
	isNew := func(x waiter) bool { return x.Client.waitState == waitingNew }
	slices.SortFunc(p.waitedFor, func(a, b *client) int { return descending(a.id, b.id) })
	for _, c := range slices.Compact(p.waitedFor) {
		kept := slices.DeleteFunc(c.waiters, isNew)
		c.waiters = nil
		for _, x := range kept {
			c.waiters.Push(x)
		}
	}
	for _, c := range p.waiting {
		c.waitState = notWaiting
	}
	for _, x := range p.woken {
		x.waiter.Client.waitState = waiting
		x.on.waiters.Push(x.waiter)
	}
	s.removeAdded(p.added)
	p.reset()
}

// reset keeps no more room than small updates need, and lets go of the update.
func (p *plan) reset() {
	for _, c := range p.touched {
		c.planned, c.section = false, nil
	}
	if cap(p.touched)+cap(p.waiting) > 256 {
		*p = plan{}
		return
	}
	p.added = 0
	p.touched, p.todo = p.touched[:0], p.todo[:0]
	p.waiting, p.waitedFor, p.woken = p.waiting[:0], p.waitedFor[:0], p.woken[:0]
}
