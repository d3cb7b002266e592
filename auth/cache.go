package auth

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	keepAnswer = 10 * time.Second // how long an answer is used at most
	maxKept    = 10_000           // answers
)

// cache keeps answers for a while. While a question is being asked, all callers with the
// same question wait for its answer.
type cache struct {
	keep    time.Duration // how long an answer is used
	mu      sync.Mutex
	entries map[[sha256.Size]byte]*entry
	order   [][sha256.Size]byte // of the entries, by age
}

// entry is an answer, or waits for one.
type entry struct {
	done   chan struct{} // closed when the fields below are set
	answer answer
	err    error
	at     time.Time
}

func newCache(keep time.Duration) *cache {
	return &cache{keep: keep, entries: make(map[[sha256.Size]byte]*entry)}
}

// get returns the answer to the question id, for which ask asks. An error of ask is not
// kept, and clients are told to try again.
func (c *cache) get(ctx context.Context, id [sha256.Size]byte, ask func() (answer, error)) (answer, error) {
	e := c.enter(id, ask)
	select {
	case <-e.done:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	if e.err != nil {
		return answer{}, unavailable("The server can't find out whether you may open this room. Try again.", e.err)
	}
	return e.answer, nil
}

// enter returns the entry of a question, and asks if there is none that can be used.
func (c *cache) enter(id [sha256.Size]byte, ask func() (answer, error)) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trim()
	if e := c.entries[id]; e != nil {
		return e
	}
	e := &entry{done: make(chan struct{})}
	c.entries[id] = e
	go func() {
		a, err := ask()
		c.mu.Lock()
		defer c.mu.Unlock()
		e.answer, e.err, e.at = a, err, time.Now()
		if err == nil {
			c.order = append(c.order, id)
		} else {
			delete(c.entries, id)
		}
		close(e.done)
	}()
	return e
}

// trim removes the entries that are too old, and the oldest of too many. The lock must be
// held.
func (c *cache) trim() {
	n := 0
	for n < len(c.order) && (time.Since(c.entries[c.order[n]].at) >= c.keep || len(c.order)-n > maxKept) {
		delete(c.entries, c.order[n])
		n++
	}
	c.order = c.order[n:]
}
