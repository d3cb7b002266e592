package group

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Requests for which no call waits are written together, a moment after the first of them, or
// before if something else is to be written.
func TestQueuePatience(t *testing.T) {
	unawaited := func(room string, size int) *request { return &request{room: room, size: size, unawaited: true} }
	for name, test := range map[string]struct {
		then  func(context.Context, *Queue[*request]) // a quarter of patience after the first request
		after time.Duration                           // the first request is written so long after it was put
		batch int                                     // with so many others
	}{
		"alone":               {func(context.Context, *Queue[*request]) {}, patience, 1},
		"another one":         {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("b", 1)) }, patience, 2},
		"one of the room":     {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("a", 1)) }, patience, 2},
		"an awaited one":      {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, &request{room: "b", size: 1}) }, patience / 4, 2},
		"awaited in the room": {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, &request{room: "a", size: 1}) }, patience / 4, 2},
		"a flush":             {func(ctx context.Context, q *Queue[*request]) { q.Flush(ctx) }, patience / 4, 1},
		"a full queue":        {func(ctx context.Context, q *Queue[*request]) { q.Put(ctx, unawaited("b", 999)) }, patience / 4, 1},
		"the end":             {func(ctx context.Context, q *Queue[*request]) { q.Close() }, patience / 4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := NewQueue[*request](2000)
				start := time.Now()
				first := unawaited("a", 10)
				if err := q.Put(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(patience / 4)
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
func TestQueuePatienceOfBothLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](4 * largeRequest)
		for _, r := range []*request{{room: "a", size: largeRequest}, {room: "b", size: 1}, {room: "c", size: 2 * largeRequest, unawaited: true}, {room: "d", size: 1, unawaited: true}} {
			go q.Put(t.Context(), r)
			synctest.Wait()
		}
		taken := 0
		for start := time.Now(); taken < 4 && time.Since(start) <= 2*patience; {
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
