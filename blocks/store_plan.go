package blocks

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// plan finds the blocks that can be integrated with an update. A block is ready when the
// blocks that it refers to are integrated or ready. Until Store.commit, cancel can undo
// every change that the plan has made in the store.
//
// The sections of the update are scanned in clock order. A section whose next block lacks
// something halts, and goes on when that is ready. When all sections have halted, the plan
// passes over the blocks at which they have halted. These become pending, unless what they
// lack comes after another block that the plan passes over.
//
// A block that is not ready is a waiter of the element that it waits for, and is tried
// again when that one is ready. So the time is linear in the number of blocks, apart from
// a logarithmic factor.
type plan struct {
	number    uint64        // of this plan
	touched   []*client     // clients with a section, or with blocks that are ready
	todo      []piece       // what to try
	halted    []*client     // clients whose sections have halted, some of which may have gone on
	added     int           // how many clients were added to the store
	waitedFor []*client     // clients that have new waiters
	woken     []wokenWaiter // waiters of earlier plans that were removed
	scratch   []waiter
	waiters   int       // Store.waiters before
	nested    bool      // blocks have depths that must be found: see Store.nest
	advances  []advance // if nested, in the order in which blocks can be integrated one by one

	pendingTypes int // how many types become pending, less those that no longer are
	depths       int // by how much the depth indices grow now,
	staged       int // and at most when the plan is committed

	refs     refCheck
	trusted  bool        // the update was accepted before: only pending blocks are checked
	err      error       // why a block of the update is refused
	collects bool        // pending elements must become GC blocks
	mended   map[id]id   // the right origins that blocks of the update must have instead, by where they begin
	keyed    map[id]bool // blocks of the update that must be marked as map entries
	branched []branching // what note has changed
	taken    int         // how many blocks have become ready
	work     int         // of their insertions: see spots
	doubts   int         // how many of these are doubts
	forgets  bool        // spots of the update were forgotten
}

// advance is blocks of a client that become ready together: pieces of its section from one
// clock to another, or a single piece that was pending or passed over.
type advance struct {
	client *client
	clocks.Span
	pos    sectionPos // of the first piece, unless it is a single one
	single bool
	held   bool // it was pending
	depths int  // the length of the client's depth index before
}

// branching is a client, and its branched before the plan.
type branching struct {
	client *client
	before uint64
}

// piece names a block, or the part of one that is not known, by its first element.
type piece struct {
	client *client
	clock  uint64
	plan   uint64 // the number of the plan in which it has begun to wait
}

// waiter is a piece that refers to an element that is not ready.
type waiter = clocks.Waiter[piece]

// wokenWaiter is a waiter that was removed from a client.
type wokenWaiter struct {
	on     *client
	waiter waiter
}

// latePieces is the pieces of a client that are not ready when their turn comes, and those
// that were pending and are ready now.
type latePieces struct {
	head   uint64        // the end of the piece at which the section has halted; it begins at client.scanned
	passed []passedPiece // in clock order
	woken  map[uint64]wokenPiece
	staged map[uint64]stagedDepth // the depths of pieces that are not in client.depths
}

// passedPiece is a piece of a section that was passed over.
type passedPiece struct {
	clocks.Span
	ready bool
}

// wokenPiece is a pending block that is ready.
type wokenPiece struct {
	end       uint64
	collected bool // it must become a GC block
	keyed     bool // it must be marked as a map entry
}

// has reports whether the element at clock is integrated or, according to the plan, ready.
// c may be nil.
func (c *client) has(clock uint64) bool {
	switch {
	case c == nil:
		return false
	case c.integrated(clock):
		return true
	case !c.planned:
		return false
	}
	if i := c.pendingAt(clock); i < len(c.pending) && c.pending[i].start() <= clock {
		return c.late != nil && len(c.late.woken) > 0 && c.isWoken(c.pending[i].blockAt(clock))
	}
	sec := c.section
	if sec == nil || clock < sec.clock || clock >= c.scanned {
		return false
	}
	if x := c.passedAt(clock); x != nil {
		return x.ready
	}
	return sec.elements == sec.end-sec.clock || !sec.skips(clock)
}

