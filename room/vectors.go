package room

import "slices"

// maxSaved is how many state vectors are saved. A state vector takes some bytes for
// each client that ever wrote.
const maxSaved = 32

// savedVectors are the state vectors of the document at some points of its
// sequence. With them a receiver that missed updates is sent what it missed, and
// not the whole document.
//
// The difference from a state vector at or before the last sequence that the
// receiver has holds everything that it missed, because an update adds only
// deletions and blocks that the document didn't hold. Every difference has all
// deletions, and all blocks that wait for others. The remaining blocks were added in
// the order of their clocks, behind those that the state vector counts; that
// includes blocks that waited when it was saved. The difference may hold what the
// receiver has already, which does no harm.
//
// State vectors are saved between turns only: within a turn the document is ahead
// of its sequence.
type savedVectors struct {
	list  []savedVector // by ascending sequence
	bytes int           // of the updates that were broadcast since the last one was saved
}

type savedVector struct {
	seq    uint64
	vector []byte // the state vector of the document at seq
}

// emptyVector is the state vector of an empty document.
var emptyVector = []byte{0}

// due reports whether a state vector is to be saved: after every so many bytes of
// updates, and more where state vectors are large, so that they cost a small part of
// what the updates do.
func (s *savedVectors) due(every int) bool {
	return s.bytes >= max(every, 8*len(s.list[len(s.list)-1].vector))
}

// add adds a state vector, which is the newest. When there are too many, every
// second one of the older half goes, so that they are denser where most receivers
// are.
func (s *savedVectors) add(seq uint64, vector []byte) {
	if len(s.list) == maxSaved {
		n := 0
		for i, saved := range s.list {
			if i%2 == 0 || i >= maxSaved/2 {
				s.list[n] = saved
				n++
			}
		}
		clear(s.list[n:])
		s.list = s.list[:n]
	}
	s.list = append(s.list, savedVector{seq, vector})
	s.bytes = 0
}

// before returns the last state vector that was saved at or before seq, and whether
// there is one. If not, it is the state vector of an empty document.
func (s *savedVectors) before(seq uint64) (vector []byte, ok bool) {
	for _, saved := range slices.Backward(s.list) {
		if saved.seq <= seq {
			return saved.vector, true
		}
	}
	return emptyVector, false
}
