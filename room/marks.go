package room

import "slices"

// maxMarks is how many marks are kept. A state vector takes some bytes for each
// client that ever wrote.
const maxMarks = 32

// marks remember what the document was at some points of its sequence, so that
// a receiver who missed updates can be sent those, and not the whole document.
//
// The diff since a mark at or before the last sequence that the receiver got
// holds all it missed. An update adds deletions, and blocks that the document
// didn't hold. Every diff has all deletions and all blocks that wait for
// others. The remaining blocks joined the document in clock order, behind those
// that the mark's state vector counts; that includes blocks that waited at the
// time of the mark. The diff may hold what the receiver has already, which does
// no harm.
//
// Marks are taken between turns only: within a turn the document is ahead of
// its sequence.
type marks struct {
	list  []mark // by ascending sequence
	bytes int    // broadcast since the last mark
}

type mark struct {
	seq    uint64
	vector []byte // the document's state vector at seq
}

// emptyVector is the state vector of who has nothing.
var emptyVector = []byte{0}

func (m *marks) add(seq uint64, vector []byte) {
	if len(m.list) == maxMarks {
		m.list = slices.Delete(m.list, 0, 1)
	}
	m.list = append(m.list, mark{seq, vector})
	m.bytes = 0
}

// before is the state vector of the last mark at or before seq, and whether
// there is one; that of an empty document where there is none.
func (m *marks) before(seq uint64) (vector []byte, ok bool) {
	for _, mark := range slices.Backward(m.list) {
		if mark.seq <= seq {
			return mark.vector, true
		}
	}
	return emptyVector, false
}
