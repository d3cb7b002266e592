package yjs

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// state is where a client is while an update is applied.
type state uint8

const (
	idle    state = iota
	active        // its next item is about to be integrated, or needs another client's first
	blocked       // it gets no further for now
)

// decodedUpdate is an update that was read and checked, and of which nothing is in the
// document yet.
type decodedUpdate struct {
	doc      *Doc
	slab     slab
	sections []section
	common   *common                // of the next item, until it is in a type
	inRoot   *common                // of the last item that names a root
	link     **item                 // where the next item is to be linked
	unread   int                    // how many bytes of contents still come, at most
	roots    []*sharedType          // that are new
	byName   map[string]*sharedType // the same
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
	if d.exhausted {
		return ErrWork
	}
	var err error
	if enc != blocks.V1 {
		if update, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return err
		}
	}
	a := decodedUpdate{doc: d, unread: len(update)}
	if a.deleted, err = blocks.Parse(update, a.block); err != nil {
		return err
	}
	return d.edit(func(tx *transaction) error {
		tx.remote = true
		tx.integrateUpdate(&a)
		if d.exhausted {
			return ErrWork
		}
		return nil
	})
}

// begin begins the section of a client.
func (a *decodedUpdate) beginSection(id uint64) {
	c := a.doc.find(id)
	if c == nil {
		c = newClient(id)
	}
	a.sections = append(a.sections, section{client: c})
	begun := common{client: c}
	if a.common != nil {
		begun.arena = a.common.arena
	}
	a.common = &begun
	a.link = &a.sections[len(a.sections)-1].first
}

// newCommon makes a home with room for at least n bytes of contents.
func (a *decodedUpdate) newCommon(c *client, n int) *common {
	return newCommon(c, nil, make([]byte, 0, max(n, min(a.unread, arenaBytes))))
}

// block makes an item of the next block.
func (a *decodedUpdate) block(b *blocks.Block) {
	if a.common == nil || a.common.client.id != b.Client {
		a.beginSection(b.Client)
	}
	if b.Kind == blocks.KindSkip {
		return
	}
	it := a.slab.item(b.Left + 1)
	*a.link, a.link = it, &it.right
	it.clock, it.len, it.kind = b.Clock, b.Len, b.Kind
	a.storeContent(it, b.Content)
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
		it.common = it.common.withParent(a.root(b.Root), a.inRoot, nil)
		a.inRoot = it.common
	} else if b.InType {
		origin = b.Parent
		f |= inType
	}
	if f&(hasOrigin|inType) != 0 && origin.Client != b.Client || f&hasRight != 0 && right.Client != b.Client {
		f |= isForeign
	}
	if b.HasKey {
		f |= hasKey
		it.ensureExtra().key = string(b.Key)
	}
	it.flags = f
	it.setRefs(origin, right)
	if b.Kind == blocks.KindType {
		it.ensureExtra().typ = readType(a.doc, b.Content)
	}
}

// keep gives an item its content, which is borrowed.
func (a *decodedUpdate) storeContent(it *item, content []byte) {
	if it.common = a.common; len(content) > a.common.free() {
		if len(content) > arenaBytes/4 {
			it.common = newCommon(a.common.client, nil, bytes.Clone(content))
			return
		}
		a.common = a.newCommon(a.common.client, len(content))
	}
	arena := a.common.arena
	if arena == nil {
		return // no content, and nobody before had any
	}
	from := len(arena.bytes)
	arena.bytes = append(arena.bytes, content...)
	a.unread -= len(content)
	it.common, it.from, it.to = a.common, uint16(from), uint16(len(arena.bytes))
}

// root gives the root type of a name.
func (a *decodedUpdate) root(name []byte) *sharedType {
	if t := a.doc.roots[string(name)]; t != nil {
		return t
	}
	t := a.byName[string(name)]
	if t == nil {
		t = &sharedType{doc: a.doc, name: string(name)}
		if a.byName == nil {
			a.byName = make(map[string]*sharedType)
		}
		a.byName[t.name] = t
		a.roots = append(a.roots, t)
	}
	return t
}

// take takes an update into the document.
func (tx *transaction) integrateUpdate(a *decodedUpdate) {
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
		if c.arrived = sec.first; len(c.pending) > 0 {
			c.addPending(d)
		}
		todo = append(todo, c)
	}
	for len(todo) > 0 {
		todo = tx.advance(todo)
	}
	for _, sec := range a.sections {
		sec.client.addPending(d)
	}
	tx.applyDeletions(a.deleted)
}

