package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// collect drops the content of what the transaction deleted. What was in a
// deleted type becomes GC blocks, which have not even a place.
func (tx *transaction) collect() {
	var bare *common
	for _, x := range tx.deleted {
		for clock := x.From; clock < x.To; {
			it := x.client.items.find(clock)
			clock = it.end()
			if it.kind == blocks.KindGC || !it.deleted() {
				continue
			}
			if t := it.typ(); t != nil {
				t.collect()
				it.extra.typ = nil
			}
			bare = it.common.withoutContent(bare)
			it.kind, it.common, it.from, it.to = blocks.KindDeleted, bare, 0, 0
		}
	}
}

// collect makes GC blocks of all that is in the type, types in it included.
func (t *sharedType) collect() {
	todo := []*sharedType{t}
	bury := func(it *item) {
		for it != nil {
			next := it.right
			if t := it.typ(); t != nil {
				todo = append(todo, t)
			}
			*it = it.gcBlock()
			it = next
		}
	}
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		bury(t.first)
		for _, e := range t.entryOrder {
			bury(e.first)
		}
		t.reset()
	}
}

// gcBlock gives what an item becomes that has no place any more.
func (it *item) gcBlock() item {
	return item{common: &it.common.client.gcCommon, clock: it.clock, len: it.len, kind: blocks.KindGC, flags: deleted}
}

// merge joins what the transaction brought or deleted with its neighbours.
func (tx *transaction) merge() {
	for _, c := range tx.touched {
		tx.doc.mergeSpan(c, clocks.Span{From: c.endBefore, To: c.end})
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
	for left := s.chunks[k][i]; left.end() < c.end && left.end() <= x.To; {
		if i++; i == len(s.chunks[k]) {
			k, i = k+1, 0
		}
		right := s.chunks[k][i]
		if left.differs(right) || !left.continues(right) || len(left.content())+len(right.content()) > pieceBytes {
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

// differs tells whether right, the next item of the same client, is another kind or
// stands elsewhere. Either may be, and nobody can guess which: so they are one
// question.
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

// continues tells whether right, which doesn't differ, says the same as more elements
// of the item would.
func (it *item) continues(right *item) bool {
	switch it.kind {
	case blocks.KindGC:
		return true
	case blocks.KindString, blocks.KindAny, blocks.KindJSON, blocks.KindDeleted:
		return right.is(hasOrigin) && right.origin() == it.lastID() && sameRef(it, right, hasRight)
	}
	return false
}

// absorb joins right, which continues it, with it.
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
