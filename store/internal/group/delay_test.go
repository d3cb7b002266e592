package group

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Requests for which no call waits are taken together, CommitDelay after the first of them, or
// earlier if something else is to be written.
func TestQueueDelay(t *testing.T) {
	unawaited := func(room string, size int) *request { return &request{room: room, size: size, unawaited: true} }
	for name, test := range map[string]struct {
		then  func(context.Context, *Queue[*request]) // called CommitDelay/4 after the first request was put
		after time.Duration                           // how long after Put the first request is taken
		batch int                                     // the number of requests in its batch
	}{
		"alone":               {func(context.Context, *Queue[*request]) {}, CommitDelay, 1},
		"another one":         {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("b", 1)) }, CommitDelay, 2},
		"one of the room":     {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("a", 1)) }, CommitDelay, 2},
		"an awaited one":      {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, &request{room: "b", size: 1}) }, CommitDelay / 4, 2},
		"awaited in the room": {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, &request{room: "a", size: 1}) }, CommitDelay / 4, 2},
		"a flush":             {func(ctx context.Context, q *Queue[*request]) { q.Flush(ctx) }, CommitDelay / 4, 1},
		"a full queue":        {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("b", 999)) }, CommitDelay / 4, 1},
		"the end":             {func(ctx context.Context, q *Queue[*request]) { q.Close() }, CommitDelay / 4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := NewQueue[*request](2000, CommitDelay)
				start := time.Now()
				first := unawaited("a", 10)
				if err := q.Put(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(CommitDelay / 4)
					test.then(t.Context(), q)
				}()
				batch := takeAll(q)
				if took := time.Since(start); took != test.after || len(batch) != test.batch || batch[0] != first {
					t.Errorf("%d requests were taken after %v, want %d after %v", len(batch), took, test.batch, test.after)
				}
				q.Release(batch)
				synctest.Wait()
				if rest := q.used(); rest > 0 {
					q.Release(takeAll(q))
				}
			})
		})
	}
}

// used returns how many bytes are in the queue.
func (q *Queue[R]) used() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.small.used + q.large.used
}

// A request for which no call waits isn't forgotten behind one of the other size that is taken
// first.
func TestQueueDelayOfBothLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](4*largeRequest, CommitDelay)
		for _, r := range []*request{{room: "a", size: largeRequest}, {room: "b", size: 1}, {room: "c", size: 2 * largeRequest, unawaited: true}, {room: "d", size: 1, unawaited: true}} {
			go q.Put(t.Context(), r)
			synctest.Wait()
		}
		taken := 0
		for start := time.Now(); taken < 4 && time.Since(start) <= 2*CommitDelay; {
			batch := takeAll(q)
			taken += len(batch)
			q.Release(batch)
			synctest.Wait()
		}
		if taken != 4 {
			t.Errorf("%d of 4 requests were taken", taken)
		}
	})
}

// Calls of Flush don't wait for each other, and make the requests of many rooms share batches.
func TestQueueFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rooms, calls = 200, 10
		q := NewQueue[*request](1<<20, CommitDelay)
		for i := range rooms {
			if err := q.Put(t.Context(), &request{room: fmt.Sprint(i), size: 1, unawaited: true}); err != nil {
				t.Fatal(err)
			}
		}
		batches := 0
		go func() {
			for batch := takeAll(q); batch != nil; batch = takeAll(q) {
				batches++
				time.Sleep(time.Millisecond)
				q.Release(batch)
			}
		}()
		start := time.Now()
		var flushing sync.WaitGroup
		for range calls {
			flushing.Go(func() {
				if err := q.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		flushing.Wait()
		if took := time.Since(start); took >= CommitDelay || batches > calls || q.used() > 0 {
			t.Errorf("%d calls of Flush took %v and %d batches for requests of %d rooms", calls, took, batches, rooms)
		}
		q.Close()
	})
}

// A call of Flush whose context ends leaves all rooms.
func TestQueueFlushEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](2000, CommitDelay)
		for _, room := range []string{"a", "b", "c"} {
			if err := q.Put(t.Context(), &request{room: room, size: 1}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush returned the error %v, want context.DeadlineExceeded", err)
		}
		if batch := takeAll(q); len(batch) != 3 {
			t.Errorf("%d requests were taken, want 3", len(batch))
		} else if q.Release(batch); len(q.rooms) > 0 || q.awaited > 0 {
			t.Errorf("%d rooms and %d awaited requests are left", len(q.rooms), q.awaited)
		}
	})
}
