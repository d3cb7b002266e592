package blocks

import (
	"fmt"

	"github.com/yroom/yroom/internal/clocks"
)

// Merge returns one update with the content of several. What they depend on may be
// missing. The error is ErrMalformed, ErrEncoding, or ErrLimit if enc is V2. The
// updates are borrowed; the caller owns the result.
func Merge(enc Encoding, updates ...[]byte) ([]byte, error) {
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	s := New()
	for i, update := range updates {
		if err := s.parsed.readAs(update, enc); err != nil {
			return nil, fmt.Errorf("update %d of %d: %w", i+1, len(updates), err)
		}
		s.holdPending(&s.parsed)
	}
	return fromV1(s.encode(), enc), nil
}

// holdPending adds an update to the pending blocks and deletions. It integrates
// nothing.
func (s *Store) holdPending(in *parsedUpdate) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.client(sec.client)
		if len(c.pending) > 0 {
			c.collectAll(sec)
		}
		c.addPending(sec)
	}
	s.delete(in.deletions)
}

// collectAll replaces pending elements by the GC blocks of a section. A GC block
// replaces an element that no client can have written: see plan.build.
func (c *client) collectAll(sec *section) {
	var spans []clocks.Span
	src := iterSection(sec)
	for b := src.next(); b != nil; b = src.next() {
		if b.kind == kindGC {
			spans = append(spans, clocks.Span{From: b.clock, To: b.end()})
		}
	}
	c.collectPending(spans)
}
