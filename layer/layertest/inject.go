package layertest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Faults holds how many messages of a layer are affected by each kind of fault, in
// percent. The contract does not allow a layer to duplicate or reorder messages. Fronts
// and workers must handle both nevertheless, except that requests are not duplicated.
type Faults struct {
	Lose, Duplicate, Reorder, Delay int

	Seed uint64
	// After calls f once after d. nil: time.AfterFunc.
	After func(d time.Duration, f func())
}

const (
	delayed  = 5 * time.Millisecond  // the longest delay of a message
	noticed  = 20 * time.Millisecond // the longest delay until a loss is reported
	tryLater = "too much waits for the room"
)

// Faulty is a layer with faults, made by Inject.
type Faulty struct {
	layer  layer.Layer
	faults Faults

	mu       sync.Mutex
	rnd      *rand.Rand
	silent   bool // losses are not reported, to test that the suite finds that
	stopped  bool
	cut      bool
	noticing bool // a report of a loss is scheduled
	fronts   map[*faultyFront]bool
	back     *faultyBack // the newest
	pipes    map[layer.Address]*pipe
}

// Inject returns l with faults.
func Inject(l layer.Layer, f Faults) *Faulty {
	if f.After == nil {
		f.After = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	return &Faulty{
		layer:  l,
		faults: f,
		rnd:    rand.New(rand.NewPCG(f.Seed, 1)),
		fronts: make(map[*faultyFront]bool),
		pipes:  make(map[layer.Address]*pipe),
	}
}

// Stop ends the faults. Messages that are delayed still arrive, and losses from before
// are still reported.
func (l *Faulty) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped, l.cut = true, false
}

// Cut loses all messages for a time.
func (l *Faulty) Cut(d time.Duration) {
	l.mu.Lock()
	l.cut = true
	l.mu.Unlock()
	l.faults.After(d, func() {
		l.mu.Lock()
		l.cut = false
		l.mu.Unlock()
		l.lose()
	})
}

// fate is what happens to a message.
type fate struct {
	lost, twice, overtakes bool
	delay                  time.Duration
}

func (l *Faulty) fate() (f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return f
	}
	happens := func(percent int) bool { return l.rnd.IntN(100) < percent }
	f.lost = l.cut || happens(l.faults.Lose)
	f.twice = happens(l.faults.Duplicate)
	f.overtakes = happens(l.faults.Reorder)
	if happens(l.faults.Delay) {
		f.delay = l.within(delayed)
	}
	return f
}

func (l *Faulty) within(d time.Duration) time.Duration {
	return 1 + time.Duration(l.rnd.Int64N(int64(d)))
}

// lose reports to all ends, after a while, that messages were lost.
func (l *Faulty) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent || l.noticing || l.cut { // losses during a cut are reported at its end
		return
	}
	l.noticing = true
	l.faults.After(l.within(noticed), l.notice)
}

func (l *Faulty) notice() {
	l.mu.Lock()
	l.noticing = false
	back := l.back
	var fronts []*faultyFront
	for f := range l.fronts {
		fronts = append(fronts, f)
	}
	var addresses []layer.Address
	for a := range l.pipes {
		addresses = append(addresses, a)
	}
	l.mu.Unlock()
	for _, f := range fronts {
		f.call(func() { f.handler.Lost(func(string) bool { return true }) })
	}
	if back != nil {
		for _, a := range addresses {
			back.call(func() { back.handler.Lost(a) })
		}
	}
}

// Attach implements layer.Layer.
func (l *Faulty) Attach(h layer.FrontHandler) (layer.Front, error) {
	f := &faultyFront{layer: l, handler: h}
	under, err := l.layer.Attach(layer.FrontHandler{
		Deliver: func(outs []layer.Output) { f.call(func() { h.Deliver(outs) }) },
		Lost:    func(affected func(string) bool) { f.call(func() { h.Lost(affected) }) },
	})
	if err != nil {
		return nil, err
	}
	f.Front, f.up = under, &pipe{after: l.faults.After}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fronts[f] = true
	return f, nil
}

// Serve implements layer.Layer.
func (l *Faulty) Serve(h layer.BackHandler) (layer.Back, error) {
	b := &faultyBack{layer: l, handler: h}
	under, err := l.layer.Serve(layer.BackHandler{
		Handle: func(in layer.Input) (err error) {
			l.pipe(in.From)
			if !b.call(func() { err = h.Handle(in) }) {
				return layer.ErrNoOwner
			}
			return err
		},
		Lost: func(front layer.Address) { b.call(func() { h.Lost(front) }) },
		Gone: func(front layer.Address) {
			l.mu.Lock()
			delete(l.pipes, front)
			l.mu.Unlock()
			b.call(func() { h.Gone(front) })
		},
		Moved: func(moved func(string) bool) { b.call(func() { h.Moved(moved) }) },
	})
	if err != nil {
		return nil, err
	}
	b.Back = under
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = b
	return b, nil
}

