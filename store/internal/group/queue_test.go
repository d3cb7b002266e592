package group

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/yroom/yroom/store"
)

type request struct {
	room      string
	size      int
	number    int
	owned     bool
	unawaited bool
}

func (r *request) Room() string  { return r.room }
func (r *request) Size() int     { return r.size }
func (r *request) Awaited() bool { return !r.unawaited }
func (r *request) Own()          { r.owned = true }

func sized(n int) *request { return &request{room: fmt.Sprint(n), size: n} }

func takeAll(q *Queue[*request]) []*request { return q.Take(math.MaxInt, math.MaxInt) }

// A large request is not delayed by small ones that arrive after it.
func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](20_000, 0)
		put := func(r *request) chan error {
			done := make(chan error, 1)
			go func() { done <- q.Put(t.Context(), r) }()
			synctest.Wait()
			return done
		}
		if err := <-put(sized(100)); err != nil {
			t.Fatal(err)
		}
		large, small := put(sized(9_950)), put(sized(200))
		if len(large)+len(small) != 0 {
			t.Fatal("a request was queued that doesn't fit, or before its turn")
		}
		q.Release(takeAll(q))
		if err := <-large; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(small) != 0 {
			t.Error("the small request was queued too")
		}
		q.Release(takeAll(q))
		if err := <-small; err != nil {
			t.Error(err)
		}
	})
}

// Small requests wait for one batch of large ones at most, and large ones for one of small
// ones. Data is not copied before there is memory for the copy.
func TestQueueLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](4*largeRequest, 0)
		put := func(room string, size int) *request {
			r := &request{room: room, size: size}
			go func() {
				if err := q.Put(t.Context(), r); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
			return r
		}
		paste1, paste2, paste3 := put("a", largeRequest), put("b", 3*largeRequest), put("c", largeRequest)
		if !paste1.owned || paste2.owned || paste3.owned {
			t.Error("a request owns its data, but not exactly once it is queued")
		}
		key1 := put("d", 10)
		key2 := put("a", 10) // after the paste in its room
		take := func(want ...*request) {
			t.Helper()
			batch := q.Take(math.MaxInt, math.MaxInt)
			if !slices.Equal(batch, want) {
				t.Errorf("the batch is %v, want %v", batch, want)
			}
			q.Release(batch)
			synctest.Wait()
		}
		take(key1)
		key3 := put("d", 10)
		take(paste1)
		take(key3, key2)
		put("e", 10)
		take(paste2)
		q.Release(q.Take(1, 1))
		put("e", 10)
		take(paste3)
	})
}

// A request whose context ends doesn't delay others.
func TestQueueContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](20_000, 0)
		if err := q.Put(t.Context(), sized(1000)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left, small := make(chan error, 1), make(chan error, 1)
		go func() { left <- q.Put(ctx, sized(9_500)) }()
		synctest.Wait()
		go func() { small <- q.Put(t.Context(), sized(100)) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("Put returned the error %v, want context.Canceled", err)
		}
		if err := <-small; err != nil {
			t.Error(err)
		}
		if n := len(takeAll(q)); n != 2 {
			t.Errorf("the queue holds %d requests, want 2", n)
		}
	})
}

func TestQueueClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](2000, 0)
		if err := q.Put(t.Context(), sized(1)); err != nil {
			t.Fatal(err)
		}
		outside := make(chan error, 1)
		go func() { outside <- q.Put(t.Context(), sized(1000)) }()
		synctest.Wait()
		q.Close()
		_, held := q.Hold(t.Context(), "room")
		for _, err := range []error{<-outside, q.Put(t.Context(), sized(1)), held} {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("the error is %v, want ErrClosed", err)
			}
		}
		if n := len(takeAll(q)); n != 1 {
			t.Errorf("the closed queue returned %d requests, want the one that was queued", n)
		}
		if takeAll(q) != nil {
			t.Error("the closed queue returned a request twice")
		}
	})
}

