package blocks

import (
	"slices"
	"sort"
)

// graph is the integrated blocks of a document and the references between them, for
// Compact.
//
// Blocks are numbered client by client, in descending order of client and ascending
// order of clock. yjs (Item.integrate) puts blocks with the same origin and no right
// origin in the opposite order: by ascending client, and by descending clock within a
// client. So the one with the lowest number is the rightmost.
type graph struct {
	clients []*client
	first   []int32 // the number of each client's first block, then the number of all blocks
	nodes   []node
}

// node is one block. References have no cycles.
type node struct {
	end   uint64   // the clock after the block
	refs  [2]int32 // the blocks that hold its origin and right origin, or its parent and none
	marks marks
}

// none stands for no block.
const none = -1

type marks uint8

const (
	deleted   marks = 1 << iota
	collected       // the block is or becomes a GC block; deleted is set too
	changed         // Compact changes it
	inBlock         // refs[0] is the parent
	winner          // the block is the current entry of a map key
	behind          // yjs 13 leaves the block pending, because of a hole: see markBehind
)

func (n *node) is(m marks) bool { return n.marks&m != 0 }

// newGraph returns the graph of the n integrated blocks.
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

// markBehind marks the blocks that yjs 13 can't integrate, because it integrates those of a
// client by their clocks: those of a client after its first hole, those that refer to them,
// and those of a client after these. If a forged update has blocks that depend on one another
// in that order, it marks them, too.
// Compact changes neither them nor anything because of them, so that documents of yjs 13
// show the same before and after it.
func (g *graph) markBehind() {
	const entered, done = 1, 2
	state := make([]uint8, len(g.nodes))
	first := make([]bool, len(g.nodes)) // the first block of a client
	for i, c := range g.clients {
		from, to := int(g.first[i]), int(g.first[i+1])
		if from == to {
			continue
		}
		first[from] = true
		end := c.gapless()
		n := from + sort.Search(to-from, func(n int) bool { return g.nodes[from+n].end > end })
		if n < to {
			g.nodes[n].marks |= behind
		}
	}
	for x := range g.nodes {
		open := []int32{int32(x)} // a stack, on which each block depends on the one above it
		for len(open) > 0 {
			at := open[len(open)-1]
			n := &g.nodes[at]
			deps := [3]int32{n.refs[0], n.refs[1], at - 1}
			if first[at] {
				deps[2] = none
			}
			next := int32(none)
			for _, dep := range deps {
				switch {
				case dep == none || n.is(behind):
				case state[dep] == 0:
					next = dep
				case state[dep] == entered || g.nodes[dep].is(behind):
					n.marks |= behind
				}
			}
			if state[at] = entered; next != none && !n.is(behind) {
				open = append(open, next)
				continue
			}
			state[at] = done
			open = open[:len(open)-1]
		}
	}
}

// each calls yield with each block and its number.
func (g *graph) each(yield func(x int32, b *block)) {
	x := int32(0)
	for _, c := range g.clients {
		c.eachBlock(func(b *block) {
			yield(x, b)
			x++
		})
	}
}

// inOrder calls visit with each block after the blocks that it refers to. It stops and
// reports false once visit reports false.
func (g *graph) inOrder(visit func(n *node) bool) bool {
	done := make([]bool, len(g.nodes))
	var open []int32 // a stack, on which each block refers to the one above it
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

// find returns the number of the block that holds an element. The element is one that
// b, block x, refers to.
func (g *graph) find(element id, b *block, x int32) int32 {
	if element.client == b.client && element.clock == b.clock-1 {
		return x - 1
	}
	i := sort.Search(len(g.clients), func(i int) bool { return g.clients[i].id <= element.client })
	from, to := int(g.first[i]), int(g.first[i+1])
	return int32(from + sort.Search(to-from, func(n int) bool { return g.nodes[from+n].end > element.clock }))
}
