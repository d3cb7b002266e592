package group

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/store"
)

// Request is a change that waits to be written.
type Request interface {
	comparable

	// Room returns the name of the room that it changes.
	Room() string
	// Size returns about how many bytes it takes in memory.
	Size() int
	// Awaited reports whether a call waits until it is written.
	Awaited() bool
	// Own copies the data that the caller of Put lends. It is called once the request fits
	// into the queue.
	Own()
}

// largeRequest is the size from which on a request is large. Large and small requests
// are written in different batches by turns, and have one half of the queue each: a
// keystroke waits for one batch of pastes at most, however many there are.
const largeRequest = 64 << 10

// Queue holds the requests that wait to be written, bounded in bytes. The requests of
// one room are in one batch at a time, in the order in which they were put, so batches
// that are written at the same time have no room in common.
type Queue[R Request] struct {
	limit int           // of each lane
	delay time.Duration // see NewQueue

	mu           sync.Mutex
	filled       sync.Cond // signalled when Take may continue
	queued       int       // number of requests that can be taken, now or later
	rooms        map[string]*place[R]
	small, large lane[R]
	last         *lane[R] // from which the last batch was taken
	awaited      int      // number of queued requests that are awaited, and of queued calls of Hold
	timed        bool     // a timer of delay runs
	due          bool     // a timer has ended, and there has been something to take ever since
	closed       bool
}

// lane holds what waits among the small or the large requests.
type lane[R Request] struct {
	used    int          // bytes of what is queued and of what is being written
	ready   []*place[R]  // places whose first item is such a request, which can be taken
	waiting []*waiter[R] // requests that don't fit yet, in order of arrival
}

// place holds what waits for one room.
type place[R Request] struct {
	room  string
	items []item[R]
	taken bool // the room is in a batch, or held
}

// item is a request, or a call of Hold if granted isn't nil.
type item[R Request] struct {
	request R
	granted chan struct{} // closed once the call holds the room
}

// waiter is a request that doesn't fit into the queue yet.
type waiter[R Request] struct {
	size    int
	ready   chan struct{} // closed once the request fits, or is refused
	refused bool
}

// CommitDelay is the delay of NewQueue for a store whose rooms no other process takes over:
// another process would not find what waits in the queue.
const CommitDelay = 100 * time.Millisecond

// NewQueue returns a queue whose requests take at most limit bytes, including those that
// are being written. A request that isn't awaited stays in the queue for delay at most, so that
// more of them share a commit.
func NewQueue[R Request](limit int, delay time.Duration) *Queue[R] {
	q := &Queue[R]{limit: limit / 2, delay: delay, rooms: map[string]*place[R]{}}
	q.filled.L = &q.mu
	return q
}

// lane returns where r waits.
func (q *Queue[R]) lane(r R) *lane[R] {
	if r.Size() >= largeRequest {
		return &q.large
	}
	return &q.small
}

// Put queues r once it fits. A request that is larger than the limit fits when no other
// of its lane is queued.
func (q *Queue[R]) Put(ctx context.Context, r R) error {
	if err := q.enter(ctx, q.lane(r), r.Size()); err != nil {
		return err
	}
	r.Own()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return store.ErrClosed
	}
	q.add(r)
	return nil
}

// enter waits until size bytes fit into the lane, and counts them as used.
func (q *Queue[R]) enter(ctx context.Context, l *lane[R], size int) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return store.ErrClosed
	}
	if len(l.waiting) == 0 && q.fits(l, size) {
		l.used += size
		q.mu.Unlock()
		return nil
	}
	w := &waiter[R]{size: size, ready: make(chan struct{})}
	if l.waiting = append(l.waiting, w); len(l.waiting) == 1 {
		q.filled.Broadcast()
	}
	q.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if i := slices.Index(l.waiting, w); i >= 0 {
			l.waiting = slices.Delete(l.waiting, i, i+1)
			q.admit(l)
			return ctx.Err()
		}
	}
	if w.refused {
		return store.ErrClosed
	}
	return nil
}

