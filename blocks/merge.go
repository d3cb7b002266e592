package blocks

import "fmt"

// Merge joins updates to one that says the same. Nothing has to be there that
// they depend on. The error is ErrMalformed or ErrEncoding. The updates are
// borrowed; the caller owns the result.
func Merge(enc Encoding, updates ...[]byte) ([]byte, error) {
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	s := New()
	for i, update := range updates {
		sections, deletions, err := readSections(update, nil)
		if err != nil {
			return nil, fmt.Errorf("update %d of %d: %w", i+1, len(updates), err)
		}
		s.hold(sections, deletions)
	}
	return s.encode(), nil
}

// hold takes blocks and deletions into the store as they are, without asking
// whether they are ready.
func (s *Store) hold(sections []section, deletions []byte) {
	for i := range sections {
		s.client(sections[i].client).hold(0, &sections[i])
	}
	s.delete(deletions)
}
