package blocks

import "hash/fnv"

// spots finds updates that may freeze clients. A spot is where blocks are inserted: after
// an element, or at the start of a list. The blocks that were inserted there are siblings.
// yjs compares a new block with the siblings between the spot and its right origin, which its
// client didn't have, and with all that was inserted after these. With many such blocks that
// takes a time that grows with the square of their number, for each client that loads the
// document.
//
// spots estimates that work. It knows the order of the first siblings of each spot, so
// that the usual few concurrent insertions cause little work. If those that it knows don't
// suffice to find the place of a block, the work is the number of blocks that the document
// has received since its right origin, because any of them may be between. A block that
// causes work is a doubt. When there is much work, or there are many doubts, Options.Try
// decides: see trials.
//
// Spots are remembered while they are in use: see recent. When a client returns to a spot
// that was forgotten, that is a doubt without work.
type spots struct {
	kept   insertions
	staged insertions // by the update that is planned
}

// insertions is what is remembered of insertions.
type insertions struct {
	spots    recent[spot]
	siblings recent[sibling]
}

type spot struct {
	first id     // the first sibling, or what was at the spot before; unknown if that isn't known
	since int    // how many blocks the document had when the spot was first noted
	least uint64 // the lowest client id of a sibling
}

// sibling is a block that was inserted at a spot.
type sibling struct {
	spot  id
	right id  // its right origin
	next  id  // the sibling after it, or what was there before; unknown if that isn't known
	since int // how many blocks the document had before it
	left  int // how many of them may be between it and the spot
}

// unknown is no id of an element.
var unknown = id{0, 1 << 63}

// insertion is a block that is inserted, and what the insertion changes.
type insertion struct {
	id      id
	sibling sibling
	spot    spot
	behind  id // the sibling that it is inserted behind, or noID
	work    int
	doubt   bool
}

const (
	knownSiblings  = 32      // how many siblings are compared with a new one at most
	followedStarts = 64      // how many blocks are followed to the first one of their list
	distantWork    = 1 << 14 // the most work of a block whose list begins farther away
)

// isNoted reports whether the insertion of a block is noted. It isn't if the block continues
// what its client has written, and nothing else was inserted there, or if the block has no
// place, as a GC block has none.
func (s *Store) isNoted(b *block) bool {
	if b.flags&hasOrigin == 0 {
		return b.parent != nil || b.flags&hasRight != 0
	}
	return b.origin != id{b.client, b.clock - 1} || s.find(b.client).branched >= b.clock
}

// insertionOf returns the insertion of a block for which isNoted is true.
func (s *Store) insertionOf(b *block) (in insertion) {
	at, right := b.origin, b.rightOrNone()
	switch {
	case b.flags&hasOrigin != 0:
	case b.parent != nil:
		at = b.startOfList()
	default:
		at, in.work = s.startBefore(right)
	}
	in.id = b.id()
	in.sibling = sibling{spot: at, right: right, since: s.blockCount + s.plan.taken}
	if x, visited := s.spots.spot(at); visited {
		in.spot = x
	} else {
		in.spot = spot{first: right, since: in.sibling.since, least: b.client}
		if next := (id{at.client, at.clock + 1}); b.flags&hasOrigin != 0 && right != next && s.rowAfter(at) > 0 {
			if in.doubt = right != noID && s.originOf(right) == at; !in.doubt {
				in.spot.first, in.spot.least = next, min(at.client, b.client)
			}
		}
	}
	if !in.place(s) {
		in.placeAnywhere(s)
	}
	in.spot.least = min(in.spot.least, b.client)
	in.doubt = in.doubt || in.work > 0
	return in
}

// place finds the place of the block among the known siblings, as yjs does. It returns
// false if these don't suffice; then the place is somewhere behind in.behind.
func (in *insertion) place(s *Store) bool {
	in.behind, in.sibling.next = noID, in.spot.first
	at := in.spot.first
	for n := 1; at != in.sibling.right && at != noID; n++ {
		o, known := s.spots.sibling(at)
		if !known && at == (id{in.sibling.spot.client, in.sibling.spot.clock + 1}) {
			o, known = sibling{spot: in.sibling.spot, right: unknown, next: unknown}, true // it continues what is before the spot
		}
		if !known || o.spot != in.sibling.spot || n > knownSiblings {
			return false
		}
		in.work += 1 + s.rowAfter(at)
		if at.client < in.id.client {
			in.behind, in.sibling.next, in.sibling.left = at, o.next, n
		} else if o.right == in.sibling.right {
			break
		}
		at = o.next
	}
	if in.behind == noID {
		in.spot.first = in.id
	}
	return true
}