// fits reports whether size bytes fit into the lane. q.mu is held.
func (q *Queue[R]) fits(l *lane[R], size int) bool { return l.used == 0 || l.used+size <= q.limit }

// add queues r, whose bytes are counted. q.mu is held.
func (q *Queue[R]) add(r R) {
	q.queued++
	if r.Awaited() {
		q.await()
	}
	p := q.rooms[r.Room()]
	if p == nil {
		p = &place[R]{room: r.Room()}
		q.rooms[p.room] = p
	}
	p.items = append(p.items, item[R]{request: r})
	if !p.taken && len(p.items) == 1 {
		q.offer(p)
	}
}

// await counts an awaited request or a call of Hold. q.mu is held.
func (q *Queue[R]) await() {
	if q.awaited++; q.awaited == 1 && q.delay > 0 {
		q.filled.Broadcast() // what isn't awaited can be taken, too
	}
}

// offer lets Take take the first requests of a place. q.mu is held.
func (q *Queue[R]) offer(p *place[R]) {
	l := q.lane(p.items[0].request)
	l.ready = append(l.ready, p)
	q.filled.Signal()
	if q.delay > 0 && !q.timed && !p.items[0].request.Awaited() {
		q.timed = true
		time.AfterFunc(q.delay, q.endDelay)
	}
}

// endDelay lets Take take what is in the queue, awaited or not.
func (q *Queue[R]) endDelay() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timed, q.due = false, q.choose() != nil
	q.filled.Broadcast()
}

// admit counts the bytes of the waiting requests that fit. q.mu is held.
func (q *Queue[R]) admit(l *lane[R]) {
	for len(l.waiting) > 0 && q.fits(l, l.waiting[0].size) {
		w := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.used += w.size
		close(w.ready)
	}
}

// ready reports whether a batch is to be taken now. q.mu is held.
func (q *Queue[R]) ready() bool {
	hurry := q.delay == 0 || q.awaited > 0 || q.due || q.closed || len(q.small.waiting)+len(q.large.waiting) > 0
	return hurry && q.choose() != nil
}

// choose returns the lane from which the next batch is taken, or nil if no request can be
// taken. q.mu is held.
func (q *Queue[R]) choose() *lane[R] {
	switch {
	case len(q.small.ready) == 0 && len(q.large.ready) == 0:
		return nil
	case len(q.small.ready) == 0, q.last == &q.small && len(q.large.ready) > 0:
		return &q.large
	}
	return &q.small
}

// Take waits until requests can be taken, and takes as many of one lane as it can, but at
// least one: at most count requests of at most this many bytes. Requests of one room
// follow each other in the batch. Take returns nil once the queue is closed and empty. The
// caller must Release the batch.
//
// While nothing in the queue is awaited, Take waits for more, up to the delay of NewQueue, unless
// the queue is full or closed.
//
// Before it takes requests, Take lets other goroutines run that are ready to run, because
// they may put more. After a batch of many rooms, for example, the calls of all of them
// return at once, and most rooms have something to put again. Without this, the first would
// be written alone, and the others would wait for it.
func (q *Queue[R]) Take(count, bytes int) (batch []R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for yielded := false; !q.ready() || !yielded; {
		switch {
		case q.ready():
			q.mu.Unlock()
			runtime.Gosched()
			q.mu.Lock()
			yielded = true
		case q.closed && q.queued == 0:
			return nil
		default:
			q.filled.Wait()
			yielded = false
		}
	}
	l := q.choose()
	q.last = l
	emptied := 0
	for size := 0; emptied < len(l.ready); emptied++ {
		p := l.ready[emptied]
		n := 0
		for n < len(p.items) && p.items[n].granted == nil && q.lane(p.items[n].request) == l {
			r := p.items[n].request
			if size += r.Size(); len(batch) > 0 && (len(batch) == count || size > bytes) {
				break
			}
			batch = append(batch, r)
			if r.Awaited() {
				q.awaited--
			}
			n++
		}
		if n == 0 {
			break
		}
		p.items = slices.Delete(p.items, 0, n)
		p.taken = true
	}
	l.ready = slices.Delete(l.ready, 0, emptied)
	q.due = q.due && q.choose() != nil
	if q.queued -= len(batch); q.queued == 0 && q.closed {
		q.filled.Broadcast() // other calls of Take return nil
	}
	return batch
}

