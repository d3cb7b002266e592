package consumer

import (
	"runtime"
	"sync"

	"github.com/yroom/yroom/internal/pool"
)

// writeQueue holds the sockets that have something to write. A few goroutines write to one of
// them after the other what the system takes at once. For a broadcast, a goroutine for each
// connection would cost half as much as the writes.
type writeQueue struct {
	pool *pool.Pool
	most int    // how many goroutines write at most
	work func() // q.writeAll, made once

	mu          sync.Mutex
	first, last *socket // linked by socket.after
	working     int     // how many goroutines write
}

func newWriteQueue(p *pool.Pool) *writeQueue {
	q := &writeQueue{pool: p, most: runtime.GOMAXPROCS(0)}
	q.work = q.writeAll
	return q
}

// add queues a socket, which isn't queued yet. It doesn't block.
func (q *writeQueue) add(s *socket) {
	q.mu.Lock()
	if q.last == nil {
		q.first = s
	} else {
		q.last.after = s
	}
	q.last = s
	begin := q.working < q.most
	if begin {
		q.working++
	}
	q.mu.Unlock()
	if begin {
		q.pool.Run(q.work)
	}
}

// take removes the first socket. It returns nil if there is none, and the goroutine that has
// called it ends then.
func (q *writeQueue) take() *socket {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.first
	if s == nil {
		q.working--
		return nil
	}
	if q.first, s.after = s.after, nil; q.first == nil {
		q.last = nil
	}
	return s
}

// writeAll writes to the sockets of the queue until it is empty.
func (q *writeQueue) writeAll() {
	a := attempts.Get().(*attempt)
	defer attempts.Put(a)
	spent := 0
	for s := q.take(); s != nil; s = q.take() {
		s.tryWriter(a)
		if spent += frameCost + len(a.data); spent >= turnSize {
			spent = 0
			runtime.Gosched() // as in socket.spend
		}
	}
}
