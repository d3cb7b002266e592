package blocks

import (
	"math"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// Apply takes an update into the document and gives what was new in it, as a
// V1 update: what has to be stored and told to others. nil: nothing was new.
// Where all of it was new and it is in V1, added is update itself; otherwise
// the caller owns it. Blocks that have to wait are new too.
//
// An error (ErrMalformed, ErrLimit, ErrEncoding) leaves the document as it
// was. update is borrowed.
func (s *Store) Apply(update []byte, enc Encoding) (added []byte, err error) {
	if update, err = s.fromOutside(update, enc); err != nil {
		return nil, err
	}
	return s.apply(update, &s.options)
}

// Load takes an update into the document as Apply does, whatever the limits:
// what is stored already was let in once. update is borrowed.
func (s *Store) Load(update []byte, enc Encoding) error {
	update, err := asV1(update, enc, math.MaxInt)
	if err == nil {
		_, err = s.apply(update, nil)
	}
	return err
}

// apply takes an update in V1. Without most there is no limit.
func (s *Store) apply(update []byte, most *Options) (added []byte, err error) {
	if s.applyTyped(update, most) {
		return update, nil
	}
	in := &s.in
	defer in.release()
	if err := in.read(update, s); err != nil {
		return nil, err
	}
	c := s.compare(in)
	switch {
	case !c.grows && !c.deletes:
		return nil, nil
	case c.repeats || in.tidied:
		added = s.onlyNew(in)
	default:
		added = update
	}
	if most != nil && c.grows && in.types > 0 {
		if err := s.checkNesting(update, in.types); err != nil {
			return nil, err
		}
	}
	gained := 0
	if c.grows {
		gained = len(added)
	}
	s.plan.make(s, in.sections)
	if err := s.checkSize(in, most, gained, len(update)); err != nil {
		s.plan.cancel(s)
		return nil, err
	}
	s.nesting += in.types
	s.commit()
	s.delete(in.deletions)
	return added, nil
}

// checkSize tells whether an update of the given size, as it is planned, would
// take the document past a limit, by gained bytes of new blocks.
func (s *Store) checkSize(in *contents, most *Options, gained, update int) error {
	if most == nil {
		return nil
	}
	if size := s.sizeWith(gained); gained > 0 && size > most.MaxSize {
		return overLimit("the document", size, most.MaxSize)
	}
	if s.mayWait(update) > most.MaxPending {
		if pending := s.pending + s.waiting(in); pending > most.MaxPending {
			return overLimit("what waits for missing blocks", pending, most.MaxPending)
		}
	}
	return nil
}

// sizeWith is what counts of the document's size with so many bytes more.
func (s *Store) sizeWith(gained int) int { return s.size + gained + clientSize*len(s.byID) }

// mayWait is more than what waits can cost with an update of the given size.
func (s *Store) mayWait(size int) int { return s.pending + costOfByte*size }

// Contains tells whether the document holds all that is in update, so that
// Apply would add nothing. Errors are Apply's. update is borrowed.
func (s *Store) Contains(update []byte, enc Encoding) (bool, error) {
	update, err := s.fromOutside(update, enc)
	if err != nil {
		return false, err
	}
	in := &s.in
	defer in.release()
	if err := in.read(update, nil); err != nil {
		return false, err
	}
	c := s.compare(in)
	return !c.grows && !c.deletes, nil
}

// comparison says what an update means to a document.
type comparison struct {
	grows   bool // it has elements that are new
	deletes bool // it has deletions that are new
	repeats bool // it has something that isn't
}

func (s *Store) compare(in *contents) (result comparison) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c == nil || len(c.pending) == 0 && sec.clock >= c.blocks.end {
			result.grows = true
			continue
		}
		if len(c.pending) == 0 && sec.end <= c.blocks.end {
			result.repeats = true
			continue
		}
		fresh := uint64(0)
		eachNew(sectionSource(sec), c.blocks.end, c.pendingAround(sec), func(b *block) { fresh += b.len })
		result.grows = result.grows || fresh > 0
		result.repeats = result.repeats || fresh < sec.elements
	}
	for _, d := range in.deletions {
		c := s.find(d.client)
		if c == nil {
			result.deletes = true
			continue
		}
		for _, x := range d.spans {
			some, all := c.undeletedOf(x)
			result.deletes = result.deletes || some
			result.repeats = result.repeats || !all
		}
	}
	return result
}

