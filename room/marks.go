package room

import "slices"

// maxMarks is how many marks are kept. A state vector takes some bytes for each
// client that ever wrote.
const maxMarks = 32

// marks are the state vectors of the document at some points of its sequence.
// With them a receiver that missed updates is sent what it missed, and not the
// whole document.
//
// The difference from a mark at or before the last sequence that the receiver
// has holds everything that it missed, because an update adds only deletions and
// blocks that the document didn't hold. Every difference has all deletions, and
// all blocks that wait for others. The remaining blocks were added in the order
// of their clocks, behind those that the mark's state vector counts; that
// includes blocks that waited at the time of the mark. The difference may hold
// what the receiver has already, which does no harm.
//
// Marks are taken between turns only: within a turn the document is ahead of
// its sequence.
type marks struct {
	list  []mark // by ascending sequence
	bytes int    // of the updates that were broadcast since the last mark
}

type mark struct {
	seq    uint64
	vector []byte // the state vector of the document at seq
}

// emptyVector is the state vector of an empty document.
var emptyVector = []byte{0}

// due reports whether a mark is due: after every so many bytes of updates, and
// more where state vectors are large, so that marks cost a small part of what
// the updates do.
func (m *marks) due(every int) bool {
	return m.bytes >= max(every, 8*len(m.list[len(m.list)-1].vector))
}

// add adds a mark, which is the newest. When there are too many, every second
// one of the older half goes, so that marks are denser where most receivers are.
func (m *marks) add(seq uint64, vector []byte) {
	if len(m.list) == maxMarks {
		n := 0
		for i, mark := range m.list {
			if i%2 == 0 || i >= maxMarks/2 {
				m.list[n] = mark
				n++
			}
		}
		clear(m.list[n:])
		m.list = m.list[:n]
	}
	m.list = append(m.list, mark{seq, vector})
	m.bytes = 0
}

// before returns the state vector of the last mark at or before seq, and
// whether there is one. If not, it is the state vector of an empty document.
func (m *marks) before(seq uint64) (vector []byte, ok bool) {
	for _, mark := range slices.Backward(m.list) {
		if mark.seq <= seq {
			return mark.vector, true
		}
	}
	return emptyVector, false
}
