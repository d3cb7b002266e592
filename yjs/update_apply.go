package yjs

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"github.com/yroom/yroom/blocks"
)

// state is where a client is while an update is applied.
type state uint8

const (
	idle   state = iota
	active       // its next item is about to be integrated, or needs another client's first
	stuck        // it gets no further for now
)

// arrival is an update that was read and checked, and of which nothing is in the
// document yet.
type arrival struct {
	doc      *Doc
	slab     slab
	sections []section
	home     *home           // of the next item, until it is in a type
	inRoot   *home           // of the last item that names a root
	end      **item          // where the next item is to be linked
	rest     int             // how many bytes of contents still come, at most
	roots    []*typ          // that are new
	byName   map[string]*typ // the same
	deleted  iter.Seq2[blocks.ID, uint64]
}

// section is the items of one client, in clock order: until they are taken out to be
// integrated, the right of each is the next one.
type section struct {
	client *client // not among the document's if that doesn't know it
	first  *item
}

// Apply takes an update into the document. What it needs and isn't there makes
// it wait. An error (blocks.ErrMalformed, blocks.ErrEncoding, in V2
// blocks.ErrLimit) leaves the document as it was, but for ErrWork: after that its
// types are not to be trusted, and it takes no more updates. update is borrowed.
//
// As in yjs, texts that were there before and get other formats at the same time
// are rid of formats that say nothing.
func (d *Doc) Apply(update []byte, enc Encoding) error {
	if d.lost {
		return ErrWork
	}
	var err error
	if enc != blocks.V1 {
		if update, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return err
		}
	}
	a := arrival{doc: d, rest: len(update)}
	if a.deleted, err = blocks.Parse(update, a.block); err != nil {
		return err
	}
	return d.edit(func(tx *transaction) error {
		tx.remote = true
		tx.take(&a)
		if d.lost {
			return ErrWork
		}
		return nil
	})
}

// begin begins the section of a client.
func (a *arrival) begin(id uint64) {
	c := a.doc.find(id)
	if c == nil {
		c = newClient(id)
	}
	a.sections = append(a.sections, section{client: c})
	begun := home{client: c}
	if a.home != nil {
		begun.arena = a.home.arena
	}
	a.home = &begun
	a.end = &a.sections[len(a.sections)-1].first
}

// newHome makes a home with room for at least n bytes of contents.
func (a *arrival) newHome(c *client, n int) *home {
	return newHome(c, nil, make([]byte, 0, max(n, min(a.rest, arenaBytes))))
}

// block makes an item of the next block.
func (a *arrival) block(b *blocks.Block) {
	if a.home == nil || a.home.client.id != b.Client {
		a.begin(b.Client)
	}
	if b.Kind == blocks.KindSkip {
		return
	}
	it := a.slab.item(b.Left + 1)
	*a.end, a.end = it, &it.right
	it.clock, it.len, it.kind = b.Clock, b.Len, b.Kind
	a.keep(it, b.Content)
	f := flagsOf[b.Kind]
	var origin, right blocks.ID
	if b.HasOrigin {
		origin = b.Origin
		f |= hasOrigin
	}
	if b.HasRight {
		right = b.Right
		f |= hasRight
	}
	if b.Root != nil {
		it.home = it.home.in(a.root(b.Root), a.inRoot, nil)
		a.inRoot = it.home
	} else if b.InType {
		origin = b.Parent
		f |= inType
	}
	if f&(hasOrigin|inType) != 0 && origin.Client != b.Client || f&hasRight != 0 && right.Client != b.Client {
		f |= isForeign
	}
	if b.HasKey {
		f |= hasKey
		it.more().key = string(b.Key)
	}
	it.flags = f
	it.setRefs(origin, right)
	if b.Kind == blocks.KindType {
		it.more().typ = readTyp(a.doc, b.Content)
	}
}

// keep gives an item its content, which is borrowed.
func (a *arrival) keep(it *item, content []byte) {
	if it.home = a.home; len(content) > a.home.room() {
		if len(content) > arenaBytes/4 {
			it.home = newHome(a.home.client, nil, bytes.Clone(content))
			return
		}
		a.home = a.newHome(a.home.client, len(content))
	}
	arena := a.home.arena
	if arena == nil {
		return // no content, and nobody before had any
	}
	from := len(arena.bytes)
	arena.bytes = append(arena.bytes, content...)
	a.rest -= len(content)
	it.home, it.from, it.to = a.home, uint16(from), uint16(len(arena.bytes))
}

// root gives the root type of a name.
func (a *arrival) root(name []byte) *typ {
	if t := a.doc.roots[string(name)]; t != nil {
		return t
	}
	t := a.byName[string(name)]
	if t == nil {
		t = &typ{doc: a.doc, name: string(name)}
		if a.byName == nil {
			a.byName = make(map[string]*typ)
		}
		a.byName[t.name] = t
		a.roots = append(a.roots, t)
	}
	return t
}

// take takes an update into the document.
func (tx *transaction) take(a *arrival) {
	d := tx.doc
	for _, t := range a.roots {
		d.addRoot(t)
	}
	var todo []*client
	for _, sec := range a.sections {
		c := sec.client
		if d.find(c.id) == nil {
			d.byID[c.id] = c
			d.clients, d.sorted = append(d.clients, c), false
		}
		if sec.first == nil {
			continue
		}
		if c.fresh = sec.first; len(c.queue) > 0 {
			c.enqueue(d)
		}
		todo = append(todo, c)
	}
	for len(todo) > 0 {
		todo = tx.advance(todo)
	}
	for _, sec := range a.sections {
		sec.client.enqueue(d)
	}
	tx.takeDeletions(a.deleted)
}

