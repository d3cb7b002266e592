package sqlitestore

import (
	"context"
	"slices"
	"sync"
)

// groupQueue holds the requests that wait for the writer, in order and bounded in
// bytes.
type groupQueue struct {
	limit int

	mu      sync.Mutex
	filled  sync.Cond // signalled when take may continue
	used    int       // bytes of what is queued and of what is being written
	items   []*request
	waiting []*waiter // requests that don't fit yet, in order of arrival
	closed  bool
}

// waiter is a request that doesn't fit into the queue yet.
type waiter struct {
	request *request
	ready   chan struct{} // closed once the request is queued, or refused
	refused bool
}

func (q *groupQueue) init(limit int) {
	q.limit = limit
	q.filled.L = &q.mu
}

// put queues r once it fits. A request that is larger than the limit fits when the
// queue is empty.
func (q *groupQueue) put(ctx context.Context, r *request) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	if len(q.waiting) == 0 && q.fits(r) {
		q.add(r)
		q.mu.Unlock()
		return nil
	}
	w := &waiter{request: r, ready: make(chan struct{})}
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if i := slices.Index(q.waiting, w); i >= 0 {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			q.admit()
			return ctx.Err()
		}
	}
	if w.refused {
		return errClosed
	}
	return nil
}

// fits reports whether r fits into the queue. q.mu is held.
func (q *groupQueue) fits(r *request) bool { return q.used == 0 || q.used+r.size() <= q.limit }

// add queues r. q.mu is held.
func (q *groupQueue) add(r *request) {
	q.used += r.size()
	q.items = append(q.items, r)
	q.filled.Signal()
}

// admit queues the waiting requests that fit. q.mu is held.
func (q *groupQueue) admit() {
	for len(q.waiting) > 0 && q.fits(q.waiting[0].request) {
		w := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.add(w.request)
		close(w.ready)
	}
}

// take waits until requests are queued and removes them all. It returns nil once
// the queue is closed and empty. Their bytes count until release.
func (q *groupQueue) take() []*request {
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

// release returns the bytes of a batch that was taken.
func (q *groupQueue) release(batch []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range batch {
		q.used -= r.size()
	}
	q.admit()
}

// close refuses the requests that are not queued yet. Queued requests can still be
// taken.
func (q *groupQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, w := range q.waiting {
		w.refused = true
		close(w.ready)
	}
	q.waiting = nil
	q.filled.Signal()
}
