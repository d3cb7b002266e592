// Package memlayer is the channel layer within one process. It has no queue of
// its own: a call at one end is a call of the other end's handler. It loses
// nothing.
package memlayer

import (
	"strconv"
	"sync"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/internal/gate"
)

// Layer is a layer.Layer, made by New. It takes one worker at a time, which
// runs all rooms.
//
// Its lock is never held while a handler runs.
type Layer struct {
	mu     sync.RWMutex
	back   *back // nil: there is no worker
	fronts map[layer.Address]*front
	last   uint64 // number of fronts made
}

var _ layer.Layer = (*Layer)(nil)

// New returns a Layer without fronts and worker.
func New() *Layer { return &Layer{fronts: make(map[layer.Address]*front)} }

// Attach implements layer.Layer.
func (l *Layer) Attach(h layer.FrontHandler) (layer.Front, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	f := &front{layer: l, address: layer.Address(strconv.FormatUint(l.last, 10)), handler: h}
	l.fronts[f.address] = f
	return f, nil
}

// Serve implements layer.Layer. The error is layer.ErrServed until the worker
// before has closed its Back.
func (l *Layer) Serve(h layer.BackHandler) (layer.Back, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.back != nil {
		return nil, layer.ErrServed
	}
	l.back = &back{layer: l, handler: h}
	return l.back, nil
}

// worker returns the worker, nil if there is none.
func (l *Layer) worker() *back {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.back
}

// all returns the fronts.
func (l *Layer) all() []*front {
	l.mu.RLock()
	defer l.mu.RUnlock()
	fronts := make([]*front, 0, len(l.fronts))
	for _, f := range l.fronts {
		fronts = append(fronts, f)
	}
	return fronts
}

// front is a layer.Front.
type front struct {
	gate gate.Gate

	layer   *Layer
	address layer.Address
	handler layer.FrontHandler
}

// Send implements layer.Front.
func (f *front) Send(in layer.Input) error {
	if !f.gate.Enter() { // Close waits for this call, so that no input follows Gone
		return layer.ErrClosed
	}
	defer f.gate.Leave()
	b := f.layer.worker()
	if b == nil || !b.gate.Enter() {
		return layer.ErrNoOwner
	}
	defer b.gate.Leave()
	in.From = f.address
	return b.handler.Handle(in)
}

// SendAll implements layer.Front.
func (f *front) SendAll(in layer.Input) (workers int, err error) {
	if err := f.Send(in); err != nil {
		return 0, err
	}
	return 1, nil
}

// Close implements layer.Front.
func (f *front) Close() error {
	l := f.layer
	l.mu.Lock()
	b, attached := l.back, l.fronts[f.address] == f
	delete(l.fronts, f.address)
	l.mu.Unlock()
	f.gate.Close()
	if attached && b != nil && b.gate.Enter() {
		defer b.gate.Leave()
		b.handler.Gone(f.address)
	}
	return nil
}

func (f *front) deliver(outs []layer.Output) {
	if f.gate.Enter() {
		defer f.gate.Leave()
		f.handler.Deliver(outs)
	}
}

func (f *front) lost() {
	if f.gate.Enter() {
		defer f.gate.Leave()
		f.handler.Lost(func(string) bool { return true })
	}
}

// back is a layer.Back.
type back struct {
	gate gate.Gate

	layer   *Layer
	handler layer.BackHandler
}

// Deliver implements layer.Back. When it returns, the fronts have the outputs.
func (b *back) Deliver(outs []layer.Output) {
	for len(outs) > 0 {
		n := 1 // how many go to the same front
		for n < len(outs) && outs[n].To == outs[0].To {
			n++
		}
		b.layer.mu.RLock()
		f := b.layer.fronts[outs[0].To]
		b.layer.mu.RUnlock()
		if f != nil {
			f.deliver(outs[:n])
		}
		outs = outs[n:]
	}
}

// Drain implements layer.Back.
func (b *back) Drain() { b.gate.Close() }

// Close implements layer.Back.
func (b *back) Close() error {
	b.Drain()
	l := b.layer
	l.mu.Lock()
	served := l.back == b
	if served {
		l.back = nil
	}
	l.mu.Unlock()
	if served {
		for _, f := range l.all() {
			f.lost()
		}
	}
	return nil
}
