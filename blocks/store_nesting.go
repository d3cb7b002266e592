package blocks

import (
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// maxNesting bounds how deep an update may nest types. It also bounds the number of
// pending types, because these are nested deeper by up to that number once what they lack
// arrives. So no type is nested deeper than twice maxNesting. yjs deletes a type and its content recursively: at
// about 1,700 levels that overflows the stack of a browser or of Node.js.
const maxNesting = 500

// depthIndex is the depths of one client's elements: in how many types each of them is
// nested. The depth of an element never changes, and the elements of one type are mostly
// written one after another, so the index only has the clocks from which on elements have
// another depth. Before the first of them the depth is 0.
//
// A document without types has no index. A document with types has the depths of all
// elements, so that the depth of a new block costs a lookup of what it refers to, however
// large the document is.
type depthIndex []depthStep

// depthStep is a clock and, in the lowest bits, the depth of the elements from there on.
type depthStep uint64

const depthBits = 64 - 53 // a clock has 53 bits

func (d depthStep) clock() uint64 { return uint64(d) >> depthBits }
func (d depthStep) depth() int    { return int(d & (1<<depthBits - 1)) }

// at returns the depth of the element with the given clock.
func (d depthIndex) at(clock uint64) int {
	i, j := 0, len(d)
	if j > 0 && d[j-1].clock() <= clock {
		return d[j-1].depth()
	}
	for i < j {
		if mid := (i + j) / 2; d[mid].clock() <= clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	if i == 0 {
		return 0
	}
	return d[i-1].depth()
}

// setDepth sets the depth of the elements of c from clock on, which are new. It returns
// by how much the index grows.
func (c *client) setDepth(clock uint64, depth int) int {
	if depth == c.depths.at(clock) {
		return 0
	}
	c.depths = append(c.depths, newDepthStep(clock, depth))
	return 1
}

func newDepthStep(clock uint64, depth int) depthStep {
	return depthStep(clock<<depthBits | uint64(min(depth, 1<<depthBits-1)))
}

// stageDepth is setDepth for a piece that other elements may follow already. The index
// changes when the plan is committed.
func (c *client) stageDepth(x clocks.Span, depth int) int {
	if l := c.latest(); l.staged == nil {
		l.staged = make(map[uint64]stagedDepth)
	}
	c.late.staged[x.From] = stagedDepth{x.To, depth}
	return 2
}

// stagedDepth is the end of a piece and the depth of its elements.
type stagedDepth struct {
	end   uint64
	depth int
}

// unstageDepths changes the index as staged. The pieces must be integrated. It returns by
// how much the index grows.
func (c *client) unstageDepths() int {
	if c.late == nil || len(c.late.staged) == 0 {
		return 0
	}
	staged := slices.Sorted(maps.Keys(c.late.staged))
	old := c.depths
	first := sort.Search(len(old), func(i int) bool { return old[i].clock() >= staged[0] })
	next, out := first, depthIndex(nil)
	last := 0
	if first > 0 {
		last = old[first-1].depth()
	}
	add := func(clock uint64, depth int) {
		if depth != last {
			out, last = append(out, newDepthStep(clock, depth)), depth
		}
	}
	for i, clock := range staged {
		piece := c.late.staged[clock]
		for ; next < len(old) && old[next].clock() < clock; next++ {
			add(old[next].clock(), old[next].depth())
		}
		add(clock, piece.depth)
		for next < len(old) && old[next].clock() <= piece.end {
			next++
		}
		if piece.end < c.blocks.end && (i+1 == len(staged) || staged[i+1] > piece.end) {
			add(piece.end, old.at(piece.end))
		}
	}
	before := len(old)
	c.depths = slices.Replace(old, first, next, out...)
	return len(c.depths) - before
}

// depthAt returns the depth of the element at clock, which must be integrated or ready.
func (s *Store) depthAt(c *client, clock uint64) int {
	if c.late != nil && len(c.late.staged) > 0 && !c.integrated(clock) {
		var b block
		s.lookup(id{c.id, clock}, &b)
		if staged, ok := c.late.staged[b.clock]; ok {
			return staged.depth
		}
	}
	return c.depths.at(clock)
}

// depthOf returns the depth of a block that isn't a GC block. All that it refers to must
// have a depth.
func (s *Store) depthOf(b *block) (depth int) {
	if b.parent != nil && !b.parentIsID {
		return 0
	}
	refs, n := b.refs()
	for _, ref := range refs[:n] {
		if c := s.find(ref.client); c.has(ref.clock) {
			depth = max(depth, s.depthAt(c, ref.clock))
		}
	}
	if b.parentIsID {
		depth++
	}
	return depth
}

// nest finds the depths of the planned blocks. It returns ErrLimit if the update has a
// type that is nested too deep, or too many pending types. limits is nil if there are
// none.
//
// Types that were nested too deep before are not the fault of the update, nor are pending
// ones that are now ready.
func (s *Store) nest(in *parsedUpdate, limits *Options) error {
	if !s.plan.nested {
		return nil
	}
	deepest := 0
	for i := range s.plan.advances {
		deepest = max(deepest, s.nestReady(&s.plan.advances[i]))
	}
	if in.typeCount > 0 {
		added, deepestAdded := s.newPendingTypes(in)
		s.plan.pendingTypes += added
		deepest = max(deepest, deepestAdded)
		if waiting := s.pendingTypes + s.plan.pendingTypes; limits != nil && added > 0 && waiting > maxNesting {
			return fmt.Errorf("%w: %d types would be pending, at most %d are allowed", ErrLimit, waiting, maxNesting)
		}
	}
	if limits != nil && deepest > maxNesting {
		return fmt.Errorf("%w: types would be nested %d levels deep, at most %d are allowed", ErrLimit, deepest, maxNesting)
	}
	return nil
}

// newPendingTypes returns how many types of an update become pending, and the depth of
// the deepest of them as far as it is known.
func (s *Store) newPendingTypes(in *parsedUpdate) (n, deepest int) {
	s.eachNotReady(in, func(b *block) {
		if b.kind == kindType {
			n++
			deepest = max(deepest, s.depthOf(b))
		}
	})
	return n, deepest
}

// nestReady finds the depths of pieces that have become ready together. It returns the
// depth of the deepest type of the update among them.
func (s *Store) nestReady(a *advance) (deepest int) {
	if a.single {
		var b block
		s.lookup(id{a.client.id, a.From}, &b)
		return s.nestPiece(a, &b)
	}
	src := a.client.section.from(a.pos)
	for b := src.next(); b != nil && b.clock < a.To; b = src.next() {
		if x := (clocks.Span{From: max(b.clock, a.From), To: min(b.end(), a.To)}); x.From < x.To {
			b.cutLinks(x)
			deepest = max(deepest, s.nestPiece(a, b))
		}
	}
	return deepest
}

// nestPiece is nestReady for one piece.
func (s *Store) nestPiece(a *advance, b *block) int {
	if b.kind == kindGC {
		return 0 // what refers to it becomes a GC block, too
	}
	depth := s.depthOf(b)
	if a.client.plain && !a.single {
		s.plan.depths += a.client.setDepth(b.clock, depth)
	} else {
		s.plan.staged += a.client.stageDepth(clocks.Span{From: b.clock, To: b.end()}, depth)
	}
	switch {
	case b.kind != kindType:
		return 0
	case a.held:
		s.plan.pendingTypes--
		return 0
	}
	return depth
}