// around gives the bounds of those pending runs that touch or overlap a section.
func (c *client) around(sec *section) (from, to int) {
	from = sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end >= sec.clock })
	to = from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() > sec.end })
	return from, to
}

// pendingAround gives those runs.
func (c *client) pendingAround(sec *section) []*run {
	from, to := c.around(sec)
	return c.pending[from:to]
}

// eachNew calls yield with those parts of src's blocks at or behind clock that
// are not among the held ones, in order.
func eachNew(src source, clock uint64, held []*run, yield func(*block)) {
	for b := src.next(); b != nil; b = src.next() {
		if b.end() <= clock {
			continue
		}
		rest := b.from(clock)
		for len(held) > 0 && held[0].end <= rest.clock {
			held = held[1:]
		}
		for len(held) > 0 && held[0].start() < rest.end() {
			if h := held[0]; rest.clock < h.start() {
				part := rest
				rest = part.split(h.start() - part.clock)
				yield(&part)
			}
			if held[0].end >= rest.end() {
				rest.len = 0
				break
			}
			rest = rest.from(held[0].end)
			held = held[1:]
		}
		if rest.len > 0 {
			yield(&rest)
		}
	}
}

// onlyNew encodes what s does not hold of an update.
func (s *Store) onlyNew(in *contents) []byte {
	news := New()
	for i := range in.sections {
		sec := &in.sections[i]
		c, to := s.find(sec.client), news.client(sec.client)
		if c == nil {
			to.hold(0, sec)
			continue
		}
		eachNew(sectionSource(sec), c.blocks.end, c.pendingAround(sec), func(b *block) { to.pending = extend(to.pending, b) })
	}
	for _, d := range in.deletions {
		c, to := s.find(d.client), news.client(d.client)
		for _, x := range d.read() {
			c.undeleted(x, func(part span) { to.dead = to.dead.add(part) })
		}
	}
	return news.Encode(V1)
}

// hold puts those of a section's blocks at or behind clock that c does not hold
// yet among those that wait.
func (c *client) hold(clock uint64, sec *section) {
	from, to := c.around(sec)
	held := c.pending[from:to]
	before := cost(held)
	var runs []*run
	eachNew(sectionSource(sec), clock, held, func(b *block) {
		for len(held) > 0 && held[0].end <= b.clock {
			runs = append(runs, held[0])
			held = held[1:]
		}
		runs = extend(runs, b)
	})
	runs = append(runs, held...)
	c.waitCost += cost(runs) - before
	c.pending = slices.Replace(c.pending, from, to, runs...)
}

// extend puts b, which is behind all of runs, there too.
func extend(runs []*run, b *block) []*run {
	last := len(runs) - 1
	if last < 0 || runs[last].end != b.clock {
		runs = append(runs, new(run))
		last++
	}
	runs[last].push(b)
	return runs
}

// waiting is about how much of an update would begin to wait, as waitCost
// counts it.
func (s *Store) waiting(in *contents) (cost int) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c.reach() >= sec.end {
			continue
		}
		eachNew(sectionSource(sec), c.reach(), c.pendingAround(sec), func(b *block) {
			cost += runCost + recCost + len(b.parent) + len(b.content)
		})
	}
	for _, d := range in.deletions {
		c := s.find(d.client)
		reach := c.reach()
		if d.body != nil && c.section.end == reach {
			continue
		}
		for _, x := range slices.Backward(d.read()) {
			if x.to <= reach {
				break
			}
			x.from = max(x.from, reach)
			c.undeleted(x, func(span) { cost += spanCost })
		}
	}
	return cost
}

// What holding a thing back costs beside its bytes: its memory, and in the case
// of spans that they are moved when others come in front of them.
const (
	runCost  = 512
	recCost  = 32
	spanCost = 128

	// costOfByte is more than a byte of an update can cost: a block takes two at
	// least, and so does a span.
	costOfByte = (runCost+recCost)/2 + 1
)

func cost(runs []*run) (n int) {
	for _, r := range runs {
		n += runCost + r.size + recCost*r.count
	}
	return n
}

// commit takes the blocks of an update into the document, as it was planned.
func (s *Store) commit() {
	for _, c := range s.plan.touched {
		before := c.waitCost
		if c.ready > c.blocks.end {
			s.integrate(c)
		}
		if c.section != nil && c.ready < c.section.end {
			c.hold(c.ready, c.section)
		}
		s.pending += c.waitCost - before
	}
	s.plan.finish()
}

