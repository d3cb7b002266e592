package blocks

// plan works out how far each client's blocks can be integrated once an update
// is there, without changing the store: a block is ready when all before it of
// the same client are, and the blocks that it refers to.
//
// Each block is looked at once, and again each time that something it waited
// for has come, so the time is linear but for the heaps of waiters.
type plan struct {
	works []work
	todo  []int     // indexes of works that may get further
	made  []*client // clients that were added for the plan
	woken []woken   // waiters that were taken from their client's heap
}

// work is how far one client gets.
type work struct {
	client  *client
	section *section // what the update has of the client; nil: nothing
	update  source
	held    source
	at      uint64 // the clock behind the last block that is ready

	blocked bool // the next block waits for needs
	needs   id
	waiters waiters // works, by the clock of this client that they need
}

type woken struct {
	on     *client
	waiter waiter
}

// block gives the block at clock: what is held goes first.
func (w *work) block(clock uint64) *block {
	if b := w.held.at(clock); b != nil {
		return b
	}
	return w.update.at(clock)
}

// rewind goes back to the first block.
func (w *work) rewind() {
	w.held = runSource(w.client.id, w.client.pending)
	w.update = source{}
	if w.section != nil {
		w.update = sectionSource(w.section)
	}
}

// reach is how far c's blocks are ready, by the plan where there is one. c may
// be nil.
func (s *Store) reach(c *client) uint64 {
	switch {
	case c == nil:
		return 0
	case c.work > 0:
		return s.plan.works[c.work-1].at
	}
	return c.blocks.end
}

// make plans the integration of sections.
func (p *plan) make(s *Store, sections []section) {
	for i := range sections {
		sec := &sections[i]
		n := p.work(s.byID[sec.client], s, sec.client, sec)
		p.todo = append(p.todo, n)
	}
	for len(p.todo) > 0 {
		last := len(p.todo) - 1
		n := p.todo[last]
		p.todo = p.todo[:last]
		p.advance(s, n)
	}
}

// work gives the index of a client's work, which it begins where there is
// none. c may be nil for a client that is new.
func (p *plan) work(c *client, s *Store, id uint64, sec *section) int {
	if c == nil {
		c = s.client(id)
		p.made = append(p.made, c)
	}
	if c.work == 0 {
		p.works = append(p.works, work{client: c, section: sec, at: c.blocks.end})
		c.work = len(p.works)
		p.works[c.work-1].rewind()
	}
	return c.work - 1
}

// advance takes work n as far as it gets, and notes who can get further for it.
func (p *plan) advance(s *Store, n int) {
	w := &p.works[n]
	start := w.at
	w.blocked = false
	for !w.blocked {
		b := w.block(w.at)
		if b == nil {
			break
		}
		if b.clock < w.at {
			*b = b.from(w.at)
		}
		if w.needs, w.blocked = s.lacks(b); !w.blocked {
			w.at = b.end()
		}
	}
	if w.blocked {
		needs := w.needs
		on := p.work(s.byID[needs.client], s, needs.client, nil)
		w = &p.works[n]
		if !w.client.waiting {
			p.works[on].waiters.push(waiter{needs.clock, w.client})
		}
	}
	if w.at == start {
		return
	}
	for x, ok := w.waiters.pop(w.at); ok; x, ok = w.waiters.pop(w.at) {
		p.todo = append(p.todo, x.client.work-1)
	}
	on, at := w.client, w.at
	for x, ok := on.waiters.pop(at); ok; x, ok = on.waiters.pop(at) {
		x.client.waiting = false
		p.woken = append(p.woken, woken{on, x})
		p.todo = append(p.todo, p.work(x.client, s, x.client.id, nil))
	}
}

// lacks tells the first id that b refers to and that is not ready.
func (s *Store) lacks(b *block) (id, bool) {
	refs, n := b.refs()
	for _, ref := range refs[:n] {
		// Of its own client a block refers only to what is before it.
		if ref.client != b.client && s.reach(s.byID[ref.client]) <= ref.clock {
			return ref, true
		}
	}
	return id{}, false
}

// finish ends the plan once it is carried out: those who still wait go on
// waiting.
func (p *plan) finish(s *Store) {
	for i := range p.works {
		w := &p.works[i]
		if w.blocked && !w.client.waiting {
			w.client.waiting = true
			s.byID[w.needs.client].waiters.push(waiter{w.needs.clock, w.client})
		}
	}
	p.reset()
}

// cancel takes back what the plan has touched.
func (p *plan) cancel(s *Store) {
	for _, x := range p.woken {
		x.waiter.client.waiting = true
		x.on.waiters.push(x.waiter)
	}
	for _, c := range p.made {
		s.forget(c)
	}
	p.reset()
}

// reset keeps no more room than small updates need, and lets go of the update.
func (p *plan) reset() {
	for i := range p.works {
		p.works[i].client.work = 0
	}
	clear(p.works)
	clear(p.made)
	clear(p.woken)
	*p = plan{works: p.works[:0], todo: p.todo[:0], made: p.made[:0], woken: p.woken[:0]}
	if cap(p.works) > 64 {
		*p = plan{}
	}
}
