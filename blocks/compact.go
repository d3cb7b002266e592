package blocks

import "slices"

// Compact drops what no client can show any more, and joins what is left of
// it: the content of map entries that were overwritten, and the blocks in types
// that are deleted or overwritten, which become GC blocks. yjs drops the same
// when it integrates the document, so that it reads as before, also for somebody
// who has a part of it. The state vector stays, and so does what waits.
//
// It goes through all blocks a few times, and takes about 50 bytes of memory for
// each meanwhile, unless there are neither map entries nor types within types.
// Where the document keeps its history there is nothing to drop.
func (s *Store) Compact() {
	n, maps, types := s.countBlocks()
	if s.options.History || !maps && !types {
		return
	}
	g := s.newGraph(n)
	if maps {
		g.markOverwritten()
	}
	if !g.markCollected() {
		return
	}
	for i, c := range g.clients {
		from, to := g.first[i], g.first[i+1]
		if slices.ContainsFunc(g.nodes[from:to], func(n node) bool { return n.is(changed) }) {
			before := c.blocks.size
			c.clientBlocks = c.rebuild(g.nodes[from:to])
			s.blocksSize += c.blocks.size - before
		}
	}
}

// survey counts the integrated blocks, and tells whether there are map entries
// among them, and whether any stand in a type that is a block, or are collected.
func (s *Store) countBlocks() (n int, maps, types bool) {
	for _, c := range s.inOrder() {
		c.eachBlock(func(b *block) {
			n++
			maps = maps || b.parent != nil && b.flags&hasKey != 0
			types = types || b.parentIsID || b.kind == kindGC
		})
	}
	return n, maps, types
}

// eachBlock calls yield with the integrated blocks of c, in order. A block is
// valid until yield returns, and may be changed.
func (c *client) eachBlock(yield func(*block)) {
	if c.blocks.end == 0 {
		return
	}
	var b block
	for w := c.blocks.iter(0); w.next(&b, c.id); {
		yield(&b)
	}
}

// collect marks what yjs makes GC blocks of (Item.getMissing): blocks whose
// parent is deleted, and those whose origin or right origin is a GC block. It
// reports false if a block has one of these collected and the other not. No
// client writes a block between two of different types, and what yjs makes of
// it depends on what comes first.
func (g *graph) markCollected() bool {
	return g.inOrder(func(n *node) bool {
		lost, torn := g.isCollected(n)
		if lost && !n.is(collected) {
			n.marks |= deleted | collected | changed
		}
		return !torn
	})
}

// lost tells whether what a block refers to makes a GC block of it, or part of
// it does.
func (g *graph) isCollected(n *node) (lost, torn bool) {
	left, right := n.refs[0], n.refs[1]
	if n.is(inBlock) {
		return g.nodes[left].is(deleted), false
	}
	first := left != none && g.nodes[left].is(collected)
	second := right != none && g.nodes[right].is(collected)
	return first || second, left != none && right != none && first != second
}

// rebuild gives c's integrated blocks as they are marked.
func (c *client) rebuild(nodes []node) (out clientBlocks) {
	c.eachBlock(func(b *block) {
		switch n := &nodes[0]; {
		case n.is(collected):
			b.collect()
		case n.is(deleted):
			b.dropContent()
		}
		nodes = nodes[1:]
		out.push(b)
	})
	return out
}
