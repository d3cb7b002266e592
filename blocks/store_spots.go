package blocks

import (
	"fmt"
	"hash/fnv"
)

// spots finds updates that may freeze clients. A spot is an element after which blocks
// are inserted. yjs compares a new block with the blocks at its spot that its client
// didn't have. With many such blocks that takes a time that grows with the square of
// their number, for each client that loads the document.
//
// A client that has all blocks at a spot inserts the next one before the newest. A block
// that is inserted elsewhere is a doubt. Users who type at the same time cause a few.
// When there are many, Options.Try decides.
type spots struct {
	newest map[id]id // by spot, the block that was inserted there last; of recent spots only
	starts map[id]id // by block that was inserted at the start of its list, the spot
	forgot bool      // some of the update's spots were forgotten
	doubts int       // since the last call of Options.Try
	bytes  int       // of the updates that have caused them
}

const (
	keptSpots = 512 // how many spots are kept from one update to the next

	// Options.Try is called after so many doubts, and after updates of a share of the
	// document's size, so that its cost is in proportion to what was received.
	triedDoubts = 128
	triedShare  = 64

	// triedSize is the size of a document beyond which Options.Try is not called, because
	// it takes several times as much memory. Clients take seconds to load such a document
	// anyway.
	triedSize = 32 << 20
)

// spotOf returns the spot at which a block is inserted, and reports whether it is one to
// note: a block after an element of its own client mostly continues what the client has
// written before.
func (s *Store) spotOf(b *block) (spot id, ok bool) {
	switch {
	case b.flags&hasOrigin != 0:
		return b.origin, b.origin != id{b.client, b.clock - 1}
	case b.flags&hasRight == 0:
		return b.startOfList(), b.parent != nil
	}
	if spot, ok := s.spots.starts[b.right]; ok {
		return spot, true
	}
	var right block
	if s.lookup(b.right, &right); right.parent != nil {
		return right.startOfList(), true
	}
	return id{b.right.client, b.right.clock | 1<<62}, true
}

// startOfList returns an id for the start of the list of a block that names its parent.
func (b *block) startOfList() id {
	h := fnv.New64a()
	h.Write(b.appendKey(nil))
	return id{h.Sum64(), 1 << 62}
}

// isDoubt reports whether it is a doubt that b is inserted at a spot.
func (p *spots) isDoubt(spot id, b *block) bool {
	newest, known := p.newest[spot]
	return known && newest != b.rightOrNone()
}

// note records that b is inserted at a spot.
func (p *spots) note(spot id, b *block) {
	if p.newest == nil {
		p.newest, p.starts = make(map[id]id), make(map[id]id)
	}
	p.newest[spot] = b.id()
	if b.flags&hasOrigin == 0 {
		p.starts[b.id()] = spot
	}
}

// grow makes room for n spots, if they are many.
func (p *spots) grow(n int) {
	if n > keptSpots && p.newest == nil {
		p.newest, p.starts = make(map[id]id, n), make(map[id]id)
	}
}

// trim forgets the spots if they are too many.
func (p *spots) trim() {
	if len(p.newest) > keptSpots || len(p.starts) > keptSpots {
		p.forgot = true
		if len(p.newest)+len(p.starts) > 32*keptSpots { // clear takes as long as they had room for
			p.newest, p.starts = nil, nil
		}
		clear(p.newest)
		clear(p.starts)
	}
}

// end forgets the spots after an update that had too many, and frees their memory.
func (p *spots) end() {
	if p.trim(); p.forgot {
		p.newest, p.starts, p.forgot = nil, nil, false
	}
}

// mustTry reports whether the planned update, of the given size in bytes, must be tried,
// because there are many doubts, some of which are the update's.
func (s *Store) mustTry(size int, limits *Options) bool {
	doubts := s.plan.doubts
	if s.spots.forgot || len(s.spots.newest) > keptSpots { // later updates at these spots would cause no doubts: see trim
		doubts += triedDoubts
	}
	if doubts == 0 || limits == nil || limits.Try == nil {
		return false
	}
	s.spots.doubts += doubts
	s.spots.bytes += size
	return s.spots.doubts >= triedDoubts && s.spots.bytes*triedShare >= s.blocksSize && s.blocksSize+size <= triedSize
}

// try calls Options.Try with the document and an update.
func (s *Store) try(update []byte, limits *Options) error {
	if err := limits.Try(mergeChecked(s.encode(), update)); err != nil {
		s.freezes++
		return fmt.Errorf("%w: clients that load the document would freeze: %w", ErrLimit, err)
	}
	s.spots.doubts, s.spots.bytes = 0, 0
	return nil
}

// Freezes returns how many updates were refused because Options.Try has returned an
// error.
func (s *Store) Freezes() int { return s.freezes }
