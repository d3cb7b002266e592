package room

import "slices"

// maxSaved is how many state vectors are saved. It is small because a state vector
// takes some bytes for each client that ever wrote.
const maxSaved = 32

// savedVectors holds the state vectors of the document at some points of its sequence.
// They allow the room to send to a receiver only the updates that it missed instead of
// the whole document.
//
// A receiver is sent the difference from a state vector at or before its last sequence.
// This difference holds everything that the receiver missed, because an update adds
// only deletions and blocks that the document didn't hold. Every difference has all
// deletions. The blocks were integrated in the order of their clocks, after those that
// the state vector counts, including blocks that were pending when it was saved. The
// difference may hold content that the receiver has already, which is harmless.
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

// due reports whether a state vector must be saved: after so many bytes of updates, or
// more if state vectors are large, so that they cost a small fraction of what the
// updates cost.
func (s *savedVectors) due(every int) bool {
	return s.bytes >= max(every, 8*len(s.list[len(s.list)-1].vector))
}

// add adds a state vector, which is the newest. When there are too many, it removes
// every second one of the older half, so that they are denser near the end, where the
// sequences of most receivers are.
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

// before returns the last state vector that was saved at or before seq, and reports
// whether there is one. If not, it returns the state vector of an empty document.
func (s *savedVectors) before(seq uint64) (vector []byte, ok bool) {
	for _, saved := range slices.Backward(s.list) {
		if saved.seq <= seq {
			return saved.vector, true
		}
	}
	return emptyVector, false
}
