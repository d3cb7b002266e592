package sqlitestore

import (
	"context"
	"slices"
	"sync"
)

// queue holds what waits for the writer, in order and bounded in bytes.
type queue struct {
	limit int

	mu      sync.Mutex
	filled  sync.Cond // what take waits for
	used    int       // bytes of what waits and of what is being written
	items   []*request
	outside []*applicant // who waits until there is room, first come first served
	closed  bool
}

// applicant is a request that does not fit in yet.
type applicant struct {
	request *request
	let     chan struct{} // closed once the request is in, or refused
	refused bool
}

func (q *queue) init(limit int) {
	q.limit = limit
	q.filled.L = &q.mu
}

// put adds r, as soon as there is room for it. A request that alone is larger
// than the limit has room once the queue is empty.
func (q *queue) put(ctx context.Context, r *request) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	if len(q.outside) == 0 && q.fits(r) {
		q.add(r)
		q.mu.Unlock()
		return nil
	}
	a := &applicant{request: r, let: make(chan struct{})}
	q.outside = append(q.outside, a)
	q.mu.Unlock()
	select {
	case <-a.let:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if i := slices.Index(q.outside, a); i >= 0 {
			q.outside = slices.Delete(q.outside, i, i+1)
			q.admit()
			return ctx.Err()
		}
	}
	if a.refused {
		return errClosed
	}
	return nil
}

// fits says whether there is room for r. q.mu is held.
func (q *queue) fits(r *request) bool { return q.used == 0 || q.used+r.size() <= q.limit }

// add takes r in. q.mu is held.
func (q *queue) add(r *request) {
	q.used += r.size()
	q.items = append(q.items, r)
	q.filled.Signal()
}

// admit lets in all that there is room for. q.mu is held.
func (q *queue) admit() {
	for len(q.outside) > 0 && q.fits(q.outside[0].request) {
		a := q.outside[0]
		q.outside = slices.Delete(q.outside, 0, 1)
		q.add(a.request)
		close(a.let)
	}
}

// take waits for requests and gives all that there are, nil once the queue is
// closed and empty.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		if q.closed {
			return nil
		}
		q.filled.Wait()
	}
	batch := q.items
	q.items = nil
	return batch
}

// release makes room for as much as the batch took.
func (q *queue) release(batch []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range batch {
		q.used -= r.size()
	}
	q.admit()
}

// close refuses what is not in yet. What is in can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, a := range q.outside {
		a.refused = true
		close(a.let)
	}
	q.outside = nil
	q.filled.Signal()
}
