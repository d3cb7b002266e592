// Package buslayer is the channel layer between processes over any broker that carries
// packets from one process to another: a [Bus]. Packages redislayer and natslayer
// provide one for Redis and for NATS.
//
// Package link decides what to send and what has arrived; a [Layer] drives its Node. One
// goroutine passes to the Node what arrives and the time, and then calls the handlers
// that are due, in their order. Another one publishes what the Node wants to send, in
// batches: the next batch is what has come while the one before was published. So a
// message waits for nothing on an idle layer, and shares packets on a busy one.
//
// Inputs and outputs between a front and the worker of its own process don't cross the
// bus: Send and Deliver call the handler, as those of package memlayer do.
package buslayer

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/link"
)

// Config configures a Layer.
type Config struct {
	// Name of the process and Software, the version of the program, are shown to
	// operators. Both may be empty.
	Name, Software string
	// Channel returns the channel of a room. nil: all rooms are on the channel "".
	Channel func(room string) string
	// Channels are the channels whose rooms the worker of this process runs. nil: "".
	Channels []string
	// Logger receives a record when the broker stops or begins to carry messages. nil:
	// slog.Default.
	Logger *slog.Logger
}

const (
	// flushTime bounds how long Close waits until everything has arrived.
	flushTime = 2 * time.Second
	// farewellTime bounds how long Close then takes to tell the others that the process ends.
	farewellTime = 500 * time.Millisecond
	// renewInterval is the time between two attempts to end deafness by a new connection.
	renewInterval = 2 * time.Second
	// batchBytes is the size at which a batch is published though more waits.
	batchBytes = 1 << 20
	// mostArrived is how many packets may wait for the Node. While as many wait, the Bus is
	// blocked.
	mostArrived = 256
)

// Layer is a layer.Layer over a Bus, made by New. It must be closed.
type Layer struct {
	bus Bus
	log *slog.Logger

	arrived   chan []byte   // packets for the Node
	due       chan struct{} // wakes the goroutine that calls handlers
	connected chan struct{} // closed when the subscription works for the first time
	connect   sync.Once     // closes connected
	outgoing  chan struct{} // wakes the goroutine that publishes
	stop      chan struct{} // closed to end the goroutine that calls handlers
	published chan struct{} // closed when the goroutine that publishes has ended
	closed    chan struct{} // closed when Close has ended
	running   sync.WaitGroup

	mu      sync.Mutex // is never held while a handler runs or the Bus is called
	node    *link.Node
	calls   []link.Event // that are due
	queued  uint64       // the number of calls that were ever due
	made    uint64       // the number of those that were made
	idle    sync.Cond    // signals a change of made or stopped
	fronts  map[uint64]*front
	locals  map[layer.Address]*front // by their addresses at the worker of this process
	back    *back                    // nil: there is no worker
	deaf    bool                     // as the Node was at the last tick
	strays  strays
	renewed time.Time // when the Bus was last asked for a new connection, or has subscribed
	outage  error     // why the subscription doesn't work; nil if it does, as far as is known
	refused error     // why the last batch was not published; nil if it was
	closing bool
	leaving bool // the goroutine that publishes ends when nothing is left
	stopped bool // no handler is called any more
}

var _ layer.Layer = (*Layer)(nil)

// New returns a Layer over bus, which belongs to it from now on. It doesn't wait for the
// broker; see Ready.
func New(bus Bus, c Config) *Layer {
	var id link.ID
	_, _ = rand.Read(id[:]) // never fails
	l := &Layer{
		bus:       bus,
		log:       cmp.Or(c.Logger, slog.Default()),
		arrived:   make(chan []byte, mostArrived),
		due:       make(chan struct{}, 1),
		connected: make(chan struct{}),
		outgoing:  make(chan struct{}, 1),
		stop:      make(chan struct{}),
		published: make(chan struct{}),
		closed:    make(chan struct{}),
		node: link.New(link.Config{
			ID: id, Name: c.Name, Software: c.Software, Channel: c.Channel, Channels: c.Channels,
		}, time.Now()),
		fronts: make(map[uint64]*front),
		locals: make(map[layer.Address]*front),
	}
	l.idle.L = &l.mu
	l.running.Go(l.run)
	go l.publish()
	bus.Subscribe(id, Subscriber{Receive: l.receive, Subscribed: l.subscribed, Interrupted: l.interrupted})
	return l
}

