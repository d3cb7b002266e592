package blocks

import (
	"math"

	"github.com/yroom/yroom/internal/clocks"
)

// Apply takes an update into the document and gives what was new in it, as a
// V1 update: what has to be stored and told to others. nil: nothing was new.
// Where all of it was new and it is in V1, added is update itself; otherwise
// the caller owns it. Blocks that have to wait are new too.
//
// An error (ErrMalformed, ErrLimit, ErrEncoding) leaves the document as it
// was. update is borrowed.
func (s *Store) Apply(update []byte, enc Encoding) (added []byte, err error) {
	if update, err = s.fromOutside(update, enc); err != nil {
		return nil, err
	}
	return s.apply(update, &s.options)
}

// Load takes an update into the document as Apply does, whatever the limits:
// what is stored already was let in once. update is borrowed.
func (s *Store) Load(update []byte, enc Encoding) error {
	update, err := asV1(update, enc, math.MaxInt)
	if err == nil {
		_, err = s.apply(update, nil)
	}
	return err
}

// apply takes an update in V1. Without most there is no limit.
func (s *Store) apply(update []byte, most *Options) (added []byte, err error) {
	if s.applyTyped(update, most) {
		return update, nil
	}
	in := &s.in
	defer in.release()
	if err := in.read(update, s); err != nil {
		return nil, err
	}
	c := s.compare(in)
	switch {
	case !c.grows && !c.deletes:
		return nil, nil
	case c.repeats || in.tidied:
		added = s.onlyNew(in)
	default:
		added = update
	}
	if most != nil && c.grows && in.types > 0 {
		if err := s.checkNesting(update, in.types); err != nil {
			return nil, err
		}
	}
	gained := 0
	if c.grows {
		gained = len(added)
	}
	s.plan.make(s, in.sections)
	if err := s.checkSize(in, most, gained, len(update)); err != nil {
		s.plan.cancel(s)
		return nil, err
	}
	s.nesting += in.types
	s.commit()
	s.delete(in.deletions)
	return added, nil
}

// checkSize tells whether an update of the given size, as it is planned, would
// take the document past a limit, by gained bytes of new blocks.
func (s *Store) checkSize(in *contents, most *Options, gained, update int) error {
	if most == nil {
		return nil
	}
	if size := s.sizeWith(gained); gained > 0 && size > most.MaxSize {
		return overLimit("the document", size, most.MaxSize)
	}
	if s.mayWait(update) > most.MaxPending {
		if pending := s.pending + s.waiting(in); pending > most.MaxPending {
			return overLimit("what waits for missing blocks", pending, most.MaxPending)
		}
	}
	return nil
}

// sizeWith is what counts of the document's size with so many bytes more.
func (s *Store) sizeWith(gained int) int { return s.size + gained + clientSize*len(s.byID) }

// mayWait is more than what waits can cost with an update of the given size.
func (s *Store) mayWait(size int) int { return s.pending + costOfByte*size }

// Contains tells whether the document holds all that is in update, so that
// Apply would add nothing. Errors are Apply's. update is borrowed.
func (s *Store) Contains(update []byte, enc Encoding) (bool, error) {
	update, err := s.fromOutside(update, enc)
	if err != nil {
		return false, err
	}
	in := &s.in
	defer in.release()
	if err := in.read(update, nil); err != nil {
		return false, err
	}
	c := s.compare(in)
	return !c.grows && !c.deletes, nil
}

// comparison says what an update means to a document.
type comparison struct {
	grows   bool // it has elements that are new
	deletes bool // it has deletions that are new
	repeats bool // it has something that isn't
}

func (s *Store) compare(in *contents) (result comparison) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c == nil || len(c.pending) == 0 && sec.clock >= c.blocks.end {
			result.grows = true
			continue
		}
		if len(c.pending) == 0 && sec.end <= c.blocks.end {
			result.repeats = true
			continue
		}
		fresh := uint64(0)
		eachNew(sectionSource(sec), c.blocks.end, c.pendingAround(sec), func(b *block) { fresh += b.len })
		result.grows = result.grows || fresh > 0
		result.repeats = result.repeats || fresh < sec.elements
	}
	for _, d := range in.deletions {
		c := s.find(d.client)
		if c == nil {
			result.deletes = true
			continue
		}
		for _, x := range d.spans {
			some, all := c.undeletedOf(x)
			result.deletes = result.deletes || some
			result.repeats = result.repeats || !all
		}
	}
	return result
}

// onlyNew encodes what s does not hold of an update.
func (s *Store) onlyNew(in *contents) []byte {
	news := New()
	for i := range in.sections {
		sec := &in.sections[i]
		c, to := s.find(sec.client), news.client(sec.client)
		if c == nil {
			to.hold(0, sec)
			continue
		}
		eachNew(sectionSource(sec), c.blocks.end, c.pendingAround(sec), func(b *block) { to.pending = extend(to.pending, b) })
	}
	for _, d := range in.deletions {
		c, to := s.find(d.client), news.client(d.client)
		for _, x := range d.read() {
			c.undeleted(x, func(part clocks.Span) { to.dead = to.dead.Add(part) })
		}
	}
	return news.Encode(V1)
}
