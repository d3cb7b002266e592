package layertest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// attachWith attaches a front with this Deliver, and finds out its address.
func (w *worker) attachWith(t *testing.T, deliver func([]layer.Output)) *front {
	t.Helper()
	f := &front{}
	attached, err := w.layer.Attach(layer.FrontHandler{Deliver: deliver, Lost: func(func(string) bool) {}})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	f.Front = attached
	t.Cleanup(func() { _ = attached.Close() })
	f.address = w.meet(t, f)
	return f
}

func closeWaits(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	delivering := make(chan struct{})
	var delivered atomic.Bool
	f := w.attachWith(t, func([]layer.Output) {
		close(delivering)
		time.Sleep(slowness)
		delivered.Store(true)
	})
	var working sync.WaitGroup
	working.Go(func() { w.Deliver([]layer.Output{output(name, f.address, "text")}) })
	<-delivering
	if err := f.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if !delivered.Load() {
		t.Error("Close has returned while outputs were delivered")
	}
	working.Wait()
}

func closeQuiet(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	for range 20 {
		var closed atomic.Bool
		var calls atomic.Int64
		f := w.attachWith(t, func([]layer.Output) {
			calls.Add(1)
			if closed.Load() {
				t.Error("an output is delivered after Close has returned")
			}
		})
		done := make(chan struct{})
		var delivering sync.WaitGroup
		delivering.Go(func() {
			const ahead = 50
			for i := int64(0); ; i++ {
				select {
				case <-done:
					return
				default:
					w.Deliver([]layer.Output{output(name, f.address, "text")})
				}
				if i > calls.Load()+ahead { // otherwise much would still be on its way at the end
					time.Sleep(time.Millisecond / 10)
				}
			}
		})
		waitUntil(t, "outputs arrive", func() bool { return calls.Load() > 0 })
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		closed.Store(true)
		close(done)
		delivering.Wait()
	}
}

func closeFront(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	if err := f.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := f.Send(input(name, 1, 1)); !errors.Is(err, layer.ErrClosed) {
		t.Errorf("Send returned %v, want ErrClosed", err)
	}
	if _, err := f.SendAll(input("", 1, 1)); !errors.Is(err, layer.ErrClosed) {
		t.Errorf("SendAll returned %v, want ErrClosed", err)
	}
	send(t, g, input(name, 1, 1))
	waitUntil(t, "the input arrives", func() bool { return len(w.ins.all()) == 1 })
}

func closeGone(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	if err := f.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	waitUntil(t, "the worker's Gone is called", func() bool { return slices.Contains(w.gone.all(), f.address) })
	if slices.Contains(w.gone.all(), g.address) {
		t.Error("an attached front is reported as gone")
	}
}

// closeGoneLast checks that no input of a front is handled after Gone.
func closeGoneLast(t *testing.T, l layer.Layer) {
	var mu sync.Mutex
	handled, gone := make(map[event.ConnID]int), make(map[layer.Address]bool)
	back, err := l.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error {
			mu.Lock()
			defer mu.Unlock()
			handled[in.Conn]++
			if gone[in.From] {
				t.Errorf("an input of front %s is handled after Gone", in.From)
			}
			return nil
		},
		Lost: func(layer.Address) {},
		Gone: func(front layer.Address) {
			mu.Lock()
			defer mu.Unlock()
			gone[front] = true
		},
		Moved: func(func(string) bool) {},
	})
	if err != nil {
		t.Fatalf("Serve: %v", err)
	}
	defer func() { _ = back.Close() }()
	count := func(conn event.ConnID) int {
		mu.Lock()
		defer mu.Unlock()
		return handled[conn]
	}
	const fronts, senders, ahead = 300, 2, 20
	for front := range fronts {
		f, err := l.Attach(layer.FrontHandler{Deliver: func([]layer.Output) {}, Lost: func(func(string) bool) {}})
		if err != nil {
			t.Fatalf("Attach: %v", err)
		}
		var sending sync.WaitGroup
		for i := range senders {
			conn := event.ConnID(front*senders + i + 1)
			sending.Go(func() {
				for i := 0; !errors.Is(f.Send(input(name, conn, i)), layer.ErrClosed); i++ {
					if i > count(conn)+ahead { // otherwise the next front would have to wait until all arrive
						time.Sleep(time.Millisecond / 10)
					}
				}
			})
		}
		waitUntil(t, "the worker sees the front", func() bool { return count(event.ConnID(front*senders+1)) > 0 })
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		sending.Wait()
	}
	waitUntil(t, "the worker's Gone is called for all fronts", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(gone) >= fronts
	})
}

func closeTwice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	for range 2 {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func closeBack(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	send(t, f, input(name, 1, 1))
	send(t, g, input(name, 2, 1))
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for _, f := range []*front{f, g} {
		waitUntil(t, "the fronts' Lost is called", func() bool {
			return slices.ContainsFunc(f.lost.all(), func(affected func(string) bool) bool { return affected(name) })
		})
	}
	if err := f.Send(input(name, 1, 2)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("Send returned %v, want ErrNoOwner", err)
	}
	next := serve(t, l, nil)
	send(t, f, input(name, 1, 3))
	// What was sent to the first worker may arrive only now, and before it.
	waitUntil(t, "the input reaches the next worker", func() bool {
		return slices.ContainsFunc(next.ins.all(), func(in layer.Input) bool { return string(in.Message.Data) == "3" })
	})
}

func closeBackTwice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	for range 2 {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	next := serve(t, l, nil)
	_ = w.Close() // must not affect the next worker
	w.Drain()
	send(t, next.attach(t), input(name, 1, 1))
	waitUntil(t, "the input arrives", func() bool { return len(next.ins.all()) == 1 })
}

func closeBackDelivers(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	var want []string
	for _, text := range []string{"a", "b", "c"} {
		want = append(want, text)
		w.Deliver([]layer.Output{output(name, f.address, text)})
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	wantOuts(t, f, want...)
}
