package blocks

import "fmt"

// Merge joins updates to one that says the same. Nothing has to be there that
// they depend on. The error is ErrMalformed, ErrEncoding, or in V2 ErrLimit.
// The updates are borrowed; the caller owns the result.
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

// hold takes an update into the store as it is, without asking what is ready.
func (s *Store) holdPending(in *parsedUpdate) {
	for i := range in.sections {
		sec := &in.sections[i]
		s.client(sec.client).addPending(0, sec)
	}
	s.delete(in.deletions)
}
