package blocks

import (
	"bytes"
	"fmt"
)

// trials decides when Options.Try is called.
//
// A trial takes time and memory in proportion to the document. So it has to be paid for with
// bytes that the document has received: trialShare bytes are tried for each of them at most.
// While a trial can't be paid for, and in a document that is too large for one, updates are
// accepted until they may cause so much work that clients would freeze.
//
// Work that takes clients no longer than to load the bytes of the update doesn't count.
type trials struct {
	received int // bytes of the updates that were applied
	counted  int // how many of them count in work and credit
	work     int // of the insertions since the last trial
	doubts   int // among them
	credit   int // how many bytes can be tried
}

const (
	trialWork  = 1 << 18 // how much work calls for a trial
	trialShare = 16
	trialBurst = 8 // how many trials can be paid for in advance

	// How many doubts call for a trial, because spots may have been forgotten: a part of the
	// blocks that the document has. So a document that arrives in many updates, each of which
	// inserts at many places, is not tried with each of them.
	trialPart   = 4
	leastDoubts = 1 << 10
	mostDoubts  = 1 << 16

	// workPerByte is how many comparisons yjs makes in the time in which it loads a byte of
	// small blocks.
	workPerByte = 4

	// untriedWork is how much work is accepted without a trial. yjs takes half a second for
	// so many comparisons. Clients that edit offline cause a third of it.
	untriedWork = 1 << 20

	// liveWork is the work of one update from which on it is tried as clients that are
	// connected apply it, too. They integrate it in another order than clients that load the
	// document, in which it may cause little work.
	liveWork = 1 << 22

	// The largest document that is tried. Its trial takes half a second and 250 MB, most of
	// it for the blocks.
	trialSize   = 32 << 20
	trialBlocks = 1 << 19
)

// count counts what was received.
func (t *trials) count(document int) {
	n := t.received - t.counted
	t.counted = t.received
	t.work = max(0, t.work-workPerByte*n)
	t.credit = min(t.credit+trialShare*n, trialBurst*document)
}

// mustTry reports whether the planned update, of the given size in bytes, must be tried. It
// returns ErrLimit if that can't be done and the update must be refused without a trial.
func (s *Store) mustTry(in *parsedUpdate, size int, limits *Options) (must bool, err error) {
	if limits == nil || limits.Try == nil || s.plan.doubts == 0 {
		return false, nil
	}
	t := &s.trials
	t.count(s.blocksSize)
	work := t.work + s.plan.work - workPerByte*size
	document, added := s.blocksSize+size, 0
	for i := range in.sections {
		added += int(min(in.sections[i].count, trialBlocks))
	}
	if work < trialWork && t.doubts+s.plan.doubts < min(max((s.blockCount+added)/trialPart, leastDoubts), mostDoubts) {
		return false, nil
	}
	switch {
	case s.canTry(size, added) && document <= t.credit+trialShare*size:
		return true, nil
	case work >= untriedWork:
		s.freezes++
		return false, fmt.Errorf("%w: clients that load the document may freeze, because too many blocks are inserted at the same places concurrently", ErrLimit)
	}
	return false, nil
}

// canTry reports whether the document is small enough for a trial with an update of the
// given size, in bytes and blocks.
func (s *Store) canTry(size, added int) bool {
	return s.blocksSize+size <= trialSize && s.blockCount+added <= trialBlocks
}

// tryUpdate tries an update that may cause so much work.
func (s *Store) tryUpdate(update []byte, work int, limits *Options) error {
	size := s.blocksSize + len(update)
	if work >= liveWork {
		live := func() [][]byte { return [][]byte{s.encode(), bytes.Clone(update)} }
		if err := s.try(live, size, limits); err != nil {
			return err
		}
	}
	return s.try(func() [][]byte { return [][]byte{mergeChecked(s.encode(), update)} }, size, limits)
}

// try calls Options.Try with updates of about the given size in bytes.
func (s *Store) try(updates func() [][]byte, size int, limits *Options) error {
	s.trials.credit -= size
	if err := limits.Try(updates); err != nil {
		s.freezes++
		return fmt.Errorf("%w: clients would freeze: %w", ErrLimit, err)
	}
	s.trials.work, s.trials.doubts = 0, 0
	return nil
}

// Freezes returns how many updates were refused because clients that load the document
// would freeze.
func (s *Store) Freezes() int { return s.freezes }

// Try calls Options.Try with the document, unless that is nil or the document is too large,
// and returns its error. Apply refuses nearly all updates after which Try returns one, but
// not all.
func (s *Store) Try() error {
	if s.options.Try == nil || !s.canTry(0, 0) {
		return nil
	}
	return s.options.Try(func() [][]byte { return [][]byte{s.encode()} })
}
