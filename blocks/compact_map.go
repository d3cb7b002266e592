package blocks

import "github.com/yroom/yroom/internal/lib0"

// chains are the entries that a document's map keys have had. In yjs the
// entries of one key are a list like any other, of which the last one is the
// value; all others are deleted when they are integrated, or the next one is.
//
// Clients write an entry with what was the last one as origin, and without a
// right origin. So the entries are a tree, where an entry stands behind its
// origin, and in front of the rest of the tree behind that: from the rightmost
// root, by way of rightmost children, to the last entry. What is not the last
// one now will never be, because an entry that comes is behind what it has as
// origin.
//
// A chain is told by where its entries come from, not by their flag hasKey,
// which is lost on entries with an origin where yjs merges updates.
type keyChains struct {
	graph *graph
	of    []int32     // each block's chain; 0: not known yet, none: not an entry
	next  []successor // what follows each block on the way to the last entry
	list  []keyChain  // list[0] is none
}

// next is the rightmost child in the tree of the first of a block's elements
// that has another child right of the block's own next element.
type successor struct {
	block int32
	clock uint64 // of the element
}

type keyChain struct {
	root     int32 // the rightmost
	hasRight bool  // there is a right origin, which no client writes: it stays as it is
}

// overwrite marks the map entries that were overwritten as deleted.
func (g *graph) markOverwritten() {
	c := &keyChains{graph: g, list: make([]keyChain, 1)}
	c.of = make([]int32, len(g.nodes))
	c.next = make([]successor, len(g.nodes))
	for x := range c.next {
		c.next[x].block = none
	}
	c.addEntries()
	c.assignChains()
	for _, ch := range c.list[1:] {
		if !ch.hasRight {
			g.nodes[c.last(ch.root)].marks |= winner
		}
	}
	for x := range g.nodes {
		if n, k := &g.nodes[x], c.of[x]; k > 0 && !c.list[k].hasRight && !n.is(winner|deleted) {
			n.marks |= deleted | changed
		}
	}
}

// read finds the roots of all chains and what follows each block.
func (c *keyChains) addEntries() {
	numbers := make(map[string]int32)
	var key []byte
	c.graph.each(func(x int32, b *block) {
		switch {
		case b.flags&(hasOrigin|hasRight) == hasOrigin:
			c.addSuccessor(x, c.graph.nodes[x].refs[0], b.origin.clock)
		case b.parent == nil:
			if b.kind == kindGC {
				c.of[x] = none
			}
		case b.flags&hasKey == 0:
			c.of[x] = none
		default:
			key = b.appendKey(key[:0])
			k, ok := numbers[string(key)]
			if !ok {
				k = int32(len(c.list))
				numbers[string(key)] = k
				c.list = append(c.list, keyChain{root: x})
			}
			c.of[x] = k
		}
	})
}

// join puts block x behind the element of block left that is its origin.
func (c *keyChains) addSuccessor(x, left int32, clock uint64) {
	// The block's own next element is of its client, and the first of that.
	if x > left && clock+1 < c.graph.nodes[left].end {
		return
	}
	if n := &c.next[left]; n.block == none || clock < n.clock {
		*n = successor{x, clock}
	}
}

// follow finds the chain of each block, by way of origins.
func (c *keyChains) assignChains() {
	var way []int32
	for x := range c.of {
		at := int32(x)
		for c.of[at] == 0 {
			way = append(way, at)
			n := &c.graph.nodes[at]
			if at = n.refs[0]; at == none {
				at = n.refs[1]
			}
		}
		k := c.of[at]
		for _, x := range way {
			c.of[x] = k
			if k > 0 && c.graph.nodes[x].refs[1] != none {
				c.list[k].hasRight = true
			}
		}
		way = way[:0]
	}
}

// last goes to the end of a chain.
func (c *keyChains) last(x int32) int32 {
	for c.next[x].block != none {
		x = c.next[x].block
	}
	return x
}

// appendKey appends parent and map key of a block that names them, as no other
// key has them.
func (b *block) appendKey(dst []byte) []byte {
	r := lib0.NewReader(b.parent)
	dst = append(dst, byte(r.Uint()))
	if b.parentIsID {
		dst = lib0.AppendUint(dst, r.Uint())
		dst = lib0.AppendUint(dst, r.Uint())
	} else {
		dst = lib0.AppendBytes(dst, r.Text())
	}
	return append(dst, r.Text()...)
}
