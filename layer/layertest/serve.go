package layertest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

func serveAgain(t *testing.T, l layer.Layer) {
	if err := serve(t, l, nil).Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	w := serve(t, l, nil)
	send(t, w.attach(t), input(name, 1, 1))
	waitUntil(t, "the input arrives", func() bool { return len(w.ins.all()) == 1 })
}

func drainWaits(t *testing.T, l layer.Layer) {
	handling := make(chan struct{})
	var handled atomic.Bool
	w := serve(t, l, func(layer.Input) error {
		close(handling)
		time.Sleep(slowness)
		handled.Store(true)
		return nil
	})
	f := w.attach(t)
	var sending sync.WaitGroup
	sending.Go(func() { _ = f.Send(input(name, 1, 1)) })
	<-handling
	w.Drain()
	if !handled.Load() {
		t.Error("Drain has returned while an input was handled")
	}
	sending.Wait()
}

func drainQuiet(t *testing.T, l layer.Layer) {
	for range 20 {
		var drained atomic.Bool
		w := serve(t, l, func(layer.Input) error {
			if drained.Load() {
				t.Error("an input is handled after Drain has returned")
			}
			return nil
		})
		f := w.attach(t)
		var sending sync.WaitGroup
		for conn := range 2 {
			sending.Go(func() {
				for i := 0; ; i++ {
					switch err := f.Send(input(name, event.ConnID(conn+1), i)); {
					case errors.Is(err, layer.ErrNoOwner):
						return
					case err != nil && !errors.Is(err, layer.ErrFull):
						t.Errorf("Send: %v", err)
						return
					}
				}
			})
		}
		w.Drain()
		drained.Store(true)
		sending.Wait()
		_ = f.Close()
		_ = w.Close()
	}
}

func drainDelivers(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	w.Drain()
	w.Deliver([]layer.Output{output(name, f.address, "drained")})
	wantOuts(t, f, "drained")
}