// continues tells whether a section goes on where c ends, with nothing of c
// waiting behind that.
func (sec *section) continues(c *client) bool {
	return sec.clock == c.blocks.end && sec.elements == sec.end-sec.clock && len(c.pending)+len(c.dead) == 0
}

// integrate appends c's blocks that are ready to those that are integrated.
func (s *Store) integrate(c *client) {
	before := c.blocks.size
	if sec := c.section; sec != nil && c.ready == sec.end && sec.continues(c) {
		c.pushAll(sec)
	} else {
		s.merge(c)
	}
	s.size += c.blocks.size - before
}

// pushAll appends the blocks of a section.
func (c *client) pushAll(sec *section) {
	if sec.body != nil {
		c.body = *sec.body
		return
	}
	r := lib0.Reread(sec.wire)
	var b block
	for range sec.count {
		b.read(&r, c.id, c.blocks.end)
		c.push(&b)
	}
}

// merge integrates what is ready of that which waits and of an update's section.
func (s *Store) merge(c *client) {
	var start place
	if c.section != nil {
		start.clock = c.section.clock
	}
	q := c.queue(c.blocks.end, start)
	dead := len(c.dead)
	for c.blocks.end < c.ready {
		s.append(c, *q.at(c.blocks.end))
	}
	c.waitCost -= spanCost * (dead - len(c.dead))

	n := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > c.blocks.end })
	c.waitCost -= cost(c.pending[:n])
	c.pending = slices.Delete(c.pending, 0, n)
	if len(c.pending) > 0 && c.pending[0].start() < c.blocks.end {
		rest := new(run)
		src := runSource(c.id, c.pending[:1], c.blocks.end)
		for b := src.next(); b != nil; b = src.next() {
			part := b.from(c.blocks.end)
			rest.push(&part)
		}
		c.waitCost += cost([]*run{rest}) - cost(c.pending[:1])
		c.pending[0] = rest
	}
}

// append appends a block that is ready. Elements that were deleted before they
// came are so from the start.
func (s *Store) append(c *client, b block) {
	for len(c.dead) > 0 && c.dead[0].from < b.end() {
		x := c.dead[0]
		if b.clock < x.from {
			rest := b.split(x.from - b.clock)
			c.push(&b)
			b = rest
		}
		end := min(b.end(), x.to)
		c.dead = c.dead.behind(end)
		rest, more := b, b.end() > end
		if more {
			rest = b.split(end - b.clock)
		}
		s.bury(c, &b)
		if !more {
			return
		}
		b = rest
	}
	c.push(&b)
}

// bury appends a block that is deleted.
func (s *Store) bury(c *client, b *block) {
	if !s.options.History {
		b.kill()
	}
	c.deleted.add(span{b.clock, b.end()})
	c.blocks.push(b)
}

// delete takes deletions into the document.
func (s *Store) delete(deletions []deletion) {
	for _, d := range deletions {
		c := s.client(d.client)
		if d.body != nil && c.blocks.end == d.body.blocks.end {
			continue // it was taken in whole
		}
		spans := d.read()
		for len(spans) > 0 && spans[0].to <= c.blocks.end {
			s.deleteHeld(c, spans[0])
			spans = spans[1:]
		}
		if len(spans) == 0 {
			continue
		}
		if x := &spans[0]; x.from < c.blocks.end {
			s.deleteHeld(c, span{x.from, c.blocks.end})
			x.from = c.blocks.end
		}
		s.deleteLater(c, spans)
	}
}

// deleteLater has spans wait for what they delete.
func (s *Store) deleteLater(c *client, waiting []span) {
	before := len(c.dead)
	c.dead = c.dead.union(waiting)
	cost := spanCost * (len(c.dead) - before)
	c.waitCost += cost
	s.pending += cost
}

// deleteHeld deletes elements that are integrated.
func (s *Store) deleteHeld(c *client, x span) {
	for x.from < x.to {
		part := c.deleted.gap(x)
		if part.from == part.to {
			break
		}
		s.erase(c, part)
		x.from = part.to
	}
}

// erase deletes elements that are integrated, none of which is deleted yet.
func (s *Store) erase(c *client, x span) {
	c.deleted.add(x)
	if s.options.History {
		return
	}
	before := c.blocks.size
	s.eraser.delete(&c.blocks, c.id, x)
	s.size += c.blocks.size - before
}
