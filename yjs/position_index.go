package yjs

// node is the node of an item in the position index of its list. The index is a splay
// tree: nodes that were used recently are near the root. A search and a change of the
// list each take amortized logarithmic time.
type node struct {
	it         *item
	up, lo, hi *node
	width      uint64 // of the items in the subtree
	formats    int    // the number of formats in the subtree that are not deleted
}

// sum returns the width of the subtree.
func (n *node) sum() uint64 {
	if n == nil {
		return 0
	}
	return n.width
}

// formatted returns the number of formats in the subtree.
func (n *node) formatted() int {
	if n == nil {
		return 0
	}
	return n.formats
}

// refresh recomputes the sums of a node from its children.
func (n *node) refresh() {
	n.width = n.lo.sum() + n.hi.sum() + n.it.width()
	n.formats = n.lo.formatted() + n.hi.formatted()
	if n.it.isFormat() {
		n.formats++
	}
}

// rotate rotates n with its parent, which becomes its child.
func (n *node) rotate() {
	p := n.up
	if p.lo == n {
		if p.lo = n.hi; p.lo != nil {
			p.lo.up = p
		}
		n.hi = p
	} else {
		if p.hi = n.lo; p.hi != nil {
			p.hi.up = p
		}
		n.lo = p
	}
	if n.up = p.up; n.up != nil {
		if n.up.lo == p {
			n.up.lo = n
		} else {
			n.up.hi = n
		}
	}
	p.up = n
	p.refresh()
	n.refresh()
}

// splay makes n the root.
func (t *sharedType) splay(n *node) {
	for n.up != nil {
		p := n.up
		if p.up != nil {
			if (p.up.lo == p) == (p.lo == n) {
				p.rotate()
			} else {
				n.rotate()
			}
		}
		n.rotate()
	}
	t.index = n
}

// makeIndex builds the index of the list if there is none.
func (t *sharedType) makeIndex() {
	if t.indexed {
		return
	}
	t.indexed = true
	count := 0
	for it := t.first; it != nil; it = it.right {
		count++
	}
	nodes, extras, i := make([]node, count), make([]commonAndExtra, count), 0
	for it := t.first; it != nil; it = it.right {
		nodes[i].it = it
		if it.extra() == nil {
			it.addExtra(&extras[i])
		}
		it.extra().node = &nodes[i]
		i++
	}
	t.index = build(nodes)
}

// build returns the root of a balanced tree of nodes.
func build(nodes []node) *node {
	if len(nodes) == 0 {
		return nil
	}
	mid := len(nodes) / 2
	n := &nodes[mid]
	if n.lo = build(nodes[:mid]); n.lo != nil {
		n.lo.up = n
	}
	if n.hi = build(nodes[mid+1:]); n.hi != nil {
		n.hi.up = n
	}
	n.refresh()
	return n
}

// newNode adds a node to the item. If extra is nil, it allocates both at once.
func (it *item) newNode() *node {
	var both struct {
		extra commonAndExtra
		node  node
	}
	if it.extra() == nil {
		it.addExtra(&both.extra)
	}
	it.extra().node = &both.node
	both.node.it = it
	return &both.node
}

// insert adds an item to the index that was inserted into the list after left, or at
// the start if left is nil.
func (t *sharedType) insert(it, left *item) {
	n := it.newNode()
	if left != nil {
		t.splay(left.node())
		l := t.index
		if n.hi = l.hi; n.hi != nil {
			n.hi.up = n
		}
		l.hi = nil
		l.refresh()
		n.lo, l.up = l, n
	} else if n.hi = t.index; n.hi != nil {
		n.hi = t.index
		n.hi.up = n
	}
	n.refresh()
	t.index = n
}

// update updates the sums after the item's width changed or the item was deleted.
func (t *sharedType) update(it *item) {
	t.splay(it.node())
	it.node().refresh()
}

// remove removes an item from the index.
func (t *sharedType) remove(it *item) {
	n := it.node()
	t.splay(n)
	lo, hi := n.lo, n.hi
	it.extra().node = nil
	if lo != nil {
		lo.up = nil
	}
	if hi != nil {
		hi.up = nil
	}
	if lo == nil || hi == nil {
		if t.index = lo; lo == nil {
			t.index = hi
		}
		return
	}
	for lo.hi != nil {
		lo = lo.hi
	}
	t.splay(lo)
	lo.hi, hi.up = hi, lo
	lo.refresh()
}

// at returns the visible item at position pos, and the offset of the position in it. It
// returns nil if the list ends before pos.
func (t *sharedType) at(pos uint64) (it *item, off uint64) {
	t.makeIndex()
	n := t.index
	if n == nil || pos >= n.width {
		return nil, 0
	}
	for {
		before := n.lo.sum()
		if pos < before {
			n = n.lo
			continue
		}
		pos -= before
		if pos < n.it.width() {
			t.splay(n)
			return n.it, pos
		}
		pos -= n.it.width()
		n = n.hi
	}
}

// positionOf returns the position of an item: the width of the list before it.
func (t *sharedType) positionOf(it *item) uint64 {
	t.makeIndex()
	t.splay(it.node())
	return it.node().lo.sum()
}

// eachFormat calls yield for the formats that are not deleted, up to and including
// upTo.
func (t *sharedType) eachFormat(upTo *item, yield func(*item)) {
	t.makeIndex()
	t.splay(upTo.node())
	var open []*node
	n := t.index.lo
	for {
		for n.formatted() > 0 {
			open = append(open, n)
			n = n.lo
		}
		if len(open) == 0 {
			break
		}
		n = open[len(open)-1]
		open = open[:len(open)-1]
		if n.it.isFormat() {
			yield(n.it)
		}
		n = n.hi
	}
	if upTo.isFormat() {
		yield(upTo)
	}
}
