package buslayer

import (
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/internal/gate"
	"github.com/yroom/yroom/layer/link"
)

// front is a layer.Front.
type front struct {
	gate gate.Gate

	layer   *Layer
	handler layer.FrontHandler
	number  uint64
	local   layer.Address // at the worker of this process
}

// Send implements layer.Front.
func (f *front) Send(in layer.Input) error {
	if !f.gate.Enter() {
		return layer.ErrClosed
	}
	defer f.gate.Leave()
	l := f.layer
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return layer.ErrClosed
	}
	local, err := l.node.Send(time.Now(), f.number, &in)
	b := l.back
	l.unlock()
	if !local {
		return err
	}
	return f.handle(b, in)
}

// handle passes an input to the worker of this process.
func (f *front) handle(b *back, in layer.Input) error {
	if b == nil || !b.gate.Enter() {
		return layer.ErrNoOwner
	}
	defer b.gate.Leave()
	in.From = f.local
	return b.handler.Handle(in)
}

// SendAll implements layer.Front.
func (f *front) SendAll(in layer.Input) (workers int, err error) {
	if !f.gate.Enter() {
		return 0, layer.ErrClosed
	}
	defer f.gate.Leave()
	l := f.layer
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return 0, layer.ErrClosed
	}
	workers, local, err := l.node.SendAll(time.Now(), f.number, &in)
	b := l.back
	l.unlock()
	if err != nil || !local {
		return workers, err
	}
	if err := f.handle(b, in); err != nil {
		if workers == 1 {
			return 0, err
		}
		in.From = f.local // other workers have the request, so the refusal of this one is a response like theirs
		l.later(link.Event{Kind: link.EventOutputs, Front: f.number, Outputs: []layer.Output{link.Refusal(&in)}})
	}
	return workers, nil
}

// later makes a call due.
func (l *Layer) later(e link.Event) {
	l.mu.Lock()
	defer l.unlock()
	l.add(e)
}

// add makes a call due, after those that the Node wants. l.mu is held.
func (l *Layer) add(e link.Event) {
	l.collect()
	l.calls = append(l.calls, e)
	l.queued++
}

// Close implements layer.Front.
func (f *front) Close() error {
	f.gate.Close()
	l := f.layer
	l.mu.Lock()
	defer l.unlock()
	if l.fronts[f.number] != f {
		return nil
	}
	delete(l.fronts, f.number)
	delete(l.locals, f.local)
	l.node.Detach(time.Now(), f.number)
	l.add(link.Event{Kind: link.EventGone, Address: f.local})
	return nil
}

func (f *front) deliver(outs []layer.Output) {
	if f.gate.Enter() {
		defer f.gate.Leave()
		f.handler.Deliver(outs)
	}
}

func (f *front) lost(affected func(room string) bool) {
	if f.gate.Enter() {
		defer f.gate.Leave()
		f.handler.Lost(affected)
	}
}
