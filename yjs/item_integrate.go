package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

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

// hint is where an item was integrated last: that item, and what was at its left.
type hint struct{ item, left *item }

// leftOf gives the item that is to end at the origin of one from outside. As a rule
// people go on where they are.
func (d *Doc) leftOf(it *item, prev hint) *item {
	origin := it.origin()
	switch {
	case prev.item.endsAt(origin):
		return prev.item
	case prev.left.endsAt(origin):
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

// place finds the items that an item from outside refers to, and what it is in, and
// gives the one at its left. Without a parent it can't stand anywhere: what it refers
// to was collected.
func (d *Doc) resolveRefs(it *item, prev hint) (left *item) {
	var near, right *item
	var before *common
	if prev.item != nil {
		before = prev.item.common
	}
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
	it.right = right
	if near == nil {
		if it.is(inType) {
			it.common = it.common.withParent(d.item(it.origin()).typ(), before, nil)
			it.setRefs(blocks.ID{}, blocks.ID{})
			it.flags &^= inType
		}
		return nil
	}
	it.flags = it.flags&^hasKey | near.flags&hasKey
	if near.is(hasKey) {
		it.ensureExtra().key = near.extra.key
	}
	if right == nil || right.parent() != nil {
		it.common = it.common.withParent(near.parent(), near.common, before)
	}
	return left
}

// integrate puts an item into the document, whose next clock it has: between left
// and its right, with what was put there at the same time in the order that all
// agree on (YATA, as Item.integrate of yjs has it).
func (tx *transaction) integrate(it, left *item) {
	c, t := it.client(), it.parent()
	tx.touch(c)
	if t == nil {
		*it = it.gcBlock()
		c.push(it)
		return
	}
	first, end := &t.first, &t.last
	if it.is(hasKey) {
		e := t.entryFor(it.key())
		first, end = &e.first, &e.last
	}
	link := first
	if left != nil {
		link = &left.right
	}
	if *link != it.right {
		if left = tx.doc.resolveConflicts(it, left, *link); left == nil {
			link = first
		} else {
			link = &left.right
		}
	}
	if it.right = *link; it.right == nil {
		*end = it
	}
	*link = it
	if !it.is(hasKey) {
		t.len += it.width()
		if t.indexed {
			t.insert(it, left)
		}
	}
	c.push(it)
	switch it.kind {
	case blocks.KindType:
		it.extra.typ.item, it.extra.typ.depth = it, t.depth+1
	case blocks.KindFormat:
		t.formatted = true
	}
	if (tx.encodes || t.formatted) && it.kind == blocks.KindDeleted {
		tx.deleted = append(tx.deleted, deletion{c, clocks.Span{From: it.clock, To: it.end()}})
	}
	if t.kind.isText() {
		tx.markChanged(t)
	}
	if it.is(hasKey) && it.right == nil && left != nil {
		tx.delete(left)
	}
	if t.isDeleted() || it.is(hasKey) && it.right != nil {
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

// settle finds the left neighbour among what stands between the item's origins, from
// o on.
func (d *Doc) resolveConflicts(it, left, o *item) *item {
	// What was visited after start stands behind the origin; what was visited after
	// conflict may be in conflict with the item.
	start := d.visits
	conflict := start
	for ; o != nil && o != it.right; o = o.right {
		if d.visits++; d.visits > d.maxVisits {
			d.exhausted = true
			break
		}
		o.ensureExtra().visit = d.visits
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
			return left
		case origin.visit() <= conflict:
			left, conflict = o, d.visits
		}
	}
	return left
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
		tx.deleted = append(tx.deleted, deletion{it.client(), clocks.Span{From: it.clock, To: it.end()}})
		tx.markChanged(t)
		inside := it.typ()
		if inside == nil {
			continue
		}
		for x := inside.first; x != nil; x = x.right {
			todo = append(todo, x)
		}
		for _, e := range inside.entryOrder {
			todo = append(todo, e.last)
		}
	}
}

// deleteSpan deletes integrated elements of a client.
func (tx *transaction) deleteSpan(c *client, x clocks.Span) {
	k, i := c.items.searchOn(x.From)
	for x.From < x.To {
		it := c.items.chunks[k][i]
		if !it.deleted() {
			if it.clock < x.From {
				it = tx.doc.split(it, x.From-it.clock)
			}
			if it.end() > x.To {
				tx.doc.split(it, x.To-it.clock)
			}
			tx.delete(it)
			k, i = c.items.search(it.clock)
		}
		x.From = it.end()
		if i++; i == len(c.items.chunks[k]) {
			k, i = k+1, 0
		}
	}
	c.items.recent, c.items.at = k, i
}
