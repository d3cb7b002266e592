package blocks

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// plan computes how far each client's blocks can be integrated with an update. A block
// is ready when the blocks before it of the same client are, and the blocks that it
// refers to. Until Store.commit, cancel can undo every change that the plan has made in
// the store.
//
// A block that is not ready is kept in a heap of waiters of the block that it waits for,
// and is tried again when that one is ready. So the time is linear in the number of
// blocks, apart from the heaps.
type plan struct {
	touched   []*client     // clients of which ready is set
	todo      []*client     // clients to advance
	added     int           // how many clients were added to the store
	waiting   []*client     // clients that have become waiters
	waitedFor []*client     // the client that each of them waits for
	woken     []wokenWaiter // waiters that were removed
	nested    bool          // blocks have depths that must be found: see Store.nest
	advances  []advance     // if nested, in the order in which blocks can be integrated one by one

	pendingTypes int // how many types become pending, less those that no longer are
	depths       int // by how much the depth indices grow

	refs      refCheck
	trusted   bool                      // the update was accepted before: only pending blocks are checked
	err       error                     // why a block of the update is refused
	collected map[*client][]clocks.Span // pending elements that must become GC blocks, in order
	mended    map[id]id                 // the right origins that blocks of the update must have instead, by where they begin
	branched  []branching               // what note has changed
	taken     int                       // how many blocks have become ready
	work      int                       // of their insertions: see spots
	doubts    int                       // how many of these are doubts
}

// advance is blocks of a client that become ready together.
type advance struct {
	client   *client
	from, to uint64
	pos      sectionPos // a position in the client's section, if it has one, that is not after from
	depths   int        // the length of the client's depth index before
}

// branching is what client.branched was.
type branching struct {
	client *client
	before uint64
}

// waiter is a client whose next block refers to an element of another client that
// is not ready.
type waiter = clocks.Waiter[*client]

// wokenWaiter is a waiter that was removed from a client's heap.
type wokenWaiter struct {
	on     *client
	waiter waiter
}

// waitState says whether a client is a waiter of another one.
type waitState uint8

const (
	notWaiting waitState = iota
	waitingNew           // since this plan
	waiting
)

// blockQueue iterates over the blocks of one client that are not integrated yet, in
// clock order: those that are pending, and those of an update.
type blockQueue struct {
	held, update blockIter
	cut          block
}

// queue returns a queue that begins at the block that holds clock. If c has a section,
// from is a position in it that must not be after that block.
func (c *client) queue(clock uint64, from sectionPos) blockQueue {
	q := blockQueue{held: iterRuns(c.id, c.pending, clock)}
	if c.section != nil {
		q.update = c.section.from(from)
	}
	return q
}

// at returns the part from clock on of the block that holds clock, or nil if there is
// none. It prefers pending blocks, which other clients already have. Successive calls
// must not decrease clock.
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

// readyEnd returns the clock after the last of c's blocks that is ready according to
// the plan or, if the plan doesn't include c, integrated. c may be nil.
func (c *client) readyEnd() uint64 {
	switch {
	case c == nil:
		return 0
	case c.planned:
		return c.ready
	}
	return c.blocks.end
}

// build plans the integration of an update. It returns an error if a block refers to
// elements to which no client can have referred. The plan must be canceled then. size is
// that of the update in bytes; if it is trusted, only pending blocks are checked.
//
// If such a block was pending, the update that brings what it lacked is not at fault, and
// is accepted. The block becomes a GC block, in the store and, because the GC block is
// broadcast with the update, in the clients.
func (p *plan) build(s *Store, in *parsedUpdate, size int, trusted bool) error {
	p.trusted, p.err, p.nested = trusted, nil, s.nested || in.nested
	p.refs = refCheck{store: s, in: in, steps: freeSteps + s.steps + size}
	for i := range in.sections {
		sec := &in.sections[i]
		c := p.client(s, sec.client)
		c.section = sec
		p.touch(c)
	}
	for len(p.todo) > 0 && p.err == nil {
		last := len(p.todo) - 1
		c := p.todo[last]
		p.todo = p.todo[:last]
		p.advance(s, c)
	}
	s.steps = min(s.steps+size, p.refs.steps)
	return p.err
}