// passedAt returns the piece that holds clock and was passed over, or nil.
func (c *client) passedAt(clock uint64) *passedPiece {
	if c.late == nil {
		return nil
	}
	passed := c.late.passed
	i := sort.Search(len(passed), func(i int) bool { return passed[i].To > clock })
	if i < len(passed) && passed[i].From <= clock {
		return &passed[i]
	}
	return nil
}

// isWoken reports whether the pending block that begins at clock is ready.
func (c *client) isWoken(clock uint64) bool {
	if c.late == nil {
		return false
	}
	_, ready := c.late.woken[clock]
	return ready
}

// latest returns c.late, which it allocates if necessary.
func (c *client) latest() *latePieces {
	if c.late == nil {
		c.late = new(latePieces)
	}
	return c.late
}

// skips reports whether clock is in a skip of the section.
func (sec *section) skips(clock uint64) bool {
	var b block
	sec.readLinks(sec.find(clock), &b)
	return b.kind == kindSkip
}

// blockAt returns the clock at which the block that holds clock begins.
func (r *run) blockAt(clock uint64) uint64 {
	k := r.indexed(r.find(clock))
	return k.clockOf(k.find(clock))
}

// build plans the integration of an update. It returns an error if a block refers to
// elements to which no client can have referred. The plan must be canceled then. size is
// that of the update in bytes; if it is trusted, only pending blocks are checked.
//
// If such a block was pending, the update that brings what it lacked is not at fault, and
// is accepted. The block becomes a GC block, in the store and, because the GC block is
// broadcast with the update, in the clients.
func (p *plan) build(s *Store, in *parsedUpdate, size int, trusted bool) error {
	p.number++
	p.waiters = s.waiters
	p.trusted, p.err, p.nested = trusted, nil, s.nested || in.nested
	p.refs = refCheck{store: s, in: in, steps: freeSteps + s.steps + size}
	for i := range in.sections {
		sec := &in.sections[i]
		c := p.client(s, sec.client)
		c.section, c.plain, c.scanned = sec, sec.continues(c), sec.clock
		p.touch(c)
		p.todo = append(p.todo, piece{client: c, clock: sec.clock})
	}
	for p.err == nil {
		if last := len(p.todo) - 1; last >= 0 {
			x := p.todo[last]
			p.todo = p.todo[:last]
			p.try(s, x)
			continue
		}
		last := len(p.halted) - 1
		if last < 0 {
			break
		}
		c := p.halted[last]
		p.halted = p.halted[:last]
		p.pass(s, c)
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

// touch notes that the plan changes c.
func (p *plan) touch(c *client) {
	if !c.planned {
		c.planned = true
		p.touched = append(p.touched, c)
	}
}

// try makes a piece ready if it lacks nothing, or scans the section that begins or has
// halted there.
func (p *plan) try(s *Store, x piece) {
	c := x.client
	if x.plan == 0 || c.late != nil && c.late.head > c.scanned && x.clock == c.scanned {
		p.scan(s, c)
		return
	}
	var b block
	held := false
	if i := c.pendingAt(x.clock); i < len(c.pending) && c.pending[i].start() <= x.clock {
		c.pending[i].read(id{c.id, x.clock}, &b)
		if c.isWoken(b.clock) {
			return
		}
		held = true
	} else if passed := c.passedAt(x.clock); passed != nil && !passed.ready {
		c.section.readLinks(c.section.find(x.clock), &b)
		b.cutLinks(passed.Span)
	} else {
		return // it is part of a block that was ready
	}
	if needs, blocked := s.missing(c, &b); blocked {
		p.wait(s, c, b.clock, needs)
		return
	}
	span := clocks.Span{From: b.clock, To: b.end()}
	if held {
		p.touch(c)
		if l := c.latest(); l.woken == nil {
			l.woken = make(map[uint64]wokenPiece)
		}
		c.late.woken[b.clock] = wokenPiece{end: b.end()}
		if i := c.pendingAt(b.end()); i < len(c.pending) && c.pending[i].start() <= b.end() {
			// It may be a part of a long block, of which only the first one is a waiter.
			p.todo = append(p.todo, piece{client: c, clock: b.end(), plan: p.number})
		}
	} else {
		c.passedAt(b.clock).ready = true
	}
	if (held || !p.trusted) && !p.accept(s, c, &b, held) {
		return
	}
	p.taken++
	p.advance(s, advance{client: c, Span: span, single: true, held: held})
}

// scan scans c's section from c.scanned on, until a block lacks something.
func (p *plan) scan(s *Store, c *client) {
	sec := c.section
	switch {
	case c.plain && !sec.foreign && (p.trusted || !sec.linked):
		c.scanned = sec.end
		p.taken += int(min(sec.count, math.MaxInt32))
		p.advance(s, advance{client: c, Span: clocks.Span{From: sec.clock, To: sec.end}, pos: sec.resume})
	case c.plain && !p.trusted && sec.count > smallSection && !s.blockwise:
		p.scanIndexed(s, c)
	case c.plain && p.trusted:
		p.scanForeign(s, c)
	default:
		p.scanBlocks(s, c, false)
	}
}

// scanForeign scans a section of a trusted update that continues what c has. Only blocks
// that refer to elements of other clients can lack something; the others are skipped.
func (p *plan) scanForeign(s *Store, c *client) {
	sec, at := c.section, c.section.resume
	a := advance{client: c, Span: clocks.Span{From: c.scanned}, pos: at}
	var l blockLayout
	var b block
	for at.index < sec.count {
		if l.readSimple(sec.wire, at.off, c.id, at.clock) && !(l.foreign && (s.lacks(c, l.origin) || s.lacks(c, l.right))) {
			at = sectionPos{l.next, at.index + 1, at.clock + l.len}
			continue
		}
		r := lib0.Reread(sec.wire[at.off:])
		b.read(&r, c.id, at.clock)
		c.scanned = at.clock
		if needs, blocked := s.missing(c, &b); blocked {
			p.halt(s, c, &b, needs)
			break
		}
		at = sectionPos{at.off + r.Offset(), at.index + 1, b.end()}
	}
	p.taken += int(min(at.index-a.pos.index, math.MaxInt32))
	c.scanned, sec.resume, a.To = at.clock, at, at.clock
	p.advance(s, a)
}

// lacks reports whether x is an element of another client than c that is not ready. x may
// be noID.
func (s *Store) lacks(c *client, x id) bool {
	return x.client != c.id && x != noID && !s.find(x.client).has(x.clock)
}

// scanIndexed scans a section that continues what c has, and was indexed while it was read.
// It skips the blocks that needn't be looked at.
func (p *plan) scanIndexed(s *Store, c *client) {
	sec := c.section
	a := advance{client: c, Span: clocks.Span{From: c.scanned}, pos: sec.resume}
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
		c.scanned = b.clock
		if needs, blocked := s.missing(c, &b); blocked {
			p.halt(s, c, &b, needs)
			break
		}
		if isOpen {
			p.taken = taken + n
			if open = open[1:]; !p.accept(s, c, &b, false) {
				return
			}
		}
	}
	at := sec.startOf(n)
	c.scanned, sec.resume = at.clock, sectionPos{at.off, uint64(n), at.clock}
	p.taken = taken + n
	a.To = at.clock
	p.advance(s, a)
}

// scanBlocks scans a section block by block. If over is set, it passes over blocks that
// lack something.
func (p *plan) scanBlocks(s *Store, c *client, over bool) {
	sec := c.section
	src := sec.from(sec.resume)
	a := advance{client: c}
	for b := src.next(); b != nil; b = src.next() {
		for end := b.end(); ; {
			x := clocks.Span{From: max(b.clock, c.scanned), To: end}
			if !c.plain {
				x = c.unknown(x)
			}
			if x.From >= x.To {
				break
			}
			piece := b
			if x.From > b.clock || x.To < end {
				part := *b
				part.cutLinks(x)
				piece = &part
			}
			if a.From == a.To || a.To != x.From {
				p.advance(s, a)
				a = advance{client: c, Span: clocks.Span{From: x.From, To: x.From}, pos: src.pos}
			}
			if needs, blocked := s.missing(c, piece); blocked {
				p.advance(s, a)
				a = advance{}
				if !over {
					sec.resume, c.scanned = src.pos, x.From
					p.halt(s, c, piece, needs)
					return
				}
				p.wait(s, c, x.From, needs)
				c.late.passed = append(c.late.passed, passedPiece{Span: x})
				c.scanned = x.To
				continue
			}
			c.scanned = x.From // while the piece is checked, it is not there yet
			if !p.trusted && !p.accept(s, c, piece, false) {
				return
			}
			p.taken++
			c.scanned, a.To = x.To, x.To
		}
	}
	c.scanned = sec.end
	p.advance(s, a)
}

// halt makes c wait for what its next piece lacks.
func (p *plan) halt(s *Store, c *client, b *block, needs id) {
	c.latest().head = b.end()
	p.wait(s, c, b.clock, needs)
	p.halted = append(p.halted, c)
}

// pass passes over the piece at which c has halted, unless c has gone on meanwhile, and
// over the further ones of its section that lack something.
func (p *plan) pass(s *Store, c *client) {
	l := c.late
	if l.head <= c.scanned {
		return
	}
	l.passed = append(l.passed, passedPiece{Span: clocks.Span{From: c.scanned, To: l.head}})
	c.scanned = l.head
	p.scanBlocks(s, c, true)
}

// advance notes that blocks are ready, and schedules what has waited for them.
func (p *plan) advance(s *Store, a advance) {
	if a.From == a.To {
		return
	}
	c := a.client
	if p.nested {
		a.depths = len(c.depths)
		p.advances = append(p.advances, a)
	}
	if c.waiters.Empty() {
		return
	}
	p.scratch = c.waiters.Take(p.scratch[:0], a.Span)
	s.waiters -= len(p.scratch)
	for _, x := range p.scratch {
		if x.Value.plan != p.number {
			p.woken = append(p.woken, wokenWaiter{c, x})
		}
		p.todo = append(p.todo, x.Value)
	}
}

// accept checks a block that is ready, and reports whether it can be integrated.
func (p *plan) accept(s *Store, c *client, b *block, held bool) bool {
	switch err := p.refs.check(b); {
	case err == nil || held && errors.Is(err, errDistant):
	case errors.Is(err, errUnmarked) && held:
		c.late.woken[b.clock] = wokenPiece{end: b.end(), keyed: true}
	case errors.Is(err, errUnmarked) && p.mark(s, c, b):
	case held:
		p.collects = true
		c.late.woken[b.clock] = wokenPiece{end: b.end(), collected: true}
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

// mostMended is how often an update is mended at most. Once suffices unless a block is
// referred to that the plan has not looked at, because it follows one that was mended.
const mostMended = 4

// mend notes that a block of c's section, whose origin and right origin are apart, must have
// the right origin of its origin instead: see mended. It reports false if that can't be.
func (p *plan) mend(s *Store, c *client, b *block) bool {
	if s.mended == mostMended || b.flags&hasOrigin == 0 {
		return false
	}
	var whole, origin block
	n := c.section.find(b.clock)
	if c.section.readLinks(n, &whole); whole.flags&hasOrigin == 0 {
		return false // b is the end of a block whose beginning the document has otherwise
	}
	s.lookup(b.origin, &origin)
	b.setRight(origin.rightOrNone())
	if p.mended == nil {
		p.mended = make(map[id]id)
	}
	p.mended[whole.id()] = b.rightOrNone()
	return true
}

// mark notes that a block of c's section must be marked as a map entry. It reports false if
// that can't be.
func (p *plan) mark(s *Store, c *client, b *block) bool {
	if s.mended == mostMended || c.section.startOf(c.section.find(b.clock)).clock != b.clock {
		return false
	}
	if p.keyed == nil {
		p.keyed = make(map[id]bool)
	}
	p.keyed[b.id()] = true
	return true
}

// insert notes where a ready block is inserted.
func (p *plan) insert(s *Store, b *block) {
	if !s.isNoted(b) {
		return
	}
	in := s.insertionOf(b)
	p.work += in.work
	if in.doubt || p.forgets { // further work at the spots that were forgotten is not seen
		p.doubts++
	}
	if at := in.sibling.spot; at.clock < 1<<62 {
		c := s.find(at.client)
		if n := len(p.branched); c.branched <= at.clock && (n == 0 || p.branched[n-1].client != c) {
			p.branched = append(p.branched, branching{c, c.branched})
		}
	}
	p.forgets = s.note(&in, &s.spots.staged) || p.forgets
}

// wait makes a piece of c wait until the element needs is ready.
func (p *plan) wait(s *Store, c *client, clock uint64, needs id) {
	on := p.client(s, needs.client)
	on.waiters.Push(waiter{Clock: needs.clock, Value: piece{client: c, clock: clock, plan: p.number}})
	p.waitedFor = append(p.waitedFor, on)
	s.waiters++
}

// missing returns the first id that b, a block of c, refers to and that is not ready, and
// reports whether there is one.
func (s *Store) missing(c *client, b *block) (id, bool) {
	whole := b.clock <= c.gapless() // then c has all earlier elements
	if whole && !b.foreign {
		return id{}, false
	}
	refs, n := b.refs()
	for _, ref := range refs[:n] {
		switch {
		case ref.client == b.client:
			if !whole && !c.has(ref.clock) {
				return ref, true
			}
		case !s.find(ref.client).has(ref.clock):
			return ref, true
		}
	}
	return id{}, false
}

// cancel restores what the plan has changed.
func (p *plan) cancel(s *Store) {
	slices.SortFunc(p.waitedFor, func(a, b *client) int { return descending(a.id, b.id) })
	for _, c := range slices.Compact(p.waitedFor) {
		c.waiters.Remove(func(x waiter) bool { return x.Value.plan == p.number })
	}
	for _, x := range p.woken {
		x.on.waiters.Push(x.waiter)
	}
	s.waiters = p.waiters
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
		c.planned, c.plain, c.section, c.scanned, c.late = false, false, nil, 0, nil
	}
	if cap(p.touched)+cap(p.todo)+cap(p.halted)+cap(p.advances)+cap(p.waitedFor)+cap(p.woken)+cap(p.scratch)+cap(p.branched) > 256 {
		*p = plan{number: p.number}
		return
	}
	clear(p.touched)
	clear(p.advances)
	clear(p.branched)
	clear(p.woken)
	clear(p.waitedFor)
	clear(p.scratch[:cap(p.scratch)])
	clear(p.todo[:cap(p.todo)])
	clear(p.halted[:cap(p.halted)])
	p.added, p.advances, p.pendingTypes, p.depths, p.staged = 0, p.advances[:0], 0, 0, 0
	p.refs, p.collects, p.mended, p.keyed, p.branched = refCheck{}, false, nil, nil, p.branched[:0]
	p.taken, p.work, p.doubts, p.forgets = 0, 0, 0, false
	p.touched, p.todo, p.halted = p.touched[:0], p.todo[:0], p.halted[:0]
	p.waitedFor, p.woken, p.scratch = p.waitedFor[:0], p.woken[:0], p.scratch[:0]
}
