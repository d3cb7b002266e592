package blocks

import "github.com/yroom/yroom/internal/lib0"

// keyChains finds the current entry of each map key. In yjs the entries of one key are
// a list like any other. Its last entry is the value; each other entry is deleted when
// it is integrated, or when the next one is.
//
// A client writes an entry with the entry that is last at that time as origin, and
// without a right origin. So the entries of a key form a tree, in which the children of
// an entry are those that have it as origin. The list is the tree in depth-first order.
// Its last entry is found by going from the rightmost root to the rightmost child until
// there is none. An entry that is not the last one now never becomes it, because a new
// entry comes after its origin.
//
// Entries are assigned to a chain by their origins and not by the flag hasKey, because
// yjs loses that flag of entries with an origin when it merges updates.
type keyChains struct {
	graph *graph
	of    []int32     // each block's chain; 0 if not known yet, none if it is no entry
	next  []successor // each block's successor on the way to the last entry
	list  []keyChain  // list[0] is unused
}

// successor is the rightmost child of an element of a block. The element is the first
// one with a child to the right of the block's own next element.
type successor struct {
	block int32
	clock uint64 // the clock of that element
}

type keyChain struct {
	root int32 // the rightmost one
	// The chain is left as it is, because an entry has a right origin, which no client
	// writes, or is behind a hole.
	stays bool
}

// markOverwritten marks map entries that were overwritten as deleted.
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
		if !ch.stays {
			g.nodes[c.last(ch.root)].marks |= winner
		}
	}
	for x := range g.nodes {
		if n, k := &g.nodes[x], c.of[x]; k > 0 && !c.list[k].stays && !n.is(winner|deleted) {
			n.marks |= deleted | changed
		}
	}
}

// addEntries finds the roots of all chains and the successor of each block.
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
			c.list[k].stays = c.list[k].stays || c.graph.nodes[x].is(behind)
		}
	})
}

// addSuccessor makes block x the successor of block left if no better one is known. The
// origin of x is the element of left with the given clock.
func (c *keyChains) addSuccessor(x, left int32, clock uint64) {
	// If x > left, the element of left after the origin is to the right of x: left's client
	// is higher than that of x, or the two are the same and left's element is earlier.
	if x > left && clock+1 < c.graph.nodes[left].end {
		return
	}
	if n := &c.next[left]; n.block == none || clock < n.clock {
		*n = successor{x, clock}
	}
}

// assignChains finds the chain of each block by following origins.
func (c *keyChains) assignChains() {
	var path []int32
	for x := range c.of {
		at := int32(x)
		for c.of[at] == 0 {
			path = append(path, at)
			n := &c.graph.nodes[at]
			if at = n.refs[0]; at == none {
				at = n.refs[1]
			}
		}
		k := c.of[at]
		for _, x := range path {
			c.of[x] = k
			if k > 0 && (c.graph.nodes[x].refs[1] != none || c.graph.nodes[x].is(behind)) {
				c.list[k].stays = true
			}
		}
		path = path[:0]
	}
}

// last returns the last entry of the chain, starting at x.
func (c *keyChains) last(x int32) int32 {
	for c.next[x].block != none {
		x = c.next[x].block
	}
	return x
}

// appendKey appends a key that is unique to the parent and map key of a block.
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
