package blocks

import "slices"

// Compact drops the content that no client can show any more: the content of map
// entries that were overwritten, and blocks in types that are deleted or overwritten,
// which become GC blocks. It then joins neighbouring blocks. yjs drops the same when it
// integrates the document. So the content of the document doesn't change, and clients
// that have a part of it can apply its updates. The state vector, holes and what is pending
// stay as they are, and so do blocks that yjs 13 leaves pending because of holes.
//
// Compact reads all blocks a few times, and takes about 50 bytes of memory for each
// block while it runs, unless there are neither map entries nor nested types. A
// document that keeps its history has nothing to drop.
func (s *Store) Compact() {
	n, maps, types := s.countBlocks()
	if s.options.History || !maps && !types {
		return
	}
	g := s.newGraph(n)
	g.markBehind()
	if maps {
		g.markOverwritten()
	}
	if !g.markCollected() {
		return
	}
	for i, c := range g.clients {
		from, to := g.first[i], g.first[i+1]
		if slices.ContainsFunc(g.nodes[from:to], func(n node) bool { return n.is(changed) }) {
			before := c.sizes()
			c.clientBlocks = c.rebuild(g.nodes[from:to])
			s.changed(&c.clientBlocks, before)
		}
	}
}

// countBlocks counts the integrated blocks. maps reports whether any of them is a map
// entry; types, whether any has a block as its parent or is a GC block.
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

// eachBlock calls yield with the integrated blocks of c, in order. A block is valid
// until yield returns, and may be changed.
func (c *client) eachBlock(yield func(*block)) {
	if c.blocks.end == 0 {
		return
	}
	var b block
	for w := c.blocks.iter(0); w.next(&b, c.id); {
		if b.kind != kindSkip {
			yield(&b)
		}
	}
}

// markCollected marks the blocks that yjs makes GC blocks (Item.getMissing): those
// whose parent is deleted, and those whose origin or right origin is a GC block. It
// reports false if one of a block's origins is a GC block and the other is not. Then
// Compact changes nothing: no client writes a block between blocks of different types,
// and what yjs makes of it depends on the order of updates.
func (g *graph) markCollected() bool {
	return g.inOrder(func(n *node) bool {
		lost, torn := g.isCollected(n)
		if lost && !n.is(collected|behind) {
			n.marks |= deleted | collected | changed
		}
		return !torn
	})
}

// isCollected reports whether n refers to something that makes it a GC block, and
// whether only one of its two origins does.
func (g *graph) isCollected(n *node) (lost, torn bool) {
	left, right := n.refs[0], n.refs[1]
	if n.is(inBlock) {
		return g.nodes[left].is(deleted), false
	}
	first := left != none && g.nodes[left].is(collected)
	second := right != none && g.nodes[right].is(collected)
	return first || second, left != none && right != none && first != second
}

// rebuild returns c's integrated blocks changed as they are marked.
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