// applyDeletions deletes what an update deletes, and what came after its deletion.
func (tx *transaction) applyDeletions(all iter.Seq2[blocks.ID, uint64]) {
	d := tx.doc
	for first, n := range all {
		c, x := d.client(first.Client), clocks.Span{From: first.Clock, To: first.Clock + n}
		if x.From < c.end {
			tx.deleteSpan(c, clocks.Span{From: x.From, To: min(x.To, c.end)})
		}
		if x.To > c.end {
			c.pendingDeletions = c.pendingDeletions.Add(clocks.Span{From: max(x.From, c.end), To: x.To})
		}
	}
	for _, c := range tx.touched {
		tx.applyPendingDeletions(c)
	}
}

// bury deletes items that came after they were deleted.
func (tx *transaction) applyPendingDeletions(c *client) {
	done := 0
	for i, x := range c.pendingDeletions {
		if x.From >= c.end {
			break
		}
		tx.deleteSpan(c, clocks.Span{From: x.From, To: min(x.To, c.end)})
		if x.To > c.end {
			c.pendingDeletions[i].From = c.end
			break
		}
		done++
	}
	c.pendingDeletions = slices.Delete(c.pendingDeletions, 0, done)
}

// advance integrates what clients have waiting, as far as they get, those with
// higher ids first and in the order of yjs. It gives those who waited for that.
func (tx *transaction) advance(todo []*client) []*client {
	tx.woken, tx.blocked = nil, tx.blocked[:0]
	slices.SortFunc(todo, descending)
	for _, c := range todo {
		if c.state == idle {
			tx.run(c)
		}
	}
	for _, c := range tx.blocked {
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
	var prev hint
	for {
		c := stack[len(stack)-1]
		it := c.head(d)
		if it == nil && len(stack) == 1 {
			c.state = idle
			return
		}
		if it == nil || it.clock > c.end {
			tx.suspend(stack)
			return
		}
		if it.is(isForeign) {
			if needs, yes := d.lacks(it); yes {
				on := d.client(needs.Client)
				if on.state != idle || on.waiting {
					tx.suspend(stack)
					return
				}
				on.state = active
				stack = append(stack, on)
				continue
			}
		}
		c.next()
		left := d.resolveRefs(it, prev)
		tx.integrate(it, left)
		prev = hint{it, left}
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
	for x, ok := c.waiters.Pop(c.end); ok; x, ok = c.waiters.Pop(c.end) {
		x.Client.waiting = false
		tx.woken = append(tx.woken, x.Client)
	}
}

// give gives up clients each of which needs something of the next one.
func (tx *transaction) suspend(stack []*client) {
	for _, c := range stack {
		c.state = blocked
		it := c.head(tx.doc)
		if it == nil || it.clock > c.end || c.waiting {
			continue
		}
		if needs, yes := tx.doc.lacks(it); yes {
			c.waiting = true
			on := tx.doc.client(needs.Client)
			on.waiters.Push(clocks.Waiter[*client]{Clock: needs.Clock, Client: c})
		}
	}
	tx.blocked = append(tx.blocked, stack...)
}

// first gives what comes first of what is to be integrated; nil: there is nothing.
// A part of it may be known already.
func (c *client) first() *item {
	switch {
	case c.arrived != nil:
		return c.arrived
	case len(c.pending) > 0:
		return c.pending[0]
	}
	return nil
}

// next takes out what first gives.
func (c *client) next() {
	if c.arrived != nil {
		c.arrived = c.arrived.right
		return
	}
	if c.pending = c.pending[1:]; len(c.pending) == 0 {
		c.pending = nil
	}
}

// head gives the first item that isn't integrated yet; nil: there is none. It may
// be behind a gap.
func (c *client) head(d *Doc) *item {
	if it := c.arrived; it != nil && it.clock >= c.end {
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
			rest := d.cutItem(it, c.end-it.clock, -1)
			if c.arrived != nil {
				c.arrived, rest.right = rest, it.right
			} else {
				c.pending[0] = rest
			}
			return rest
		}
		c.next()
	}
	return nil
}

// enqueue puts the fresh items among those that wait. What waits already stays.
func (c *client) addPending(d *Doc) {
	if c.arrived == nil {
		return
	}
	var fresh []*item
	for c.arrived != nil {
		it := c.arrived
		c.arrived, it.right = it.right, nil
		fresh = append(fresh, it)
	}
	first, end := fresh[0].clock, fresh[len(fresh)-1].end()
	n := len(c.pending)
	if n == 0 {
		c.pending = fresh
		return
	}
	if c.pending[n-1].end() <= first {
		c.pending = append(c.pending, fresh...)
		return
	}
	i := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end() > first })
	j := i + sort.Search(len(c.pending)-i, func(n int) bool { return c.pending[i+n].clock >= end })
	held := c.pending[i:j]
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
				rest := d.cutItem(it, held[0].clock-it.clock, -1)
				merged = append(merged, it)
				it = rest
			}
			if it.end() <= held[0].end() {
				break
			}
			it = d.cutItem(it, held[0].end()-it.clock, -1)
		}
	}
	c.pending = slices.Replace(c.pending, i, j, append(merged, held...)...)
}
