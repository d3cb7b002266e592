package layertest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

func serveEnds(t *testing.T, l layer.Layer) {
	serve(t, l, nil).stop(t) // which looks at what Serve returns
}

// slowness is what a callback takes in which a layer shows that it waits for it.
const slowness = 20 * time.Millisecond

func serveWaits(t *testing.T, l layer.Layer) {
	handling := make(chan struct{})
	var handled atomic.Bool
	w := serve(t, l, func(layer.Input) error {
		close(handling)
		time.Sleep(slowness)
		handled.Store(true)
		return nil
	})
	c := w.attach(t)
	var sending sync.WaitGroup
	sending.Go(func() { _ = c.Send(input(name, 1, 1)) })
	<-handling
	w.stop(t)
	if !handled.Load() {
		t.Error("Serve has returned while an input was handled")
	}
	sending.Wait()
}

func serveQuiet(t *testing.T, l layer.Layer) {
	for range 20 {
		var gone atomic.Bool
		w := serve(t, l, func(layer.Input) error {
			if gone.Load() {
				t.Error("an input is handled after Serve has returned")
			}
			return nil
		})
		c := w.attach(t)
		var sending sync.WaitGroup
		for conn := range 2 {
			sending.Go(func() {
				for i := 0; ; i++ {
					switch err := c.Send(input(name, room.ConnID(conn+1), i)); {
					case errors.Is(err, layer.ErrNoOwner):
						return
					case err != nil:
						t.Errorf("Send: %v", err)
						return
					}
				}
			})
		}
		w.stop(t)
		gone.Store(true)
		sending.Wait()
		_ = c.Close()
	}
}

func serveAgain(t *testing.T, l layer.Layer) {
	serve(t, l, nil).stop(t)
	w := serve(t, l, nil)
	c := w.attach(t)
	send(t, c, input(name, 1, 1))
	waitUntil(t, "the input has come", func() bool { return len(w.ins.all()) == 1 })
}
