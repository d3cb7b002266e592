package blocks

import "math"

// Apply takes an update into the document and gives what was new in it, as a
// V1 update: what has to be stored and told to others. nil: nothing was new.
// Where all of it was new and it is in V1, added is update itself; otherwise
// the caller owns it. Blocks that have to wait are new too.
//
// An error (ErrMalformed, ErrLimit, ErrEncoding) leaves the document as it
// was. update is borrowed.
func (s *Store) Apply(update []byte, enc Encoding) (added []byte, err error) {
	if update, err = s.toV1(update, enc); err != nil {
		return nil, err
	}
	return s.apply(update, &s.options)
}

// Load takes an update into the document as Apply does, whatever the limits:
// what is stored already was let in once. update is borrowed.
func (s *Store) Load(update []byte, enc Encoding) error {
	update, err := toV1(update, enc, math.MaxInt)
	if err == nil {
		_, err = s.apply(update, nil)
	}
	return err
}

// apply takes an update in V1. Without most there is no limit.
func (s *Store) apply(update []byte, limits *Options) (added []byte, err error) {
	if s.applyTyping(update, limits) {
		return update, nil
	}
	in := &s.parsed
	defer in.reset()
	if err := in.read(update, s); err != nil {
		return nil, err
	}
	c := s.compare(in)
	switch {
	case !c.grows && !c.deletes:
		return nil, nil
	case c.repeats || in.normalized:
		added = s.onlyNew(in)
	default:
		added = update
	}
	if limits != nil && c.grows && in.typeCount > 0 {
		if err := s.checkNesting(update, in.typeCount); err != nil {
			return nil, err
		}
	}
	gained := 0
	if c.grows {
		gained = len(added)
	}
	s.plan.make(s, in.sections)
	if err := s.checkSize(in, limits, gained, len(update)); err != nil {
		s.plan.cancel(s)
		return nil, err
	}
	s.nesting += in.typeCount
	s.commit()
	s.delete(in.deletions)
	return added, nil
}

// checkSize tells whether an update of the given size, as it is planned, would
// take the document past a limit, by gained bytes of new blocks.
func (s *Store) checkSize(in *parsedUpdate, limits *Options, gained, update int) error {
	if limits == nil {
		return nil
	}
	if size := s.sizeWith(gained); gained > 0 && size > limits.MaxSize {
		return overLimit("the document", size, limits.MaxSize)
	}
	if s.pendingBound(update) > limits.MaxPending {
		if pending := s.pendingCost + s.newPendingCost(in); pending > limits.MaxPending {
			return overLimit("what waits for missing blocks", pending, limits.MaxPending)
		}
	}
	return nil
}

// sizeWith is what counts of the document's size with so many bytes more.
func (s *Store) sizeWith(gained int) int { return s.blocksSize + gained + clientSize*len(s.byID) }

// mayWait is more than what waits can cost with an update of the given size.
func (s *Store) pendingBound(size int) int { return s.pendingCost + costOfByte*size }
