// Package membus is a broker in memory for tests of layers between processes, with the
// faults of layertest. Its Apart makes one layer of several processes.
package membus

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/link"
)

// longest is the longest delay of a packet.
const longest = 5 * time.Millisecond

// Broker carries packets between the Buses that it has connected.
type Broker struct {
	faults layertest.Faults

	mu      sync.Mutex
	rnd     *rand.Rand
	stopped bool
	cut     bool
	buses   map[*Bus]bool
}

// New returns a Broker with faults.
func New(f layertest.Faults) *Broker {
	return &Broker{faults: f, rnd: rand.New(rand.NewPCG(f.Seed, 1)), buses: make(map[*Bus]bool)}
}

// Stop ends the faults.
func (b *Broker) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped, b.cut = true, false
}

// Cut loses all packets for a time.
func (b *Broker) Cut(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
	time.AfterFunc(d, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.cut = false
	})
}

// Connect returns the connection of a process.
func (b *Broker) Connect() *Bus {
	return &Bus{broker: b, arrived: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Bus is a buslayer.Bus.
type Bus struct {
	broker *Broker
	id     link.ID
	to     buslayer.Subscriber

	mu      sync.Mutex
	queue   []carried
	arrived chan struct{}
	closed  chan struct{}
	running sync.WaitGroup
}

// carried is a packet on its way.
type carried struct {
	data  []byte
	delay time.Duration
}

// Subscribe implements buslayer.Bus.
func (b *Bus) Subscribe(id link.ID, s buslayer.Subscriber) {
	b.id, b.to = id, s
	b.broker.mu.Lock()
	b.broker.buses[b] = true
	b.broker.mu.Unlock()
	b.running.Go(b.run)
}

// run passes on what arrives.
func (b *Bus) run() {
	b.to.Subscribed()
	for {
		select {
		case <-b.closed:
			return
		case <-b.arrived:
		}
		for c, ok := b.next(); ok; c, ok = b.next() {
			if c.delay > 0 {
				time.Sleep(c.delay)
			}
			b.to.Receive(c.data)
		}
	}
}

func (b *Bus) next() (c carried, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return carried{}, false
	}
	c, b.queue = b.queue[0], b.queue[1:]
	return c, true
}

// Publish implements buslayer.Bus.
func (b *Bus) Publish(packets []link.Packet) error {
	broker := b.broker
	broker.mu.Lock()
	defer broker.mu.Unlock()
	if !broker.buses[b] {
		return errors.New("membus: closed")
	}
	for _, p := range packets {
		for to := range broker.buses {
			if p.To == link.Everyone || p.To == to.id {
				broker.carry(to, p.Data)
			}
		}
	}
	return nil
}

// carry passes a packet to a Bus, unless a fault prevents it. b.mu is held.
func (b *Broker) carry(to *Bus, data []byte) {
	happens := func(percent int) bool { return !b.stopped && percent > 0 && b.rnd.IntN(100) < percent }
	if b.cut || happens(b.faults.Lose) {
		return
	}
	c := carried{data: data}
	if happens(b.faults.Delay) {
		c.delay = time.Duration(b.rnd.Int64N(int64(longest)))
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	to.queue = append(to.queue, c)
	if happens(b.faults.Duplicate) {
		to.queue = append(to.queue, carried{data: data})
	}
	if n := len(to.queue); n > 1 && happens(b.faults.Reorder) {
		to.queue[n-1], to.queue[n-2] = to.queue[n-2], to.queue[n-1]
	}
	select {
	case to.arrived <- struct{}{}:
	default:
	}
}

// Renew implements buslayer.Bus.
func (b *Bus) Renew() {}

// Close implements buslayer.Bus.
func (b *Bus) Close() error {
	b.broker.mu.Lock()
	delete(b.broker.buses, b)
	b.broker.mu.Unlock()
	close(b.closed)
	b.running.Wait()
	return nil
}
