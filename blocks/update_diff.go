package blocks

import "github.com/yroom/yroom/internal/lib0"

// DiffUpdate removes from an update the blocks that a client with the given state
// vector has. All deletions stay. The errors are those of Convert. update and
// stateVector are borrowed; the caller owns the result.
func DiffUpdate(enc Encoding, update, stateVector []byte) ([]byte, error) {
	var in parsedUpdate
	if err := in.readAs(update, enc); err != nil {
		return nil, err
	}
	has := make(map[uint64]uint64, len(in.sections))
	if err := ParseStateVector(stateVector, func(client, clock uint64) { has[client] = clock }); err != nil {
		return nil, err
	}
	n, parts := uint64(0), []byte(nil)
	for i := range in.sections {
		sec := &in.sections[i]
		if src := iterSection(sec); src.skipPast(has[sec.client]) {
			n++
			parts = sec.appendRest(parts, &src, has[sec.client])
		}
	}
	out := append(lib0.AppendUint(make([]byte, 0, len(parts)+16*len(in.deletions)+8*len(in.spans)+8), n), parts...)
	return fromV1(appendDeletions(out, in.deletions), enc), nil
}

// skipPast advances to the first block that ends after clock, and reports whether
// there is one.
func (s *blockIter) skipPast(clock uint64) bool {
	for b := s.next(); b != nil; b = s.next() {
		if b.end() > clock {
			return true
		}
	}
	return false
}

// appendRest appends a section with src's block, from clock on, and those after it.
func (sec *section) appendRest(dst []byte, src *blockIter, clock uint64) []byte {
	first := src.block.from(max(clock, src.block.clock))
	dst = lib0.AppendUint(dst, sec.count-src.pos.index)
	dst = lib0.AppendUint(dst, sec.client)
	dst = lib0.AppendUint(dst, first.clock)
	dst, _ = first.appendTo(dst)
	return append(dst, sec.wire[src.nextPos.off:]...)
}