// takeDeletions deletes what an update deletes, and what came after its deletion.
func (tx *transaction) takeDeletions(all iter.Seq2[blocks.ID, uint64]) {
	d := tx.doc
	for first, n := range all {
		c, x := d.client(first.Client), span{first.Clock, first.Clock + n}
		if x.from < c.end {
			tx.deleteSpan(c, span{x.from, min(x.to, c.end)})
		}
		if x.to > c.end {
			c.dead = c.dead.add(span{max(x.from, c.end), x.to})
		}
	}
	for _, c := range tx.touched {
		tx.bury(c)
	}
}

// bury deletes items that came after they were deleted.
func (tx *transaction) bury(c *client) {
	done := 0
	for i, x := range c.dead {
		if x.from >= c.end {
			break
		}
		tx.deleteSpan(c, span{x.from, min(x.to, c.end)})
		if x.to > c.end {
			c.dead[i].from = c.end
			break
		}
		done++
	}
	c.dead = slices.Delete(c.dead, 0, done)
}

// advance integrates what clients have waiting, as far as they get, those with
// higher ids first and in the order of yjs. It gives those who waited for that.
func (tx *transaction) advance(todo []*client) []*client {
	tx.woken, tx.stuck = nil, tx.stuck[:0]
	slices.SortFunc(todo, descending)
	for _, c := range todo {
		if c.state == idle {
			tx.run(c)
		}
	}
	for _, c := range tx.stuck {
		c.state = idle
	}
	return tx.woken
}

// run integrates the items of a client, and before each of them what it needs
// of others.
func (tx *transaction) run(c *client) {
	d := tx.doc
	stack := []*client{c}
	c.state = active
	var prev spot
	for {
		c := stack[len(stack)-1]
		it := c.head(d)
		if it == nil && len(stack) == 1 {
			c.state = idle
			return
		}
		if it == nil || it.clock > c.end {
			tx.give(stack)
			return
		}
		if it.is(isForeign) {
			if needs, yes := d.lacks(it); yes {
				on := d.client(needs.Client)
				if on.state != idle || on.waiting {
					tx.give(stack)
					return
				}
				on.state = active
				stack = append(stack, on)
				continue
			}
		}
		c.next()
		left := d.place(it, prev)
		tx.integrate(it, left)
		prev = spot{it, left}
		if len(c.waiters) > 0 {
			tx.wake(c)
		}
		if len(stack) > 1 {
			c.state = idle
			stack = stack[:len(stack)-1]
		}
	}
}

// wake notes who waited for items that the client has now.
func (tx *transaction) wake(c *client) {
	for x, ok := c.waiters.pop(c.end); ok; x, ok = c.waiters.pop(c.end) {
		x.client.waiting = false
		tx.woken = append(tx.woken, x.client)
	}
}

// give gives up clients each of which needs something of the next one.
func (tx *transaction) give(stack []*client) {
	for _, c := range stack {
		c.state = stuck
		it := c.head(tx.doc)
		if it == nil || it.clock > c.end || c.waiting {
			continue
		}
		if needs, yes := tx.doc.lacks(it); yes {
			c.waiting = true
			on := tx.doc.client(needs.Client)
			on.waiters.push(waiter{needs.Clock, c})
		}
	}
	tx.stuck = append(tx.stuck, stack...)
}

// first gives what comes first of what is to be integrated; nil: there is nothing.
// A part of it may be known already.
func (c *client) first() *item {
	switch {
	case c.fresh != nil:
		return c.fresh
	case len(c.queue) > 0:
		return c.queue[0]
	}
	return nil
}

// next takes out what first gives.
func (c *client) next() {
	if c.fresh != nil {
		c.fresh = c.fresh.right
		return
	}
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
}

// head gives the first item that isn't integrated yet; nil: there is none. It may
// be behind a gap.
func (c *client) head(d *Doc) *item {
	if it := c.fresh; it != nil && it.clock >= c.end {
		return it
	}
	return c.skipKnown(d)
}

// skipKnown passes over what is integrated already, and gives what head gives.
func (c *client) skipKnown(d *Doc) *item {
	for it := c.first(); it != nil; it = c.first() {
		if it.clock >= c.end {
			return it
		}
		if it.end() > c.end {
			rest := d.part(it, c.end-it.clock, -1)
			if c.fresh != nil {
				c.fresh, rest.right = rest, it.right
			} else {
				c.queue[0] = rest
			}
			return rest
		}
		c.next()
	}
	return nil
}

// enqueue puts the fresh items among those that wait. What waits already stays.
func (c *client) enqueue(d *Doc) {
	if c.fresh == nil {
		return
	}
	var fresh []*item
	for c.fresh != nil {
		it := c.fresh
		c.fresh, it.right = it.right, nil
		fresh = append(fresh, it)
	}
	first, end := fresh[0].clock, fresh[len(fresh)-1].end()
	n := len(c.queue)
	if n == 0 {
		c.queue = fresh
		return
	}
	if c.queue[n-1].end() <= first {
		c.queue = append(c.queue, fresh...)
		return
	}
	i := sort.Search(len(c.queue), func(i int) bool { return c.queue[i].end() > first })
	j := i + sort.Search(len(c.queue)-i, func(n int) bool { return c.queue[i+n].clock >= end })
	held := c.queue[i:j]
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
				rest := d.part(it, held[0].clock-it.clock, -1)
				merged = append(merged, it)
				it = rest
			}
			if it.end() <= held[0].end() {
				break
			}
			it = d.part(it, held[0].end()-it.clock, -1)
		}
	}
	c.queue = slices.Replace(c.queue, i, j, append(merged, held...)...)
}