// Attach implements layer.Layer.
func (l *Layer) Attach(h layer.FrontHandler) (layer.Front, error) {
	l.mu.Lock()
	defer l.unlock()
	if l.closing {
		return nil, layer.ErrClosed
	}
	f := &front{layer: l, handler: h}
	f.number, f.local = l.node.Attach(time.Now())
	l.fronts[f.number] = f
	l.locals[f.local] = f
	return f, nil
}

// Serve implements layer.Layer. The error is layer.ErrServed until the worker of this
// process before has closed its Back.
func (l *Layer) Serve(h layer.BackHandler) (layer.Back, error) {
	l.mu.Lock()
	defer l.unlock()
	if l.closing {
		return nil, layer.ErrClosed
	}
	if err := l.node.Serve(time.Now()); err != nil {
		return nil, err
	}
	l.back = &back{layer: l, handler: h}
	return l.back, nil
}

// Ready returns nil if messages can be exchanged with the other processes and, if this
// process has fronts, there is a worker. Otherwise it returns the reason, without any
// password.
func (l *Layer) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closing:
		return layer.ErrClosed
	case l.outage != nil:
		return fmt.Errorf("layer: the broker can't be reached: %w", l.outage)
	case l.node.Deaf() && l.refused != nil:
		return fmt.Errorf("layer: the broker doesn't take messages: %w", l.refused)
	case l.node.Deaf():
		return errors.New("layer: the broker doesn't carry messages")
	case !l.node.Settled():
		return errors.New("layer: the other processes are not known yet")
	case len(l.fronts) > 0 && l.node.Workers() == 0:
		return errors.New("layer: no worker is known")
	}
	return nil
}

// Stats returns what has happened so far.
func (l *Layer) Stats() link.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node.Stats()
}

// Peers returns the other processes that are known.
func (l *Layer) Peers() []link.Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node.Peers()
}

// SetLoad tells the other processes, within half a second, what this one does.
func (l *Layer) SetLoad(load link.Load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.node.SetLoad(load)
}

// Close leaves the layer. Fronts and backs should have been closed before. Close first
// waits until everything that they have sent has arrived, for two seconds at most and
// not longer than ctx. It then tells the other processes that this one ends, for which the
// broker has half a second, even if ctx has ended: without it, they would wait until they
// give the process up. Close returns an error if some of what was sent was not even
// published. A second Close only waits until the first one has ended, or ctx ends.
func (l *Layer) Close(ctx context.Context) error {
	l.mu.Lock()
	again := l.closing
	l.closing = true
	l.mu.Unlock()
	if again {
		select {
		case <-l.closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(l.closed)
	flushing, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	l.flush(flushing)

	l.mu.Lock()
	l.node.Close(time.Now())
	l.leaving = true
	l.unlock()
	l.connect.Do(func() { close(l.connected) })
	select {
	case <-l.published:
	case <-time.After(farewellTime):
	}
	l.mu.Lock()
	flushed := l.node.Flushed()
	l.stopped = true
	l.idle.Broadcast()
	l.mu.Unlock()
	close(l.stop)
	l.running.Wait()
	err := l.bus.Close()
	<-l.published
	switch {
	case err != nil:
		return fmt.Errorf("layer: leave the broker: %w", err)
	case !flushed:
		return errors.New("layer: some messages are lost, because the broker didn't take them in time")
	}
	return nil
}

// flush waits until everything that the ends have sent has arrived, or ctx ends.
func (l *Layer) flush(ctx context.Context) {
	const interval = 2 * time.Millisecond
	for {
		l.mu.Lock()
		arrived := l.node.Flush(time.Now())
		l.unlock()
		if arrived {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
	}
}
