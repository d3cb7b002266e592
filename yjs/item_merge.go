package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// merge joins the items that the transaction added or deleted with their neighbours.
func (tx *transaction) merge() {
	for _, c := range tx.touched {
		tx.doc.mergeSpan(c, clocks.Span{From: c.endBefore, To: c.end})
		for _, x := range c.filled {
			tx.doc.mergeSpan(c, x)
		}
	}
	for _, x := range tx.deleted {
		if x.From < tx.endBefore(x.client) {
			tx.doc.mergeSpan(x.client, x.Span)
		}
	}
}

// mergeSpan joins neighbours of which at least one has elements in x.
func (d *Doc) mergeSpan(c *client, x clocks.Span) {
	if x.From == x.To {
		return
	}
	s := &c.items
	k, i := s.search(x.From - min(1, x.From))
	for left := s.chunks[k].item(i); left.end() < c.end && left.end() <= x.To; {
		if i++; i == s.chunks[k].len() {
			k, i = k+1, 0
		}
		right := s.chunks[k].item(i)
		if left.end() < right.clock || left.differs(right) || !left.continues(right) || len(left.content())+len(right.content()) > pieceBytes {
			left = right
			continue
		}
		s.removeAt(k, i)
		d.absorb(left, right)
		d.slab.free(right)
		if i--; i < 0 {
			k, i = s.search(left.clock)
		}
	}
}

// differs reports whether right, the next item of the same client, has another kind, is
// deleted while the item is not, or is not its right neighbour. The conditions are
// combined without branches, because each of them is unpredictable.
func (it *item) differs(right *item) bool {
	differ := uint(it.kind^right.kind) | uint((it.flags^right.flags)&deleted)
	if it.kind == blocks.KindGC {
		return differ != 0
	}
	if it.right != right {
		differ = 1
	}
	return differ != 0
}

// continues reports whether right, which must not differ, can be joined with the item:
// as if it were more elements of the same insertion.
func (it *item) continues(right *item) bool {
	switch it.kind {
	case blocks.KindGC:
		return true
	case blocks.KindString, blocks.KindAny, blocks.KindJSON, blocks.KindDeleted:
		return right.is(hasOrigin) && right.origin() == it.lastID() && sameRef(it, right, hasRight)
	}
	return false
}

// absorb joins right, which continues the item, with it.
func (d *Doc) absorb(it, right *item) {
	t := it.parent()
	if it.kind > blocks.KindDeleted {
		it.growContent(right)
	}
	it.len += right.len
	if it.kind == blocks.KindGC {
		return
	}
	it.right = right.right
	if it.is(hasKey) {
		if e := t.entry(it.key()); e.last == right {
			e.last = it
		}
	} else {
		if t.last == right {
			t.last = it
		}
		if t.indexed {
			t.remove(right)
			t.update(it)
		}
	}
}
