package buslayer

import (
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/internal/gate"
)

// back is a layer.Back.
type back struct {
	gate gate.Gate

	layer   *Layer
	handler layer.BackHandler
}

// Deliver implements layer.Back. It returns after the handlers of the fronts of this
// process have returned.
func (b *back) Deliver(outs []layer.Output) { b.layer.deliver(outs) }

func (l *Layer) deliver(outs []layer.Output) {
	for len(outs) > 0 {
		n := 1 // the number of outputs for the same front
		for n < len(outs) && outs[n].To == outs[0].To {
			n++
		}
		if f := l.deliverRemote(outs[:n]); f != nil {
			f.deliver(outs[:n])
		}
		outs = outs[n:]
	}
}

// deliverRemote sends outputs to a front of another process. If the address is that of a
// front of this process, it sends nothing and returns the front.
func (l *Layer) deliverRemote(outs []layer.Output) *front {
	l.mu.Lock()
	if f := l.locals[outs[0].To]; f != nil {
		l.mu.Unlock()
		return f
	}
	defer l.unlock()
	now := time.Now()
	for i := range outs {
		l.node.Deliver(now, &outs[i])
	}
	return nil
}

// Drain implements layer.Back.
func (b *back) Drain() {
	l := b.layer
	l.mu.Lock()
	if l.back == b {
		l.node.Drain(time.Now())
		if l.collect() {
			wake(l.due)
		}
		wake(l.outgoing)
		l.wait() // inputs that were taken before are handled
	}
	l.mu.Unlock()
	b.gate.Close()
}

// Close implements layer.Back. Outputs that were delivered before are still sent, and
// Layer.Close waits for that.
func (b *back) Close() error {
	b.Drain()
	l := b.layer
	l.mu.Lock()
	defer l.unlock()
	if l.back == b {
		l.node.CloseBack(time.Now())
		l.back = nil
	}
	return nil
}
