package blocks

import (
	"slices"
	"sort"
)

// graph is the integrated blocks of a document and what they refer to.
//
// Blocks are numbered client by client, in descending order of client and
// ascending order of clock. So of blocks with the same origin and no right
// origin, the one with the lowest number stands rightmost in yjs
// (Item.integrate): the highest client, and of that the first.
type graph struct {
	clients []*client
	first   []int32 // the number of each client's first block, and behind all
	nodes   []node
}

// node is one block. No block comes to refer to itself by way of others.
type node struct {
	end   uint64   // the clock behind it
	refs  [2]int32 // the blocks that hold its origin and right origin, or its parent and none
	marks marks
	depth int32 // in how many types it stands, by measure
}

// none is the number of no block.
const none = -1

type marks uint8

const (
	deleted   marks = 1 << iota
	collected       // as a GC block; deleted too
	changed         // by Compact
	inBlock         // refs[0] is its parent
	winner          // of the entries of a map key
)

func (n *node) is(m marks) bool { return n.marks&m != 0 }

// graph takes in the n integrated blocks.
func (s *Store) newGraph(n int) *graph {
	g := &graph{clients: s.inOrder(), nodes: make([]node, 0, n)}
	g.first = make([]int32, 0, len(g.clients)+1)
	for _, c := range g.clients {
		g.first = append(g.first, int32(len(g.nodes)))
		c.eachBlock(func(b *block) {
			x := node{end: b.end(), refs: [2]int32{none, none}}
			if b.deleted() {
				x.marks |= deleted
			}
			if b.kind == kindGC {
				x.marks |= collected
			}
			g.nodes = append(g.nodes, x)
		})
	}
	g.first = append(g.first, int32(len(g.nodes)))
	g.each(func(x int32, b *block) {
		n := &g.nodes[x]
		if b.flags&hasOrigin != 0 {
			n.refs[0] = g.find(b.origin, b, x)
		}
		if b.flags&hasRight != 0 {
			n.refs[1] = g.find(b.right, b, x)
		}
		if b.parentIsID {
			n.refs[0] = g.find(b.parentID, b, x)
			n.marks |= inBlock
		}
	})
	return g
}

// each calls yield with all blocks and their numbers.
func (g *graph) each(yield func(x int32, b *block)) {
	x := int32(0)
	for _, c := range g.clients {
		c.eachBlock(func(b *block) {
			yield(x, b)
			x++
		})
	}
}

// inOrder calls visit with each block, after those that it refers to, until that
// reports false.
func (g *graph) inOrder(visit func(n *node) bool) bool {
	done := make([]bool, len(g.nodes))
	var open []int32 // each waits for the one behind it
	for x := range g.nodes {
		open = append(open, int32(x))
		for len(open) > 0 {
			last := len(open) - 1
			n := &g.nodes[open[last]]
			if i := slices.IndexFunc(n.refs[:], func(ref int32) bool { return ref != none && !done[ref] }); i >= 0 {
				open = append(open, n.refs[i])
				continue
			}
			if !done[open[last]] && !visit(n) {
				return false
			}
			done[open[last]] = true
			open = open[:last]
		}
	}
	return true
}

// find gives the block that holds an element which b, block x, refers to.
func (g *graph) find(element id, b *block, x int32) int32 {
	if element.client == b.client && element.clock == b.clock-1 {
		return x - 1
	}
	i := sort.Search(len(g.clients), func(i int) bool { return g.clients[i].id <= element.client })
	from, to := int(g.first[i]), int(g.first[i+1])
	return int32(from + sort.Search(to-from, func(n int) bool { return g.nodes[from+n].end > element.clock }))
}
