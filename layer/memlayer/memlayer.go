// Package memlayer is the channel layer within one process. It has no queue of
// its own: a call on one side is a call of the other side's callback.
package memlayer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/yroom/yroom/layer"
)

// ErrServed means that a worker serves the layer already. It takes one at a time.
var ErrServed = errors.New("memlayer: a worker serves this layer already")

// Layer is a layer.Layer, made by New.
//
// Its lock is never held while a callback runs. Lists of ports are extended or
// replaced, and what is in one stays, so that a delivery can go through it
// without the lock.
type Layer struct {
	serving chan struct{} // closed once a worker serves
	began   sync.Once     // closes it

	mu     sync.RWMutex
	worker *worker // nil: nobody serves
	ports  map[layer.Address]*port
	joined map[string][]*port // by room
	last   uint64             // number of ports made
}

var _ layer.Layer = (*Layer)(nil)

// New makes a Layer.
func New() *Layer {
	return &Layer{
		serving: make(chan struct{}),
		ports:   make(map[layer.Address]*port),
		joined:  make(map[string][]*port),
	}
}

// Serving is closed once a worker serves: from then on, and until it ends, Send
// does not give ErrNoOwner.
func (l *Layer) Serving() <-chan struct{} { return l.serving }

// worker is one call of Serve.
type worker struct {
	gate

	handle func(layer.Input) error
}

// Attach implements layer.Layer.
func (l *Layer) Attach(deliver func([]layer.Output)) (layer.Port, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	p := &port{layer: l, address: layer.Address(strconv.FormatUint(l.last, 10)), deliver: deliver}
	l.ports[p.address] = p
	return p, nil
}

// Serve implements layer.Layer, for one worker at a time.
func (l *Layer) Serve(ctx context.Context, handle func(layer.Input) error) error {
	w := &worker{handle: handle}
	l.mu.Lock()
	if l.worker != nil {
		l.mu.Unlock()
		return ErrServed
	}
	l.worker = w
	l.mu.Unlock()
	l.began.Do(func() { close(l.serving) })

	<-ctx.Done()

	w.close()
	l.mu.Lock()
	l.worker = nil
	l.mu.Unlock()
	return nil
}

// Deliver implements layer.Layer. It returns when the consumers have the outputs.
func (l *Layer) Deliver(_ context.Context, outs []layer.Output) error {
	for len(outs) > 0 {
		// As many as go the same way.
		n := 1
		for n < len(outs) && outs[n].Consumer == outs[0].Consumer && outs[n].Room == outs[0].Room {
			n++
		}
		l.mu.RLock()
		to, all := l.ports[outs[0].Consumer], l.joined[outs[0].Room]
		l.mu.RUnlock()
		if outs[0].Consumer == "" {
			for _, p := range all {
				p.take(outs[:n])
			}
		} else if to != nil {
			to.take(outs[:n])
		}
		outs = outs[n:]
	}
	return nil
}

// port is a layer.Port.
type port struct {
	gate

	layer   *Layer
	address layer.Address
	deliver func([]layer.Output)
}

func (p *port) take(outs []layer.Output) {
	if p.enter() {
		defer p.leave()
		p.deliver(outs)
	}
}

// open tells whether p is attached. The layer's lock is held.
func (p *port) open() bool { return p.layer.ports[p.address] == p }

// Send implements layer.Port.
func (p *port) Send(in layer.Input) error {
	p.layer.mu.RLock()
	w, open := p.layer.worker, p.open()
	p.layer.mu.RUnlock()
	if !open {
		return layer.ErrClosed
	}
	if w == nil || !w.enter() {
		return layer.ErrNoOwner
	}
	defer w.leave()
	in.Consumer = p.address
	return w.handle(in)
}

// Join implements layer.Port.
func (p *port) Join(room string) error {
	l := p.layer
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.open() {
		return layer.ErrClosed
	}
	if ports := l.joined[room]; !slices.Contains(ports, p) {
		l.joined[room] = append(ports, p)
	}
	return nil
}

// Leave implements layer.Port.
func (p *port) Leave(room string) error {
	p.layer.mu.Lock()
	defer p.layer.mu.Unlock()
	if !p.open() {
		return layer.ErrClosed
	}
	p.leaveRoom(room)
	return nil
}

// leaveRoom takes p out of a room's ports. The layer's lock is held.
func (p *port) leaveRoom(room string) {
	l := p.layer
	ports := l.joined[room]
	i := slices.Index(ports, p)
	switch {
	case i < 0:
	case len(ports) == 1:
		delete(l.joined, room)
	default:
		l.joined[room] = slices.Concat(ports[:i], ports[i+1:])
	}
}

// Close implements layer.Port.
func (p *port) Close() error {
	l := p.layer
	l.mu.Lock()
	delete(l.ports, p.address)
	for room := range l.joined {
		p.leaveRoom(room)
	}
	l.mu.Unlock()
	p.close()
	return nil
}
