package blocks

import (
	"errors"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Contains reports whether the document holds everything in update, so that Apply
// would return nil. The errors are those of Apply, other than ErrLimit for the clients: a
// document can't hold more than it has. update is borrowed.
func (s *Store) Contains(update []byte, enc Encoding) (bool, error) {
	update, err := s.toV1(update, enc)
	if err != nil {
		return false, err
	}
	in := &s.parsed
	defer in.reset()
	err = s.readForeign(update)
	if isUntidy(err) {
		clear(in.sections)
		if update, err = tidied(update, s, nil, nil); err == nil {
			err = s.readForeign(update)
		}
	}
	if errors.Is(err, errClients) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	c := s.compare(in)
	return !c.grows && !c.deletes, nil
}

// readForeign reads and checks an update in V1 that is not to be applied.
func (s *Store) readForeign(update []byte) error {
	r := lib0.NewReader(update)
	s.parsed.bound(s, &s.options)
	return s.parsed.readAll(&r, nil)
}

// comparison is what an update would change in a document.
type comparison struct {
	grows   bool // it has elements that are new
	deletes bool // it has deletions that are new
	repeats bool // it has elements or deletions that are known
}

func (s *Store) compare(in *parsedUpdate) (result comparison) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c == nil || len(c.pending) == 0 && sec.clock >= c.blocks.end {
			result.grows = true
			continue
		}
		if len(c.pending) == 0 && sec.end <= c.blocks.end && !c.holes() {
			result.repeats = true
			continue
		}
		fresh := c.unknownOf(sec)
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
			some, all := c.undeletedIn(x)
			result.deletes = result.deletes || some
			result.repeats = result.repeats || !all
		}
	}
	return result
}

// onlyNew encodes the part of an update that s does not hold.
func (s *Store) onlyNew(in *parsedUpdate) []byte {
	news := New()
	for i := range in.sections {
		sec := &in.sections[i]
		c, to := s.find(sec.client), news.client(sec.client)
		q := c.piecesOf(sec)
		for b := q.next(); b != nil; b = q.next() {
			to.pending = appendToRuns(to.pending, b)
		}
	}
	s.addNewDeletions(news, in)
	return news.Encode(V1)
}

// addNewDeletions adds the deletions of an update that s does not hold to news.
func (s *Store) addNewDeletions(news *Store, in *parsedUpdate) {
	for _, d := range in.deletions {
		c, to := s.find(d.client), news.client(d.client)
		for _, x := range d.read() {
			c.eachUndeleted(x, func(part clocks.Span) { to.pendingDeletions = to.pendingDeletions.Add(part) })
		}
	}
}