// placeAnywhere is called when place has returned false.
func (in *insertion) placeAnywhere(s *Store) {
	in.sibling.left = in.sibling.since - in.spot.since
	if right, known := s.spots.sibling(in.sibling.right); known && right.spot == in.sibling.spot {
		in.sibling.left = right.left + in.sibling.since - right.since
	}
	in.work = max(in.work, in.sibling.left)
	switch {
	case in.id.client <= in.spot.least: // it is inserted behind no sibling
		in.sibling.next, in.sibling.left = in.spot.first, 0
		in.spot.first = in.id
	case in.behind == noID:
		in.spot.first = unknown
		fallthrough
	default:
		in.sibling.next = unknown
	}
}

// rowAfter returns how many elements the client of x has written after x, if it has
// continued there.
func (s *Store) rowAfter(x id) int {
	next, c := id{x.client, x.clock + 1}, s.find(x.client)
	if !c.has(next.clock) || s.originOf(next) != x {
		return 0
	}
	return int(c.rowEnd(next.clock) - next.clock)
}

// originOf returns the origin of an element, or noID if it has none.
func (s *Store) originOf(x id) id {
	var b block
	if s.lookup(x, &b); b.kind == kindGC {
		return noID
	}
	return b.originOf(x)
}

// startBefore returns the start of the list in which the element right was the first one.
// If that is too far away, it returns an id that no other right has, and the work.
func (s *Store) startBefore(right id) (spot id, work int) {
	var b block
	for at, n := right, 0; n < followedStarts; at, n = b.right, n+1 {
		if o, known := s.spots.sibling(at); known {
			return o.spot, 0
		}
		if s.lookup(at, &b); b.parent != nil {
			return b.startOfList(), 0
		} else if b.flags&hasRight == 0 { // a GC block
			break
		}
	}
	return id{right.client, right.clock | 1<<62}, int(min(s.find(right.client).rowEnd(right.clock)-right.clock, distantWork))
}

// startOfList returns an id for the start of the list of a block that names its parent.
func (b *block) startOfList() id {
	h := fnv.New64a()
	h.Write(b.appendKey(nil))
	return id{h.Sum64(), 1 << 62}
}

func (p *spots) spot(at id) (x spot, ok bool) {
	if x, ok = p.staged.spots.get(at); !ok {
		x, ok = p.kept.spots.get(at)
	}
	return x, ok
}

func (p *spots) sibling(at id) (x sibling, ok bool) {
	if x, ok = p.staged.siblings.get(at); !ok {
		x, ok = p.kept.siblings.get(at)
	}
	return x, ok
}

// note notes an insertion. It reports whether it has forgotten others.
func (s *Store) note(in *insertion, to *insertions) (forgets bool) {
	at := in.sibling.spot
	if at.clock < 1<<62 {
		c := s.find(at.client)
		c.branched = max(c.branched, at.clock+1)
	}
	if in.behind != noID {
		before, known := s.spots.sibling(in.behind)
		if !known {
			before = sibling{spot: at, right: unknown}
		}
		if before.next = in.id; in.sibling.next == unknown {
			before.next = unknown
		}
		forgets = to.siblings.set(in.behind, before)
	}
	forgets = to.siblings.set(in.id, in.sibling) || forgets
	return to.spots.set(at, in.spot) || forgets
}

// memory returns about how many bytes of memory the insertions take.
func (n *insertions) memory() int {
	return 64*n.spots.len() + 96*n.siblings.len()
}

// keep keeps what was staged.
func (p *spots) keep() {
	p.kept.spots.take(&p.staged.spots)
	p.kept.siblings.take(&p.staged.siblings)
}

// drop drops what was staged.
func (p *spots) drop() {
	p.staged.spots.clear()
	p.staged.siblings.clear()
}
