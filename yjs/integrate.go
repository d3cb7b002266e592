package yjs

import "github.com/yroom/yroom/blocks"

// lacks tells the first element that an item of another client's needs and that
// isn't integrated. An item needs nothing of its own client but what is before.
func (d *Doc) lacks(it *item) (blocks.ID, bool) {
	own := it.client.id
	if it.is(hasOrigin|inType) && it.origin.Client != own && !d.has(it.origin) {
		return it.origin, true
	}
	if it.is(hasRight) && it.rightID.Client != own && !d.has(it.rightID) {
		return it.rightID, true
	}
	return blocks.ID{}, false
}

// endingAt gives the item whose last element is x, which is integrated.
func (d *Doc) endingAt(x blocks.ID) *item {
	it := d.find(x.Client).items.find(x.Clock)
	if it.kind != blocks.KindGC && x.Clock+1 < it.end() {
		d.split(it, x.Clock+1-it.clock)
	}
	return it
}

// startingAt gives the item whose first element is x, which is integrated.
func (d *Doc) startingAt(x blocks.ID) *item {
	it := d.find(x.Client).items.find(x.Clock)
	if it.kind != blocks.KindGC && it.clock < x.Clock {
		return d.split(it, x.Clock-it.clock)
	}
	return it
}

// leftOf gives the item that is to end at the origin of one from outside. prev is the
// item that was integrated before: as a rule people go on where they are.
func (d *Doc) leftOf(it, prev *item) *item {
	if prev != nil && prev.parent != nil && prev.client.id == it.origin.Client {
		if prev.end() == it.origin.Clock+1 {
			return prev
		}
		if l := prev.left; l != nil && l.client == prev.client && l.end() == it.origin.Clock+1 {
			return l
		}
	}
	return d.endingAt(it.origin)
}

// rightOf gives the item that is to begin at the right origin of one from outside,
// as a rule what follows the left one.
func (d *Doc) rightOf(it, left *item) *item {
	if left != nil {
		if r := left.right; r != nil && r.clock == it.rightID.Clock && r.client.id == it.rightID.Client {
			return r
		}
	}
	return d.startingAt(it.rightID)
}

// place finds the items that an item from outside refers to, and what it is in.
// Without a parent it can't stand anywhere: what it refers to was collected.
func (d *Doc) place(it, prev *item) {
	if it.kind == blocks.KindGC {
		return
	}
	if it.is(inType) {
		it.parent = d.item(it.origin).typ()
		it.origin = blocks.ID{}
		it.flags &^= inType
		return
	}
	var left, right *item
	if it.is(hasOrigin) {
		left = d.leftOf(it, prev)
	}
	if it.is(hasRight) {
		right = d.rightOf(it, left)
	}
	it.left, it.right = left, right
	near := left
	if near == nil {
		near = right
	}
	if near == nil {
		return // in a root
	}
	it.parent, it.flags = near.parent, it.flags&^hasKey|near.flags&hasKey
	if near.is(hasKey) {
		it.more().key = near.rare.key
	}
	if left != nil && left.parent == nil || right != nil && right.parent == nil {
		it.parent = nil
	}
}

// integrate puts an item into the document, whose next clock it has: between
// left and right, with what was put there at the same time in the order that all
// agree on (YATA, as Item.integrate of yjs has it).
func (tx *transaction) integrate(it *item) {
	c, t := it.client, it.parent
	tx.touch(c)
	if t == nil {
		*it = item{client: c, clock: it.clock, len: it.len, kind: blocks.KindGC, flags: deleted}
		c.push(it)
		return
	}
	if it.left == nil && (it.right == nil || it.right.left != nil) || it.left != nil && it.left.right != it.right {
		tx.doc.settle(it)
	}
	tx.doc.link(it)
	if !it.is(hasKey) {
		t.len += it.width()
		if t.indexed {
			t.insert(it)
		}
	}
	c.push(it)
	switch it.kind {
	case blocks.KindType:
		it.rare.typ.item, it.rare.typ.depth = it, t.depth+1
	case blocks.KindFormat:
		t.formatted = true
	case blocks.KindDeleted:
		it.flags |= deleted
		if tx.reports || t.formatted {
			tx.deleted = append(tx.deleted, deletion{c, span{it.clock, it.end()}})
		}
	}
	tx.change(t)
	if it.is(hasKey) && it.right == nil && it.left != nil {
		tx.delete(it.left)
	}
	if t.gone() || it.is(hasKey) && it.right != nil {
		tx.delete(it)
	}
	tx.doc.divide(it)
}

