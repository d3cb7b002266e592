package layertest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
)

func closeLeaves(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name, name+"2"), w.attach(t, name)
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	deliver(t, l, output(name, "", "to d"))
	deliver(t, l, output(name+"2", "", "to nobody"))
	wantOuts(t, d, "to d")
	if outs := c.outs.all(); len(outs) > 0 {
		t.Errorf("a closed port was given %v", outs)
	}
}

func closeWaits(t *testing.T, l layer.Layer) {
	serve(t, l, nil)
	delivering := make(chan struct{})
	var delivered atomic.Bool
	p, err := l.Attach(func([]layer.Output) {
		close(delivering)
		time.Sleep(slowness)
		delivered.Store(true)
	})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	if err := p.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	var worker sync.WaitGroup
	worker.Go(func() { _ = l.Deliver(t.Context(), []layer.Output{output(name, "", "text")}) })
	<-delivering
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if !delivered.Load() {
		t.Error("Close has returned while outputs were delivered")
	}
	worker.Wait()
}

func closeQuiet(t *testing.T, l layer.Layer) {
	serve(t, l, nil)
	for range 20 {
		var gone atomic.Bool
		var calls atomic.Int64
		p, err := l.Attach(func([]layer.Output) {
			calls.Add(1)
			if gone.Load() {
				t.Error("delivered after Close has returned")
			}
		})
		if err != nil {
			t.Fatalf("Attach: %v", err)
		}
		if err := p.Join(name); err != nil {
			t.Fatalf("Join: %v", err)
		}
		done := make(chan struct{})
		var delivering sync.WaitGroup
		delivering.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := l.Deliver(t.Context(), []layer.Output{output(name, "", "text")}); err != nil {
					t.Errorf("Deliver: %v", err)
					return
				}
			}
		})
		waitUntil(t, "outputs come", func() bool { return calls.Load() > 0 })
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		gone.Store(true)
		close(done)
		delivering.Wait()
	}
}

func closePort(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t), w.attach(t)
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for what, err := range map[string]error{
		"Send": c.Send(input(name, 1, 1)), "Join": c.Join(name), "Leave": c.Leave(name),
	} {
		if !errors.Is(err, layer.ErrClosed) {
			t.Errorf("%s gave %v, want ErrClosed", what, err)
		}
	}
	send(t, d, input(name, 1, 1))
	waitUntil(t, "the input has come", func() bool { return len(w.ins.all()) == 1 })
}

func closeTwice(t *testing.T, l layer.Layer) {
	p, err := l.Attach(func([]layer.Output) {})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
