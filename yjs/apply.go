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
	size     int // of the update
	slab     slab
	sections []section
	roots    []*typ          // that are new
	byName   map[string]*typ // the same
	deleted  iter.Seq2[blocks.ID, uint64]
}

// section is the items of one client, in clock order.
type section struct {
	client *client // not among the document's if that doesn't know it
	items  []*item
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
	if enc == blocks.V1 {
		update = bytes.Clone(update)
	} else {
		var err error
		if update, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return err
		}
	}
	a := arrival{doc: d, size: len(update)}
	var err error
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

// block makes an item of the next block.
func (a *arrival) block(b *blocks.Block) {
	last := len(a.sections) - 1
	if last < 0 || a.sections[last].client.id != b.Client {
		c := a.doc.find(b.Client)
		if c == nil {
			c = &client{id: b.Client}
		}
		// A block takes two bytes at least.
		a.sections = append(a.sections, section{client: c, items: make([]*item, 0, min(b.Left+1, uint64(a.size/2)))})
		last++
	}
	if b.Kind == blocks.KindSkip {
		return
	}
	sec := &a.sections[last]
	it := a.slab.item()
	it.client, it.clock, it.len, it.kind, it.content = sec.client, b.Clock, b.Len, b.Kind, b.Content
	switch {
	case b.Kind == blocks.KindGC:
		it.flags = deleted
	case b.InType:
		it.flags, it.origin = inType, b.Parent
	case b.Root != nil:
		it.parent = a.root(b.Root)
	}
	if b.HasOrigin {
		it.flags |= hasOrigin
		it.origin = b.Origin
	}
	if b.HasRight {
		it.flags |= hasRight
		it.rightID = b.Right
	}
	if b.HasKey {
		it.flags |= hasKey
		it.more().key = string(b.Key)
	}
	if b.Kind == blocks.KindType {
		it.more().typ = readTyp(a.doc, b.Content)
	}
	sec.items = append(sec.items, it)
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
		if len(sec.items) > 0 {
			c.enqueue(d, sec.items)
			todo = append(todo, c)
		}
	}
	for len(todo) > 0 {
		todo = tx.advance(todo)
	}
	var dead []*client
	for first, n := range a.deleted {
		c, x := d.client(first.Client), span{first.Clock, first.Clock + n}
		if x.from < c.end {
			tx.deleteSpan(c, span{x.from, min(x.to, c.end)})
		}
		if x.to > c.end {
			c.dead = c.dead.add(span{max(x.from, c.end), x.to})
		}
	}
	for _, c := range tx.touched {
		if len(c.dead) > 0 && c.dead[0].from < c.end {
			dead = append(dead, c)
		}
	}
	for _, c := range dead {
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
	var prev *item
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
		c.queue = c.queue[1:]
		if len(c.queue) == 0 {
			c.queue = nil
		}
		d.place(it, prev)
		tx.integrate(it)
		prev = it
		for x, ok := c.waiters.pop(c.end); ok; x, ok = c.waiters.pop(c.end) {
			x.client.waiting = false
			tx.woken = append(tx.woken, x.client)
		}
		if len(stack) > 1 {
			c.state = idle
			stack = stack[:len(stack)-1]
		}
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

// head gives the first item of the queue that isn't integrated yet; nil: there is
// none. It may be behind a gap.
func (c *client) head(d *Doc) *item {
	for len(c.queue) > 0 {
		it := c.queue[0]
		if it.clock >= c.end {
			return it
		}
		if it.end() > c.end {
			c.queue[0] = d.part(it, c.end-it.clock, -1)
			return c.queue[0]
		}
		c.queue = c.queue[1:]
	}
	return nil
}

// enqueue puts items, which are in clock order, among those that wait. What
// waits already stays.
func (c *client) enqueue(d *Doc, fresh []*item) {
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
