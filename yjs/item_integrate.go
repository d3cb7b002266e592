package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// lacks returns the first element that an item depends on and that is not integrated.
func (d *Doc) lacks(it *item) (blocks.ID, bool) {
	if !it.is(isForeign) && it.clock <= it.client().gapless() {
		return blocks.ID{}, false // all earlier elements of its client are integrated
	}
	if it.is(hasOrigin | inType) {
		if x := it.origin(); !d.has(x) {
			return x, true
		}
	}
	if it.is(hasRight) {
		if x := it.rightOrigin(); !d.has(x) {
			return x, true
		}
	}
	return blocks.ID{}, false
}

// endingAt returns the item that ends with element x, which must be integrated. It
// splits the item that holds x if necessary.
func (d *Doc) endingAt(x blocks.ID) *item {
	it := d.find(x.Client).items.find(x.Clock)
	if it.kind != blocks.KindGC && x.Clock+1 < it.end() {
		d.split(it, x.Clock+1-it.clock)
	}
	return it
}

// startingAt returns the item that begins with element x, which must be integrated. It
// splits the item that holds x if necessary.
func (d *Doc) startingAt(x blocks.ID) *item {
	it := d.find(x.Client).items.find(x.Clock)
	if it.kind != blocks.KindGC && it.clock < x.Clock {
		return d.split(it, x.Clock-it.clock)
	}
	return it
}

// hint is the item that was integrated last, and its left neighbour. The next item of
// an update mostly refers to one of them.
type hint struct{ item, left *item }

// leftOf returns the item that ends at the origin of a remote item.
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

// endsAt reports whether the item is in a list and ends with element x. The item may be
// nil.
func (it *item) endsAt(x blocks.ID) bool {
	return it != nil && it.end() == x.Clock+1 && it.client().id == x.Client && it.parent() != nil
}

// rightOf returns the item that begins at the right origin of a remote item: in most
// cases the right neighbour of left.
func (d *Doc) rightOf(it, left *item) *item {
	origin := it.rightOrigin()
	if left != nil {
		if r := left.right; r != nil && r.clock == origin.Clock && r.client().id == origin.Client {
			return r
		}
	}
	return d.startingAt(origin)
}

// resolveRefs sets the right neighbour and the parent of a remote item, as its origins
// and its parent id say, and returns the left neighbour. The item has no parent if what
// it refers to was collected.
func (d *Doc) resolveRefs(it *item, prev hint) (left *item) {
	var near, right *item
	var before *common
	if prev.item != nil {
		before = prev.item.candidate()
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
			it.setParent(d.item(it.origin()).typ(), before, nil)
			it.setRefs(blocks.ID{}, blocks.ID{})
			it.flags &^= inType
		}
		return nil
	}
	it.flags = it.flags&^hasKey | near.flags&hasKey
	if near.is(hasKey) {
		it.ensureExtra().key = near.key()
	}
	t := near.parent()
	if right != nil && right.parent() == nil {
		t = nil
	}
	if t != it.parent() {
		it.setParent(t, near.candidate(), before)
	}
	return left
}

// integrate inserts an item, whose elements its client must lack, into its
// list between left and it.right. If other items were inserted there concurrently, the
// algorithm YATA orders them, so that the order is the same in every document.
// integrate does what Item.integrate of yjs does.
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
		if left == nil {
			tx.doc.spend(e.count) // yjs looks for the first item, starting at the last
		}
		e.count++
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
		it.right = *link
	}
	if it.right == nil {
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
		own := it.typ()
		own.item, own.depth, own.changed = it, t.depth+1, tx.serial
	case blocks.KindFormat:
		t.formatted = true
	}
	if (tx.encodes || t.formatted) && it.kind == blocks.KindDeleted {
		tx.deleted = append(tx.deleted, deletion{c, clocks.Span{From: it.clock, To: it.end()}})
	}
	if t.kind.isText() {
		tx.markChanged(t)
	}
	if it.is(hasKey) {
		tx.deleteLoser(it, left)
	}
	if t.isDeleted() {
		tx.delete(it)
	}
	if it.kind > blocks.KindDeleted && (it.to == 0 || it.to-it.from > pieceBytes) {
		tx.doc.divide(it)
	}
}

// resolveConflicts returns the left neighbour of an item by the rules of YATA. The
// items from o up to its right neighbour may have been inserted concurrently at the
// same place. They keep their order, and the item is inserted after some of them.
func (d *Doc) resolveConflicts(it, left, o *item) *item {
	first, next := o, o // next is the first item that may still conflict
	for ; o != nil && o != it.right; o = o.right {
		if d.spend(1); d.exhausted {
			break
		}
		o.mark = conflicting
		var follows bool // the item follows o
		if sameRef(it, o, hasOrigin) {
			// Items after the same element are ordered by client id. With the same right
			// origin, too, everything after o is right of the item.
			follows = o.client().id < it.client().id
			if !follows && sameRef(it, o, hasRight) {
				break
			}
		} else {
			if !o.is(hasOrigin) {
				break // the origin of o, the start of the list, is left of the item's origin
			}
			origin := d.item(o.origin())
			if origin.mark == 0 {
				break // it is left of the item's origin
			}
			follows = origin.mark == leftOfNew
		}
		if follows {
			for left = o; next != o.right; next = next.right {
				next.mark = leftOfNew
			}
		}
	}
	for end := o; first != nil; first = first.right {
		if first.mark = 0; first == end {
			break
		}
	}
	return left
}

// spend counts visits.
func (d *Doc) spend(visits uint64) {
	if d.visits += visits; d.visits > d.maxVisits {
		d.exhausted = true
	}
}

// sameRef reports whether two items have the same origin, or the same right origin if
// which is hasRight.
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