// Release ends the writing of a batch, or of a part of it that has all requests of its
// rooms.
func (q *Queue[R]) Release(batch []R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, r := range batch {
		q.lane(r).used -= r.Size()
		if i == 0 || batch[i-1].Room() != r.Room() {
			q.advance(q.rooms[r.Room()])
		}
	}
	q.admit(&q.small)
	q.admit(&q.large)
}

// advance lets the next item of a room have its turn. q.mu is held.
func (q *Queue[R]) advance(p *place[R]) {
	p.taken = false
	switch {
	case len(p.items) == 0:
		delete(q.rooms, p.room)
	case p.items[0].granted != nil:
		q.awaited--
		close(p.items[0].granted)
		p.items = slices.Delete(p.items, 0, 1)
		p.taken = true
	default:
		q.offer(p)
	}
}

// Hold waits until the requests of the room that were put before are written, and keeps
// later ones in the queue until release is called. So a call can change a room by a
// transaction of its own without making a batch wait for it.
func (q *Queue[R]) Hold(ctx context.Context, room string) (release func(), err error) {
	granted, err := q.reserve(room)
	if err != nil {
		return nil, err
	}
	select {
	case <-granted:
		return func() { q.drop(room) }, nil
	case <-ctx.Done():
		q.leave(room, granted)
		return nil, ctx.Err()
	}
}

// reserve queues a call of Hold. granted is closed once the call holds the room.
func (q *Queue[R]) reserve(room string) (granted chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, store.ErrClosed
	}
	granted = make(chan struct{})
	if p := q.rooms[room]; p != nil {
		p.items = append(p.items, item[R]{granted: granted})
		q.await()
	} else {
		q.rooms[room] = &place[R]{room: room, taken: true}
		close(granted)
	}
	return granted, nil
}

// leave ends a call of Hold whose context has ended. It may have been granted meanwhile.
func (q *Queue[R]) leave(room string, granted chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.rooms[room]
	if i := slices.IndexFunc(p.items, func(it item[R]) bool { return it.granted == granted }); i >= 0 {
		p.items = slices.Delete(p.items, i, i+1)
		q.awaited--
	} else {
		q.advance(p)
	}
}

// drop ends a call of Hold that was granted.
func (q *Queue[R]) drop(room string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.advance(q.rooms[room])
}

// FlushRoom waits until the requests of the room that were put before are written.
func (q *Queue[R]) FlushRoom(ctx context.Context, room string) error {
	release, err := q.Hold(ctx, room)
	if err == nil {
		release()
	}
	return err
}

// Flush waits until the requests that were put before are written. It reserves all rooms
// before it waits, so that their requests share commits. All calls wait for rooms in the same
// order, so that none of them waits for another that waits for it.
func (q *Queue[R]) Flush(ctx context.Context) error {
	q.mu.Lock()
	rooms := slices.Sorted(maps.Keys(q.rooms))
	q.mu.Unlock()
	reserved := make([]chan struct{}, 0, len(rooms))
	defer func() {
		for i, granted := range reserved {
			q.leave(rooms[i], granted)
		}
	}()
	for _, room := range rooms {
		granted, err := q.reserve(room)
		if err != nil {
			return err
		}
		reserved = append(reserved, granted)
	}
	for len(reserved) > 0 {
		select {
		case <-reserved[0]:
			q.drop(rooms[0])
			reserved, rooms = reserved[1:], rooms[1:]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close refuses the requests that are not queued yet. Queued requests can still be
// taken.
func (q *Queue[R]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, l := range []*lane[R]{&q.small, &q.large} {
		for _, w := range l.waiting {
			w.refused = true
			close(w.ready)
		}
		l.waiting = nil
	}
	q.filled.Broadcast()
}
