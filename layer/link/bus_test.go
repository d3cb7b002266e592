package link

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// bus carries the packets of Nodes in simulated time. It loses, duplicates and reorders
// as many of them as its fields say.
type bus struct {
	t     *testing.T
	rnd   *rand.Rand
	now   time.Time
	nodes []*process
	waits []carried // in the order of their arrival, unless reordered

	lose, twice, reorder int // in percent
	delay                time.Duration
	cut                  func(from, to *process) bool // nil: none
	change               func(data []byte) []byte     // nil: none
}

// carried is a packet on its way.
type carried struct {
	from, to *process
	at       time.Time
	data     []byte
}

// process is a Node with what its ends have seen.
type process struct {
	*Node
	name    string
	stopped bool // it doesn't run, as after SIGSTOP
	dead    bool

	log    []logged // all events, in order
	inbox  [][]byte // packets that have arrived while it was stopped
	ins    []layer.Input
	outs   []layer.Output
	lost   []func(string) bool
	backs  []layer.Address // of EventBackLost
	gone   []layer.Address
	moved  []func(string) bool
	handle func(in layer.Input) error
}

// logged is an event with the time at which it was carried out.
type logged struct {
	Event

	at time.Time
}

func newBus(t *testing.T, seed uint64) *bus {
	return &bus{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1000, 0)}
}

// prefix returns the name of a room up to its first dot.
func prefix(room string) string {
	name, _, _ := strings.Cut(room, ".")
	return name
}

func (b *bus) process(name string, channels ...string) *process {
	var id ID
	binary.BigEndian.PutUint64(id[:], b.rnd.Uint64())
	p := &process{name: name, Node: New(Config{ID: id, Name: name, Channels: channels, Channel: prefix}, b.now)}
	if channels == nil {
		p.config.Channels, p.config.Channel = []string{""}, func(string) string { return "" }
	}
	b.nodes = append(b.nodes, p)
	return p
}

// worker returns a process with a worker.
func (b *bus) worker(name string, channels ...string) *process {
	p := b.process(name, channels...)
	if err := p.Serve(b.now); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// consumer returns a process with a front.
func (b *bus) consumer(name string) (*process, uint64) {
	p := b.process(name)
	front, _ := p.Attach(b.now)
	return p, front
}

// newPair returns a bus with a worker and a consumer that know each other.
func newPair(t *testing.T) (b *bus, worker, consumer *process, front uint64) {
	b = newBus(t, 1)
	worker = b.worker("worker")
	consumer, front = b.consumer("consumer")
	b.run(500 * time.Millisecond)
	return b, worker, consumer, front
}

func (b *bus) happens(percent int) bool { return percent > 0 && b.rnd.IntN(100) < percent }

// publish takes what the Nodes want to publish.
func (b *bus) publish() (some bool) {
	for _, from := range b.nodes {
		for !from.stopped && !from.dead {
			p, ok := from.Next(b.now)
			if !ok {
				break
			}
			some = true
			if b.change != nil {
				p.Data = b.change(p.Data)
			}
			for _, to := range b.nodes {
				if p.To != Everyone && p.To != to.config.ID || to.dead {
					continue
				}
				if b.happens(b.lose) || b.cut != nil && b.cut(from, to) {
					continue
				}
				c := carried{from, to, b.now.Add(time.Millisecond), p.Data}
				if b.delay > 0 {
					c.at = c.at.Add(time.Duration(b.rnd.Int64N(int64(b.delay))))
				}
				b.waits = append(b.waits, c)
				if b.happens(b.twice) {
					b.waits = append(b.waits, c)
				}
				if n := len(b.waits); n > 1 && b.happens(b.reorder) {
					b.waits[n-1], b.waits[n-2] = b.waits[n-2], b.waits[n-1]
				}
			}
		}
	}
	return some
}

// arrive lets packets arrive whose time has come.
func (b *bus) arrive() {
	waits := b.waits
	b.waits = nil
	for _, c := range waits {
		switch {
		case c.to.dead:
		case c.at.After(b.now):
			b.waits = append(b.waits, c)
		case c.to.stopped:
			c.to.inbox = append(c.to.inbox, c.data)
		default:
			c.to.Receive(b.now, c.data)
			b.call(c.to)
		}
	}
}

// call carries out the events of a process.
func (b *bus) call(p *process) {
	for events := p.Events(); len(events) > 0; events = p.Events() {
		for _, e := range events {
			p.log = append(p.log, logged{e, b.now})
			switch e.Kind {
			case EventInput:
				p.ins = append(p.ins, e.Input)
				if p.handle != nil && p.handle(e.Input) != nil {
					out := Refusal(&e.Input)
					p.Deliver(b.now, &out)
				}
			case EventOutputs:
				p.outs = append(p.outs, e.Outputs...)
			case EventFrontLost:
				p.lost = append(p.lost, e.Rooms)
			case EventBackLost:
				p.backs = append(p.backs, e.Address)
			case EventGone:
				p.gone = append(p.gone, e.Address)
			case EventMoved:
				p.moved = append(p.moved, e.Rooms)
			}
		}
	}
}

// run lets time pass.
func (b *bus) run(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(time.Millisecond)
		for _, p := range b.nodes {
			if !p.stopped && !p.dead && b.now.Sub(p.ticked) >= TickInterval {
				p.Tick(b.now)
				b.call(p)
			}
		}
		b.publish()
		b.arrive()
		for _, p := range b.nodes {
			b.call(p)
		}
	}
}

// resume lets a stopped process run again.
func (b *bus) resume(p *process) {
	p.stopped = false
	p.Tick(b.now)
	b.call(p)
	for _, data := range p.inbox {
		p.Receive(b.now, data)
		b.call(p)
	}
	p.inbox = nil
}

// until lets time pass until ok returns true.
func (b *bus) until(what string, within time.Duration, ok func() bool) {
	b.t.Helper()
	for end := b.now.Add(within); !ok(); b.run(time.Millisecond) {
		if b.now.After(end) {
			b.t.Fatalf("after %v not yet: %s", within, what)
		}
	}
}

func edit(room string, conn event.ConnID, data []byte) *layer.Input {
	return &layer.Input{Room: room, Input: event.Input{
		Kind: event.InputMessage, Conn: conn, Message: protocol.Message{Type: protocol.Update, Data: data},
	}}
}

func request(room string, conn event.ConnID) *layer.Input {
	return &layer.Input{Room: room, Input: event.Input{
		Kind: event.InputRequest, Conn: conn, Request: &event.Request{Kind: event.RequestQuery},
	}}
}

func update(room string, to layer.Address, data []byte) *layer.Output {
	return &layer.Output{Room: room, To: to, Output: event.Output{
		Kind: event.OutputMessage, Message: protocol.Message{Type: protocol.Update, Data: data},
	}}
}

// send sends an input, which must be taken.
func (b *bus) send(p *process, front uint64, in *layer.Input) {
	b.t.Helper()
	if _, err := p.Send(b.now, front, in); err != nil {
		b.t.Fatalf("%s: Send: %v", p.name, err)
	}
}