// pipe returns the pipe to a front.
func (l *Faulty) pipe(front layer.Address) *pipe {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pipes[front]
	if p == nil {
		p = &pipe{after: l.faults.After}
		l.pipes[front] = p
	}
	return p
}

// end is an end of the layer, whose handler is called until it is closed.
type end struct {
	mu     sync.RWMutex
	closed bool
}

// call calls f unless the end is closed, and reports whether it did.
func (e *end) call(f func()) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !e.closed {
		f()
	}
	return !e.closed
}

func (e *end) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}

type faultyFront struct {
	layer.Front
	end

	layer   *Faulty
	handler layer.FrontHandler
	up      *pipe
}

// Send implements layer.Front.
func (f *faultyFront) Send(in layer.Input) error {
	fate := f.layer.fate()
	if fate.lost {
		f.layer.lose()
		return nil
	}
	if fate.twice && in.Kind != event.InputRequest {
		again := copied(in)
		f.up.push(fate, func() { f.late(again) })
	}
	if fate.delay == 0 && !fate.overtakes && f.up.enter() {
		defer f.up.leave()
		return f.Front.Send(in)
	}
	f.up.push(fate, func() { f.late(in) })
	return nil
}

// late sends a delayed input, for which Send has returned already.
func (f *faultyFront) late(in layer.Input) {
	switch err := f.Front.Send(in); {
	case err == nil, errors.Is(err, layer.ErrClosed):
	case errors.Is(err, layer.ErrFull):
		out := event.Output{Kind: event.OutputMessage, To: in.Conn, Message: protocol.Message{
			Type: protocol.Close, Code: protocol.CloseTryLater, Reason: tryLater,
		}}
		if in.Kind == event.InputRequest {
			out = event.Output{Kind: event.OutputResponse, To: in.Conn, Response: &event.Response{Refusal: event.Refusal{
				Cause: event.CauseClosed, Code: protocol.CloseTryLater, Reason: tryLater,
			}}}
		}
		f.call(func() { f.handler.Deliver([]layer.Output{{Room: in.Room, Output: out}}) })
	default:
		f.layer.lose()
	}
}

// Close implements layer.Front.
func (f *faultyFront) Close() error {
	f.close()
	f.layer.mu.Lock()
	delete(f.layer.fronts, f)
	f.layer.mu.Unlock()
	return f.Front.Close()
}

type faultyBack struct {
	layer.Back
	end

	layer   *Faulty
	handler layer.BackHandler
}

// Deliver implements layer.Back.
func (b *faultyBack) Deliver(outs []layer.Output) {
	for _, out := range outs {
		fate, down := b.layer.fate(), b.layer.pipe(out.To)
		if fate.lost {
			b.layer.lose()
			continue
		}
		if fate.twice && out.Kind != event.OutputResponse {
			down.push(fate, func() { b.Back.Deliver([]layer.Output{out}) })
		}
		if fate.delay == 0 && !fate.overtakes && down.enter() {
			b.Back.Deliver([]layer.Output{out})
			down.leave()
			continue
		}
		down.push(fate, func() { b.Back.Deliver([]layer.Output{out}) })
	}
}

// Drain implements layer.Back.
func (b *faultyBack) Drain() {
	b.close()
	b.Back.Drain()
}

// Close implements layer.Back.
func (b *faultyBack) Close() error {
	b.close()
	return b.Back.Close()
}

// copied returns an input that shares no data with in.
func copied(in layer.Input) layer.Input {
	in.Message.Data = bytes.Clone(in.Message.Data)
	in.Vector = bytes.Clone(in.Vector)
	return in
}

// pipe carries messages in one direction, one at a time.
type pipe struct {
	after func(time.Duration, func())

	mu    sync.Mutex
	queue []func()
	busy  bool
}

// enter reports whether a message can pass at once, because none is in the pipe.
func (p *pipe) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy || len(p.queue) > 0 {
		return false
	}
	p.busy = true
	return true
}

func (p *pipe) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = false
}

// push puts a message into the pipe, before the last one if it overtakes.
func (p *pipe) push(f fate, carry func()) {
	p.mu.Lock()
	p.queue = append(p.queue, carry)
	if n := len(p.queue); f.overtakes && n > 1 {
		p.queue[n-1], p.queue[n-2] = p.queue[n-2], p.queue[n-1]
	}
	p.mu.Unlock()
	p.after(f.delay, p.pop)
}

// pop carries the first message.
func (p *pipe) pop() {
	if !p.take() {
		p.after(delayed/5, p.pop)
	}
}

func (p *pipe) take() bool {
	p.mu.Lock()
	if p.busy {
		p.mu.Unlock()
		return false
	}
	p.busy = true
	carry := p.queue[0]
	p.queue = p.queue[1:]
	p.mu.Unlock()
	defer p.leave()
	carry()
	return true
}