func (c *client) push(it *item) {
	c.items.push(it)
	c.end = it.end()
}

// settle finds the left neighbour among what stands between the item's origins.
func (d *Doc) settle(it *item) {
	left := it.left
	var o *item
	switch {
	case left != nil:
		o = left.right
	case !it.is(hasKey):
		o = it.parent.first
	default:
		if e := it.parent.entry(it.key()); e != nil {
			o = e.first
		}
	}
	// What was visited after start stands behind the origin; what was visited after
	// conflict may be in conflict with the item.
	start := d.visits
	conflict := start
	for ; o != nil && o != it.right; o = o.right {
		if d.visits++; d.visits > d.most {
			d.lost = true
			break
		}
		o.more().visit = d.visits
		if sameRef(it, o, hasOrigin) {
			if o.client.id < it.client.id {
				left, conflict = o, d.visits
			} else if sameRef(it, o, hasRight) {
				break
			}
			continue
		}
		if !o.is(hasOrigin) {
			break
		}
		switch origin := d.item(o.origin); {
		case origin.visit() <= start:
			it.left = left
			return
		case origin.visit() <= conflict:
			left, conflict = o, d.visits
		}
	}
	it.left = left
}

// sameRef tells whether both items have the same origin or right origin.
func sameRef(a, b *item, which flags) bool {
	if (a.flags^b.flags)&which != 0 {
		return false
	}
	switch {
	case !a.is(which):
		return true
	case which == hasOrigin:
		return a.origin == b.origin
	}
	return a.rightID == b.rightID
}

// link puts the item behind its left neighbour.
func (d *Doc) link(it *item) {
	t := it.parent
	first, last := &t.first, &t.last
	if it.is(hasKey) {
		e := t.entry(it.key())
		if e == nil {
			e = t.addEntry(it.key())
		}
		first, last = &e.first, &e.last
	}
	if it.left != nil {
		it.right = it.left.right
		it.left.right = it
	} else {
		it.right = *first
		*first = it
	}
	if it.right != nil {
		it.right.left = it
	} else {
		*last = it
	}
}

// delete deletes an item, and what is in it.
func (tx *transaction) delete(it *item) {
	todo := []*item{it}
	for len(todo) > 0 {
		it := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if it.deleted() {
			continue
		}
		t := it.parent
		if !it.is(hasKey) {
			t.len -= it.width()
		}
		it.flags |= deleted
		if !it.is(hasKey) && t.indexed {
			t.update(it)
		}
		tx.deleted = append(tx.deleted, deletion{it.client, span{it.clock, it.end()}})
		tx.change(t)
		inside := it.typ()
		if inside == nil {
			continue
		}
		for x := inside.first; x != nil; x = x.right {
			todo = append(todo, x)
		}
		for _, e := range inside.order {
			todo = append(todo, e.last)
		}
	}
}

// deleteSpan deletes integrated elements of a client.
func (tx *transaction) deleteSpan(c *client, x span) {
	k, i := c.items.search(x.from)
	for x.from < x.to {
		it := c.items.chunks[k][i].it
		if !it.deleted() {
			if it.clock < x.from {
				it = tx.doc.split(it, x.from-it.clock)
			}
			if it.end() > x.to {
				tx.doc.split(it, x.to-it.clock)
			}
			tx.delete(it)
			k, i = c.items.search(it.clock)
		}
		x.from = it.end()
		if i++; i == len(c.items.chunks[k]) {
			k, i = k+1, 0
		}
	}
}