func (p *plan) client(s *Store, id uint64) *client {
	c := s.find(id)
	if c == nil {
		c = s.client(id)
		p.added++
	}
	return c
}

// touch schedules c to be advanced.
func (p *plan) touch(c *client) {
	if !c.planned {
		c.planned, c.ready = true, c.blocks.end
		p.touched = append(p.touched, c)
	}
	p.todo = append(p.todo, c)
}

// advance advances c as far as possible, and schedules the clients that waited for
// that.
func (p *plan) advance(s *Store, c *client) {
	start := c.ready
	a := advance{client: c, from: start, depths: len(c.depths)}
	if c.section != nil {
		a.pos = c.section.resume
	}
	switch sec := c.section; {
	case sec == nil || !sec.continues(c):
		p.advanceByBlock(s, c)
	case !sec.foreign && (p.trusted || !sec.linked):
		c.ready = sec.end
		p.taken += int(min(sec.count, math.MaxInt32))
	case !p.trusted && sec.count > smallSection && !s.blockwise:
		p.advanceIndexed(s, c, sec)
	default:
		p.advanceByBlock(s, c)
	}
	if c.ready == start {
		return
	}
	if p.nested {
		a.to = c.ready
		p.advances = append(p.advances, a)
	}
	for x, ok := c.waiters.Pop(c.ready); ok; x, ok = c.waiters.Pop(c.ready) {
		if x.Client.waitState == waiting {
			p.woken = append(p.woken, wokenWaiter{c, x})
		}
		x.Client.waitState = notWaiting
		p.touch(x.Client)
	}
}

// takeNext makes c's next block ready and reports true, or makes c wait for what the
// block lacks. held reports whether the block was pending.
func (p *plan) takeNext(s *Store, c *client, b *block, held bool) bool {
	needs, blocked := s.missing(b)
	if blocked {
		p.wait(s, c, needs)
		return false
	}
	if (held || !p.trusted) && !p.accept(s, c, b, held) {
		return false
	}
	c.ready = b.end()
	p.taken++
	return true
}

// accept checks a block that is ready, and reports whether it can be integrated.
func (p *plan) accept(s *Store, c *client, b *block, held bool) bool {
	switch err := p.refs.check(b); {
	case err == nil || held && errors.Is(err, errDistant):
	case held:
		if p.collected == nil {
			p.collected = make(map[*client][]clocks.Span)
		}
		p.collected[c] = append(p.collected[c], clocks.Span{From: b.clock, To: b.end()})
	case errors.Is(err, errApart) && p.mend(s, c, b):
	case errors.Is(err, errDistant):
		p.err = fmt.Errorf("%w: update: block %d of client %d: %w", ErrLimit, b.clock, b.client, err)
		return false
	default:
		p.err = malformed("update: block %d of client %d: %w", b.clock, b.client, err)
		return false
	}
	if !p.trusted {
		p.insert(s, b)
	}
	return true
}

// mostMended is how often an update is mended. Once suffices unless a block is referred to
// that was not looked at, because it follows one that was mended.
const mostMended = 4

// mend notes that a block of c's section, whose origin and right origin are apart, must have
// the right origin of its origin instead: see mended. It reports false if that can't be.
func (p *plan) mend(s *Store, c *client, b *block) bool {
	if s.mended == mostMended || b.flags&hasOrigin == 0 {
		return false
	}
	var origin block
	s.lookup(b.origin, &origin)
	b.setRight(origin.rightOrNone())
	if p.mended == nil {
		p.mended = make(map[id]id)
	}
	p.mended[id{c.id, c.section.startOf(c.section.find(b.clock)).clock}] = b.rightOrNone()
	return true
}

