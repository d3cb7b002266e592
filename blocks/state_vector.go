package blocks

import "github.com/yroom/yroom/internal/lib0"

// StateVectorOf encodes how many elements of each client an update has from clock 0 on
// without a gap. That is the state vector of an empty document that applies the
// update, if nothing in it is pending. The errors are those of Convert. update is
// borrowed; the caller owns the result.
func StateVectorOf(enc Encoding, update []byte) ([]byte, error) {
	var in parsedUpdate
	if err := in.readAs(update, enc); err != nil {
		return nil, err
	}
	n, set := uint64(0), []byte(nil)
	for i := range in.sections {
		if clock := in.sections[i].endWithoutGap(); clock > 0 {
			n++
			set = lib0.AppendUint(set, in.sections[i].client)
			set = lib0.AppendUint(set, clock)
		}
	}
	return append(lib0.AppendUint(nil, n), set...), nil
}

// Made reports whether an update has blocks, and all of them are among those of a state
// vector: then a client with this state vector had made or received the update already. The
// errors are those of Convert. stateVector and update are borrowed.
func Made(stateVector, update []byte, enc Encoding) (bool, error) {
	var in parsedUpdate
	if err := in.readAs(update, enc); err != nil {
		return false, err
	}
	clock := func(client uint64) uint64 { return ClockOf(stateVector, client) }
	if len(in.sections) > 1 {
		clocks := make(map[uint64]uint64)
		err := ParseStateVector(stateVector, func(client, clock uint64) { clocks[client] = clock })
		if err != nil {
			return false, err
		}
		clock = func(client uint64) uint64 { return clocks[client] }
	}
	for i := range in.sections {
		if sec := &in.sections[i]; sec.end > clock(sec.client) {
			return false, nil
		}
	}
	return len(in.sections) > 0, nil
}

// endWithoutGap returns the clock after the blocks that follow one another from clock
// 0 on.
func (sec *section) endWithoutGap() uint64 {
	end := uint64(0)
	src := iterSection(sec)
	for b := src.next(); b != nil && b.clock == end; b = src.next() {
		end = b.end()
	}
	return end
}

// ParseStateVector calls yield with each entry of a state vector: a client, and the
// number of its elements. It may have called yield before it returns an error, which
// is ErrMalformed. stateVector is borrowed.
func ParseStateVector(stateVector []byte, yield func(client, clock uint64)) error {
	r := lib0.NewReader(stateVector)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		if client, clock := r.Uint(), r.Uint(); r.Err() == nil {
			yield(client, clock)
		}
	}
	if err := r.Err(); err != nil {
		return malformed("state vector: %w", err)
	}
	if r.Len() > 0 {
		return malformed("state vector: %d bytes after its end", r.Len())
	}
	return nil
}

// Behind reports whether a document with the given state vector has elements that this
// one lacks. What is pending counts as lacking. The error is ErrMalformed. stateVector is
// borrowed.
func (s *Store) Behind(stateVector []byte) (behind bool, err error) {
	err = ParseStateVector(stateVector, func(client, clock uint64) {
		behind = behind || clock > s.find(client).gapless()
	})
	return behind, err
}

// Ahead returns a state vector of those entries of the given one that hold elements that this
// document lacks. What is pending counts as lacking. The error is ErrMalformed. stateVector is
// borrowed; the caller owns the result.
func (s *Store) Ahead(stateVector []byte) ([]byte, error) {
	n, set := uint64(0), []byte(nil)
	err := ParseStateVector(stateVector, func(client, clock uint64) {
		if clock > s.find(client).gapless() {
			n++
			set = lib0.AppendUint(set, client)
			set = lib0.AppendUint(set, clock)
		}
	})
	return append(lib0.AppendUint(nil, n), set...), err
}

// ClockOf returns the number of elements of a client that a state vector holds, or 0
// if it holds none or is malformed. stateVector is borrowed.
func ClockOf(stateVector []byte, client uint64) uint64 {
	r := lib0.NewReader(stateVector)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		if id, clock := r.Uint(), r.Uint(); id == client {
			return clock
		}
	}
	return 0
}

// Clock returns the clock after the last element that the document has of a client.
func (s *Store) Clock(client uint64) uint64 {
	if c := s.find(client); c != nil {
		return c.blocks.end
	}
	return 0
}

// StateVector encodes, for each client, how many elements the document has of it
// without a gap. The caller owns the result.
func (s *Store) StateVector() []byte {
	n := uint64(0)
	for _, c := range s.inOrder() {
		if c.gapless() > 0 {
			n++
		}
	}
	out := lib0.AppendUint(nil, n)
	for _, c := range s.inOrder() {
		if end := c.gapless(); end > 0 {
			out = lib0.AppendUint(out, c.id)
			out = lib0.AppendUint(out, end)
		}
	}
	return out
}
