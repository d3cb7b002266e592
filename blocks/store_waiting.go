package blocks

import (
	"fmt"
	"iter"
)

// Waiting describes consecutive pending elements of a client: from clock From on, up to
// To, which is not included.
type Waiting struct {
	Client, From, To uint64
	For              ID // an element for which they wait: it is pending, too, or the document lacks it
}

// String describes which elements wait for which.
func (w Waiting) String() string {
	what := fmt.Sprintf("element %d of client %d waits", w.From, w.Client)
	if w.To-w.From > 1 {
		what = fmt.Sprintf("elements %d to %d of client %d wait", w.From, w.To-1, w.Client)
	}
	return fmt.Sprintf("%s for element %d of client %d", what, w.For.Clock, w.For.Client)
}

// Waiting returns which pending elements wait for which. The document must not change
// during the iteration.
func (s *Store) Waiting() iter.Seq[Waiting] {
	return func(yield func(Waiting) bool) {
		for _, c := range s.inOrder() {
			for _, r := range c.pending {
				if !yield(Waiting{Client: c.id, From: r.start(), To: r.end, For: s.waitsFor(c, r)}) {
					return
				}
			}
		}
	}
}

// waitsFor returns an element for which a pending run of c waits.
func (s *Store) waitsFor(c *client, r *run) ID {
	held := iterRuns(c.id, []*run{r}, r.start())
	needs, _ := s.missing(c, held.next())
	return ID{Client: needs.client, Clock: needs.clock}
}