// A second call of Take waits for requests whose room is in the batch of the first, also
// when the queue is closed.
func TestQueueClosedWithBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue[*request](2000, 0)
		put := func() {
			if err := q.Put(t.Context(), &request{room: "a", size: 1}); err != nil {
				t.Fatal(err)
			}
		}
		put()
		first := takeAll(q)
		put()
		second, third := make(chan []*request, 1), make(chan []*request, 1)
		go func() { second <- takeAll(q) }()
		synctest.Wait()
		go func() { third <- takeAll(q) }()
		q.Close()
		synctest.Wait()
		if len(second)+len(third) != 0 {
			t.Fatal("a room is in two batches, or its last request was lost")
		}
		q.Release(first)
		if a, b := <-second, <-third; len(a)+len(b) != 1 {
			t.Errorf("Take returned %v and %v, want the last request once", a, b)
		}
	})
}

// A batch is bounded, but holds at least one request.
func TestQueueBatchLimits(t *testing.T) {
	q := NewQueue[*request](1_000_000, 0)
	for i, size := range []int{500, 10, 10, 10, 10} {
		if err := q.Put(t.Context(), &request{room: fmt.Sprint(i / 2), size: size}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{1, 2, 1} { // the second request waits for the release of its room's first batch
		if batch := q.Take(2, 100); len(batch) != want {
			t.Fatalf("batch %d has %d requests, want %d", i, len(batch), want)
		}
	}
}

// Requests of goroutines that are ready to run are in one batch.
func TestQueueGathers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds, rooms = 50, 8
	q := NewQueue[*request](1_000_000, 0)
	batches := 0
	for range rounds {
		var putting sync.WaitGroup
		taken := make(chan struct{})
		go func() {
			for left := rooms; left > 0; batches++ {
				batch := takeAll(q)
				left -= len(batch)
				q.Release(batch)
			}
			close(taken)
		}()
		runtime.Gosched() // now the other goroutine waits in Take
		for room := range rooms {
			putting.Go(func() {
				if err := q.Put(t.Context(), &request{room: fmt.Sprint(room), size: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		putting.Wait()
		<-taken
	}
	if batches > 2*rounds {
		t.Errorf("%d times %d requests were taken in %d batches, want about one batch each time", rounds, rooms, batches)
	}
}

// model checks what a queue does against what was put into it.
type model struct {
	q       *Queue[*request]
	put     int
	pending map[string][]*request // by room, in order, until they are released
	batches [][]*request
	held    map[string]bool
	waiting []*hold
}

// hold is a call of Hold.
type hold struct {
	room    string
	after   []*request // the requests that must be written before
	granted chan struct{}
}

func (m *model) take(t *rapid.T, count, size int) {
	m.q.mu.Lock()
	ready := m.q.ready()
	m.q.mu.Unlock()
	if !ready {
		m.q.endDelay()
	}
	batch := m.q.Take(count, size)
	total := 0
	for i, r := range batch {
		total += r.size
		if (r.size >= largeRequest) != (batch[0].size >= largeRequest) {
			t.Fatal("a batch has large and small requests")
		}
		if m.held[r.room] {
			t.Fatalf("room %s is held, and in a batch", r.room)
		}
		for _, other := range m.batches {
			if slices.ContainsFunc(other, func(o *request) bool { return o.room == r.room }) {
				t.Fatalf("room %s is in two batches", r.room)
			}
		}
		n := 0 // the number of requests of the same room before r
		for _, before := range batch[:i] {
			if before.room == r.room {
				n++
			}
		}
		if n > 0 && batch[i-1].room != r.room {
			t.Fatalf("the requests of room %s don't follow each other", r.room)
		}
		if m.pending[r.room][n] != r {
			t.Fatalf("request %d is out of order", r.number)
		}
	}
	if len(batch) == 0 || len(batch) > count || total > size && len(batch) > 1 {
		t.Fatalf("the batch has %d requests and %d bytes, want at most %d and %d", len(batch), total, count, size)
	}
	m.batches = append(m.batches, batch)
}

func (m *model) release(i int) {
	batch := m.batches[i]
	m.batches = slices.Delete(m.batches, i, i+1)
	for _, r := range batch {
		m.pending[r.room] = m.pending[r.room][1:]
	}
	m.q.Release(batch)
}

// grant checks the calls of Hold that were granted.
func (m *model) grant(t *rapid.T) {
	m.waiting = slices.DeleteFunc(m.waiting, func(h *hold) bool {
		select {
		case <-h.granted:
		default:
			return false
		}
		if m.held[h.room] {
			t.Fatalf("room %s is held twice", h.room)
		}
		for _, r := range h.after {
			if slices.Contains(m.pending[r.room], r) {
				t.Fatalf("room %s is held before request %d is written", h.room, r.number)
			}
		}
		m.held[h.room] = true
		return true
	})
}

func (m *model) drop(room string) {
	delete(m.held, room)
	m.q.drop(room)
}

// step makes one random call.
func (m *model) step(t *rapid.T) {
	rooms := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	switch rapid.SampledFrom([]string{"put", "put", "put", "take", "release", "hold", "drop", "leave"}).Draw(t, "step") {
	case "put":
		m.put++
		r := &request{room: rooms.Draw(t, "room"), size: rapid.IntRange(0, 30).Draw(t, "size"), number: m.put, unawaited: rapid.Bool().Draw(t, "unawaited")}
		if rapid.IntRange(0, 3).Draw(t, "large") == 0 {
			r.size += largeRequest
		}
		m.pending[r.room] = append(m.pending[r.room], r)
		if err := m.q.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	case "take":
		if m.q.choose() != nil { // otherwise Take would wait
			m.take(t, rapid.IntRange(1, 5).Draw(t, "count"), rapid.IntRange(1, 80).Draw(t, "bytes"))
		}
	case "release":
		if len(m.batches) > 0 {
			m.release(rapid.IntRange(0, len(m.batches)-1).Draw(t, "batch"))
		}
	case "hold":
		room := rooms.Draw(t, "held room")
		granted, err := m.q.reserve(room)
		if err != nil {
			t.Fatal(err)
		}
		m.waiting = append(m.waiting, &hold{room, slices.Clone(m.pending[room]), granted})
	case "drop":
		if room := rooms.Draw(t, "dropped room"); m.held[room] {
			m.drop(room)
		}
	case "leave":
		if len(m.waiting) > 0 {
			i := rapid.IntRange(0, len(m.waiting)-1).Draw(t, "call")
			m.q.leave(m.waiting[i].room, m.waiting[i].granted)
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
}

func TestQueueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{q: NewQueue[*request](math.MaxInt, time.Hour), pending: map[string][]*request{}, held: map[string]bool{}}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			m.step(t)
			m.grant(t)
		}
		for left := true; left; m.grant(t) { // everything ends
			left = len(m.held)+len(m.batches) > 0 || m.q.choose() != nil
			for room := range m.held {
				m.drop(room)
			}
			for len(m.batches) > 0 {
				m.release(0)
			}
			if m.q.choose() != nil {
				m.take(t, 2, 50)
			}
		}
		for room, pending := range m.pending {
			if len(pending) > 0 {
				t.Errorf("%d requests of room %s were never taken", len(pending), room)
			}
		}
		if len(m.waiting) > 0 {
			t.Errorf("%d calls of Hold were not granted", len(m.waiting))
		}
		if used := m.q.used(); used != 0 || m.q.queued != 0 || m.q.awaited != 0 || len(m.q.rooms) != 0 {
			t.Errorf("the empty queue has %d bytes, %d requests, %d awaited, and %d rooms", used, m.q.queued, m.q.awaited, len(m.q.rooms))
		}
	})
}
