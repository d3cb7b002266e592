package blocks

import "fmt"

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
		s.client(sec.client).addPending(0, sec)
	}
	s.delete(in.deletions)
}
