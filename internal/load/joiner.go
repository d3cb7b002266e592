package load

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// quiet is the part of a person who has written nothing, and whom the others don't see.
type quiet struct {
	clock func() time.Duration
	in    atomic.Int64 // when the person was synced; 0: not yet
}

// isIn returns 1 once the person is synced.
func (q *quiet) isIn() int64 { return min(q.in.Load(), 1) }

// stateVector implements person.
func (q *quiet) stateVector() []byte { return []byte{0} }

// lacked implements person.
func (q *quiet) lacked([]byte) ([]byte, error) { return []byte{0, 0}, nil }

// presence implements person.
func (q *quiet) presence([]byte, time.Duration) error { return nil }

// state implements person.
func (q *quiet) state() []byte { return nil }

// synced implements person.
func (q *quiet) synced() { q.in.Store(int64(q.clock())) }

// joiner is a person who receives a document, of which it keeps a hash, and all if it is
// to keep it.
type joiner struct {
	quiet

	keeps bool
	hash  maphash.Hash
	whole []byte   // of the update that arrives in parts
	kept  [][]byte // updates
}

func newJoiner(c *crowd) *joiner { return &joiner{quiet: quiet{clock: c.now}} }

// keeping returns a joiner that keeps all.
func keeping(c *crowd) *joiner {
	j := newJoiner(c)
	j.keeps = true
	return j
}

// update implements person.
func (j *joiner) update(update []byte, _ time.Duration) error {
	j.takePart(update, 0)
	return nil
}

// takePart implements partTaker.
func (j *joiner) takePart(part []byte, rest int64) {
	_, _ = j.hash.Write(part) // never fails
	if j.keeps {
		j.whole = append(j.whole, part...)
		if rest == 0 {
			j.kept, j.whole = append(j.kept, j.whole), nil
		}
	}
}
