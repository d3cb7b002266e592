package membus

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
)

// Apart is a layer.Layer of several processes: its fronts are attached to two of them in
// turn, and its worker is in a third one.
type Apart struct {
	consumers [2]*buslayer.Layer
	worker    *buslayer.Layer
	attached  atomic.Uint64
	cut       func(d time.Duration)
}

var _ layer.Layer = (*Apart)(nil)

// NewApart returns an Apart of three layers, which open opens, once they know each other.
// They are closed at the end of the test. Cut calls cut, unless cut is nil.
func NewApart(t testing.TB, open func(name string) *buslayer.Layer, cut func(time.Duration)) *Apart {
	t.Helper()
	a := &Apart{cut: cut}
	for i, name := range []string{"consumer-1", "consumer-2"} {
		a.consumers[i] = Open(t, open, name)
	}
	a.worker = Open(t, open, "worker")
	for _, l := range []*buslayer.Layer{a.consumers[0], a.consumers[1], a.worker} {
		testkit.Eventually(t, "the processes know each other", func() string {
			if n := len(l.Peers()); n != 2 {
				time.Sleep(time.Millisecond)
				return "not all"
			}
			return ""
		})
	}
	return a
}

// Open opens a layer that is closed at the end of the test.
func Open(t testing.TB, open func(name string) *buslayer.Layer, name string) *buslayer.Layer {
	t.Helper()
	l := open(name)
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	})
	return l
}

// Attach implements layer.Layer.
func (a *Apart) Attach(h layer.FrontHandler) (layer.Front, error) {
	return a.consumers[a.attached.Add(1)%2].Attach(h)
}

// Serve implements layer.Layer.
func (a *Apart) Serve(h layer.BackHandler) (layer.Back, error) { return a.worker.Serve(h) }

// Cut loses all messages for a time.
func (a *Apart) Cut(d time.Duration) {
	if a.cut != nil {
		a.cut(d)
	}
}

// Layers returns the layers of all processes, the worker's last.
func (a *Apart) Layers() []*buslayer.Layer { return append(a.consumers[:], a.worker) }
