package yjs

import "github.com/yroom/yroom/blocks"

// lacks tells the first element that an item of another client's needs and that
// isn't integrated. An item needs nothing of its own client but what is before.
func (d *Doc) lacks(it *item) (blocks.ID, bool) {
	if it.is(hasOrigin | inType) {
		if x := it.origin(); x.Client != it.client().id && !d.has(x) {
			return x, true
		}
	}
	if it.is(hasRight) {
		if x := it.rightOrigin(); x.Client != it.client().id && !d.has(x) {
			return x, true
		}
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
	origin := it.origin()
	if prev.endsAt(origin) {
		return prev
	}
	if prev != nil && prev.left.endsAt(origin) {
		return prev.left
	}
	return d.endingAt(origin)
}

// endsAt tells whether there is an item with a place, and x is its last element.
func (it *item) endsAt(x blocks.ID) bool {
	return it != nil && it.end() == x.Clock+1 && it.client().id == x.Client && it.parent() != nil
}

// rightOf gives the item that is to begin at the right origin of one from outside,
// as a rule what follows the left one.
func (d *Doc) rightOf(it, left *item) *item {
	origin := it.rightOrigin()
	if left != nil {
		if r := left.right; r != nil && r.clock == origin.Clock && r.client().id == origin.Client {
			return r
		}
	}
	return d.startingAt(origin)
}

// place finds the items that an item from outside refers to, and what it is in.
// Without a parent it can't stand anywhere: what it refers to was collected. prev may
// be anything that was integrated before, or nil.
func (d *Doc) place(it, prev *item) {
	var before *home
	if prev != nil {
		before = prev.home
	}
	if !it.is(hasOrigin | hasRight) {
		if it.right = nil; it.is(inType) {
			it.home = it.home.in(d.item(it.origin()).typ(), before, nil)
			it.setRefs(blocks.ID{}, blocks.ID{})
			it.flags &^= inType
		}
		return
	}
	var near, left, right *item
	if it.is(hasOrigin) {
		left = d.leftOf(it, prev)
		near = left
	}
	if it.is(hasRight) {
		right = d.rightOf(it, left)
		if left == nil {
			near = right
		}
	}
	it.left, it.right = left, right
	it.flags = it.flags&^hasKey | near.flags&hasKey
	if near.is(hasKey) {
		it.more().key = near.rare.key
	}
	if right == nil || right.parent() != nil {
		it.home = it.home.in(near.parent(), near.home, before)
	}
}

// integrate puts an item into the document, whose next clock it has: between
// left and right, with what was put there at the same time in the order that all
// agree on (YATA, as Item.integrate of yjs has it).
func (tx *transaction) integrate(it *item) {
	c, t := it.client(), it.parent()
	tx.touch(c)
	if t == nil {
		*it = it.gcBlock()
		c.push(it)
		return
	}
	if it.left == nil && (it.right == nil || it.right.left != nil) || it.left != nil && it.left.right != it.right {
		tx.doc.settle(it)
	}
	if it.is(hasKey) {
		e := t.entryFor(it.key())
		it.link(&e.first, &e.last)
	} else {
		it.link(&t.first, &t.last)
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
	}
	if (tx.reports || t.formatted) && it.kind == blocks.KindDeleted {
		tx.deleted = append(tx.deleted, deletion{c, span{it.clock, it.end()}})
	}
	if t.kind.isText() {
		tx.change(t)
	}
	if it.is(hasKey) && it.right == nil && it.left != nil {
		tx.delete(it.left)
	}
	if t.gone() || it.is(hasKey) && it.right != nil {
		tx.delete(it)
	}
	if it.to == 0 || it.to-it.from > pieceBytes {
		tx.doc.divide(it)
	}
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
		o = it.parent().first
	default:
		if e := it.parent().entry(it.key()); e != nil {
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
			if o.client().id < it.client().id {
				left, conflict = o, d.visits
			} else if sameRef(it, o, hasRight) {
				break
			}
			continue
		}
		if !o.is(hasOrigin) {
			break
		}
		switch origin := d.item(o.origin()); {
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
		return a.origin() == b.origin()
	}
	return a.rightOrigin() == b.rightOrigin()
}

// link puts the item behind its left neighbour in the list of which first and last
// are the ends.
func (it *item) link(first, last **item) {
	if it.left != nil {
		first = &it.left.right
	}
	if it.right = *first; it.right != nil {
		last = &it.right.left
	}
	*first, *last = it, it
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
		t := it.parent()
		if !it.is(hasKey) {
			t.len -= it.width()
		}
		it.flags |= deleted
		if !it.is(hasKey) && t.indexed {
			t.update(it)
		}
		tx.deleted = append(tx.deleted, deletion{it.client(), span{it.clock, it.end()}})
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
	k, i := c.items.searchOn(x.from)
	for x.from < x.to {
		it := c.items.chunks[k][i]
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
	c.items.recent, c.items.at = k, i
}
