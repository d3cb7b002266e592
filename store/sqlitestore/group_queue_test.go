package sqlitestore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/store"
)

func sized(n int) *request { return &request{entry: store.Entry{Data: make([]byte, n)}} }

// A large request is not delayed by small ones that arrive after it.
func TestQueueOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q groupQueue
		q.init(10_000)
		put := func(r *request) chan error {
			done := make(chan error, 1)
			go func() { done <- q.put(t.Context(), r) }()
			synctest.Wait()
			return done
		}
		if err := <-put(sized(100)); err != nil {
			t.Fatal(err)
		}
		large, small := put(sized(9_500)), put(sized(100))
		if len(large)+len(small) != 0 {
			t.Fatal("a request was queued that doesn't fit, or before its turn")
		}
		q.release(q.take())
		if err := <-large; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(small) != 0 {
			t.Error("the small request was queued too")
		}
		q.release(q.take())
		if err := <-small; err != nil {
			t.Error(err)
		}
	})
}

// A request whose context ends doesn't delay others.
func TestQueueContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q groupQueue
		q.init(10_000)
		if err := q.put(t.Context(), sized(1000)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left, small := make(chan error, 1), make(chan error, 1)
		go func() { left <- q.put(ctx, sized(9_500)) }()
		synctest.Wait()
		go func() { small <- q.put(t.Context(), sized(100)) }()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("put returned the error %v, want context.Canceled", err)
		}
		if err := <-small; err != nil {
			t.Error(err)
		}
		if n := len(q.take()); n != 2 {
			t.Errorf("the queue holds %d requests, want 2", n)
		}
	})
}

func TestQueueClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q groupQueue
		q.init(1000)
		if err := q.put(t.Context(), sized(1)); err != nil {
			t.Fatal(err)
		}
		outside := make(chan error, 1)
		go func() { outside <- q.put(t.Context(), sized(1000)) }()
		synctest.Wait()
		q.close()
		for _, err := range []error{<-outside, q.put(t.Context(), sized(1))} {
			if !errors.Is(err, errClosed) {
				t.Errorf("the error is %v, want errClosed", err)
			}
		}
		if n := len(q.take()); n != 1 {
			t.Errorf("the closed queue returned %d requests, want the one that was queued", n)
		}
		if q.take() != nil {
			t.Error("the closed queue returned a request twice")
		}
	})
}
