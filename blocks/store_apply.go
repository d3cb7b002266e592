package blocks

import (
	"bytes"
	"fmt"
	"math"
	"sync"
)

// Apply applies an update to the document. It returns the part of the update that is
// new, as an update in V1 to be stored and broadcast, or nil if nothing is new. Pending
// blocks count as new. If the update is in V1 and all of it is new, added is update
// itself; otherwise the caller owns added.
//
// If Apply returns an error (ErrMalformed, ErrLimit, ErrEncoding), the document is
// unchanged. update is borrowed.
func (s *Store) Apply(update []byte, enc Encoding) (added []byte, err error) {
	if update, err = s.toV1(update, enc); err != nil {
		return nil, err
	}
	return s.apply(update, &s.options)
}

// Integrated returns what clients that had the document before the last Apply need of
// what that has changed, as an update in V1: without what became pending, and with what
// was pending and is integrated now. Mostly it is what Apply has returned. It is only
// known after HoldPending, and only once.
func (s *Store) Integrated() []byte {
	update := s.integrated
	s.integrated = nil
	return update
}

func (s *Store) setIntegrated(update []byte) {
	if s.holds {
		s.integrated = update
	}
}

// Load applies an update as Apply does, but without limits. It is for stored updates,
// which an earlier Apply has accepted. update is borrowed.
func (s *Store) Load(update []byte, enc Encoding) (err error) {
	if err := checkEncoding(enc); err != nil {
		return err
	}
	if enc == V2 {
		err = s.loadV2(update)
	} else {
		_, err = s.apply(update, nil)
	}
	s.integrated = nil
	return err
}

func (s *Store) loadV2(update []byte) (err error) {
	buffer := buffers.Get().(*[]byte)
	defer giveBack(buffer)
	if wire, ok := s.parsed.readV2(*buffer, update, s); ok {
		*buffer = wire
		_, err = s.applyParsed(wire, nil)
		return err
	}
	s.parsed.reset()
	if *buffer, err = fromV2(*buffer, update, math.MaxInt); err != nil {
		return err
	}
	_, err = s.apply(*buffer, nil)
	return err
}

// buffers has memory for converted updates. The document keeps copies of their parts.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keptBuffer = 4 << 20 // the largest that is kept, because no limit counts them

func giveBack(buffer *[]byte) {
	if cap(*buffer) <= keptBuffer {
		buffers.Put(buffer)
	}
}

// apply applies an update in V1. If limits is nil, there are none.
func (s *Store) apply(update []byte, limits *Options) (added []byte, err error) {
	if s.applyTyping(update, limits) {
		s.trials.received += len(update)
		s.setIntegrated(update)
		return update, nil
	}
	s.integrated = nil
	if update, err = s.parsed.read(update, s, limits); err != nil {
		s.parsed.reset()
		return nil, err
	}
	return s.applyParsed(update, limits)
}

// applyParsed applies an update in V1 that s.parsed has read.
func (s *Store) applyParsed(update []byte, limits *Options) (added []byte, err error) {
	in := &s.parsed
	defer in.reset()
	c := s.compare(in)
	if limits != nil && c.repeats && s.mended == 0 {
		s.noteClash(in)
	}
	switch {
	case !c.grows && !c.deletes:
		return nil, nil
	case c.repeats || in.normalized:
		added = s.onlyNew(in)
	default:
		added = update
	}
	gained := 0
	if c.grows {
		gained = len(added)
	}
	err = s.prepare(in, limits, gained, len(update))
	if mended, keyed := s.plan.mended, s.plan.keyed; err == nil && len(mended)+len(keyed) > 0 {
		s.plan.cancel(s)
		return s.applyMended(update, mended, keyed, limits)
	}
	must := false
	if err == nil {
		must, err = s.mustTry(in, len(update), limits)
	}
	switch {
	case !must:
	case len(s.byID) == s.plan.added: // the update is the document
		err = s.try(func() [][]byte { return [][]byte{bytes.Clone(update)} }, len(update), limits)
	default:
		work := s.plan.work
		s.plan.cancel(s) // the document can't be encoded during a plan
		if err = s.tryUpdate(update, work, limits); err == nil {
			err = s.prepare(in, limits, gained, len(update))
		}
	}
	if must {
		s.plan.work, s.plan.doubts = 0, 0
	}
	if err != nil {
		s.plan.cancel(s)
		return nil, err
	}
	s.trials.received += len(update)
	s.nested = s.plan.nested
	s.integratedCost += depthSize * s.plan.depths
	s.setIntegrated(added)
	if s.plan.touchesPending() {
		s.collectPending()
		ready := s.ready(in)
		s.setIntegrated(ready)
		if s.plan.collects {
			added = mergeChecked(ready, added)
		}
	}
	s.commit()
	s.delete(in.deletions)
	return added, nil
}

// applyMended applies an update in which some blocks get other right origins, and others are
// marked as map entries.
func (s *Store) applyMended(update []byte, mended map[id]id, keyed map[id]bool, limits *Options) (added []byte, err error) {
	if update, err = tidied(update, s, mended, keyed); err != nil {
		return nil, err
	}
	s.mended++
	defer func() { s.mended-- }()
	return s.apply(update, limits)
}

// prepare plans an update of the given size in bytes and checks it. gained is the size of
// its new blocks. If it returns an error, the plan must be canceled.
func (s *Store) prepare(in *parsedUpdate, limits *Options, gained, size int) error {
	for i := range in.sections {
		in.sections[i].resume = sectionPos{clock: in.sections[i].clock}
	}
	err := s.plan.build(s, in, size, limits == nil)
	if err == nil {
		err = s.checkClients(in, limits)
	}
	if err == nil {
		err = s.nest(in, limits)
	}
	if err == nil {
		err = s.checkSize(in, limits, gained, size)
	}
	return err
}

// checkClients returns ErrLimit if the planned update would add clients past the limit.
func (s *Store) checkClients(in *parsedUpdate, limits *Options) error {
	if limits == nil {
		return nil
	}
	added := s.plan.added + s.deletionClients(in)
	if before := len(s.byID) - s.plan.added; added > 0 && before+added > limits.MaxClients {
		return limits.tooManyClients()
	}
	return nil
}

func (o *Options) tooManyClients() error {
	return fmt.Errorf("%w: the document would have more than %d clients", ErrLimit, o.MaxClients)
}
