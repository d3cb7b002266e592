package blocks

import "github.com/yroom/yroom/internal/lib0"

// outsideMost bounds the V1 form of an update in V2 that comes from outside. V2
// packs repetitions so tightly that twenty bytes can stand for any number of
// blocks.
func outsideMost(update []byte) int { return 1<<20 + 64*len(update) }

// fromOutside gives an update for the document in V1, which is not checked yet.
// What is larger than the document may be isn't unpacked.
func (s *Store) fromOutside(update []byte, enc Encoding) ([]byte, error) {
	return asV1(update, enc, min(outsideMost(update), s.options.MaxSize))
}

// asV1 gives an update in V1: itself, or converted, in which case it is at most
// about most bytes long. What is in V1 is not checked here.
func asV1(update []byte, enc Encoding, most int) ([]byte, error) {
	if enc == V1 {
		return update, nil
	}
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	return fromV2(update, most)
}

// readAs reads and checks an update from outside. What it gives aliases update
// if that is in V1.
func (in *contents) readAs(update []byte, enc Encoding) error {
	update, err := asV1(update, enc, outsideMost(update))
	if err != nil {
		return err
	}
	return in.read(update, nil)
}

// fromV1 gives a checked update in V1 in the given encoding: itself, or converted.
func fromV1(update []byte, enc Encoding) []byte {
	if enc == V1 {
		return update
	}
	return toV2(update)
}

// Convert gives an update in another encoding, with the same blocks in the same
// order. The error is ErrMalformed, ErrEncoding, or from V2 ErrLimit. Where from
// and to are the same, update is checked and given back itself; otherwise it is
// borrowed, and the caller owns the result.
func Convert(from, to Encoding, update []byte) ([]byte, error) {
	if err := checkEncoding(to); err != nil {
		return nil, err
	}
	wire, err := asV1(update, from, outsideMost(update))
	if err != nil {
		return nil, err
	}
	if err := new(contents).read(wire, nil); err != nil {
		return nil, err
	}
	if from == to {
		return update, nil
	}
	return fromV1(wire, to), nil
}

// DiffUpdate takes out of an update what somebody with the given state vector
// has, the deletions apart. Errors are Convert's. update and stateVector are
// borrowed; the caller owns the result.
func DiffUpdate(enc Encoding, update, stateVector []byte) ([]byte, error) {
	var in contents
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
		if src := sectionSource(sec); src.past(has[sec.client]) {
			n++
			parts = sec.appendRest(parts, &src, has[sec.client])
		}
	}
	out := append(lib0.AppendUint(make([]byte, 0, len(parts)+16*len(in.deletions)+8*len(in.spans)+8), n), parts...)
	return fromV1(appendDeletions(out, in.deletions), enc), nil
}

// past goes to the first block that ends behind clock; false: there is none.
func (s *source) past(clock uint64) bool {
	for b := s.next(); b != nil; b = s.next() {
		if b.end() > clock {
			return true
		}
	}
	return false
}

// appendRest appends a section with what src still has, from clock on.
func (sec *section) appendRest(dst []byte, src *source, clock uint64) []byte {
	first := src.block.from(max(clock, src.block.clock))
	dst = lib0.AppendUint(dst, sec.count-src.this.nth)
	dst = lib0.AppendUint(dst, sec.client)
	dst = lib0.AppendUint(dst, first.clock)
	dst, _ = first.appendTo(dst)
	return append(dst, sec.wire[src.ahead.off:]...)
}