// insert notes where a ready block is inserted.
func (p *plan) insert(s *Store, b *block) {
	in, ok := s.insertionOf(b)
	if !ok {
		return
	}
	p.work += in.work
	if in.doubt {
		p.doubts++
	}
	if at := in.sibling.spot; at.clock < 1<<62 {
		c := s.find(at.client)
		if n := len(p.branched); c.branched <= at.clock && (n == 0 || p.branched[n-1].client != c) {
			p.branched = append(p.branched, branching{c, c.branched})
		}
	}
	if s.note(&in, &s.spots.staged) {
		p.doubts += trialDoubts // further work at the spots that were forgotten is not seen
	}
}

// advanceIndexed advances c through a section that continues what c has, and was indexed
// while it was read. It skips the blocks that needn't be looked at.
func (p *plan) advanceIndexed(s *Store, c *client, sec *section) {
	n, end := int(sec.resume.index), len(sec.index.starts)
	open := sec.index.open[sort.SearchInts(sec.index.open, n):]
	taken := p.taken - n
	var b block
	for ; n < end; n++ {
		isOpen := len(open) > 0 && open[0] == n
		if !isOpen && !sec.foreign { // it lacks nothing
			continue
		}
		sec.readLinks(n, &b)
		if needs, blocked := s.missing(&b); blocked {
			p.wait(s, c, needs)
			break
		}
		if isOpen {
			c.ready, p.taken = b.clock, taken+n
			if open = open[1:]; !p.accept(s, c, &b, false) {
				return
			}
		}
	}
	at := sec.startOf(n)
	c.ready, sec.resume = at.clock, sectionPos{at.off, uint64(n), at.clock}
	p.taken = taken + n
}

// advanceByBlock advances c block by block.
func (p *plan) advanceByBlock(s *Store, c *client) {
	var from sectionPos
	if c.section != nil {
		from = c.section.resume
	}
	q := c.queue(c.ready, from)
	for b := q.at(c.ready); b != nil && p.takeNext(s, c, b, b == &q.held.block); {
		b = q.at(c.ready)
	}
	if c.section != nil {
		c.section.resume = q.update.position()
	}
}

// wait makes c wait until the element needs is ready.
func (p *plan) wait(s *Store, c *client, needs id) {
	if c.waitState != notWaiting {
		return // it already waits for that element
	}
	c.waitState = waitingNew
	on := p.client(s, needs.client)
	on.waiters.Push(waiter{Clock: needs.clock, Client: c})
	p.waiting, p.waitedFor = append(p.waiting, c), append(p.waitedFor, on)
}

// missing returns the first id that b refers to and that is not ready, and reports
// whether there is one.
func (s *Store) missing(b *block) (id, bool) {
	if !b.foreign {
		return id{}, false // b can only refer to earlier elements of its own client
	}
	refs, n := b.refs()
	for _, ref := range refs[:n] {
		if ref.client != b.client && s.find(ref.client).readyEnd() <= ref.clock {
			return ref, true
		}
	}
	return id{}, false
}

// finish ends a plan that was committed.
func (p *plan) finish() {
	for _, c := range p.waiting {
		if c.waitState == waitingNew {
			c.waitState = waiting
		}
	}
	p.reset()
}

// cancel restores what the plan has changed.
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
	for _, a := range p.advances {
		a.client.depths = a.client.depths[:a.depths]
	}
	for _, b := range slices.Backward(p.branched) {
		b.client.branched = b.before
	}
	s.removeAdded(p.added)
	s.spots.drop()
	p.reset()
}

// reset empties the plan, so that it references nothing of the update. It keeps only
// as much capacity as small updates need.
func (p *plan) reset() {
	for _, c := range p.touched {
		c.planned, c.section = false, nil
	}
	if cap(p.touched)+cap(p.waiting)+cap(p.advances)+cap(p.branched) > 256 {
		*p = plan{}
		return
	}
	clear(p.advances)
	clear(p.branched)
	p.added, p.advances, p.pendingTypes, p.depths = 0, p.advances[:0], 0, 0
	p.refs, p.collected, p.mended, p.branched = refCheck{}, nil, nil, p.branched[:0]
	p.taken, p.work, p.doubts = 0, 0, 0
	p.touched, p.todo = p.touched[:0], p.todo[:0]
	p.waiting, p.waitedFor, p.woken = p.waiting[:0], p.waitedFor[:0], p.woken[:0]
}
