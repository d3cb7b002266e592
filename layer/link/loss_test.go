package link

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// TestLosses exchanges messages between three consumers and three workers over a bus
// with faults, while processes stop, die and come. Whatever doesn't arrive must be
// reported at both ends that still exist, after it was sent. What arrives must arrive
// once and in order. In the end, all sessions must work.
func TestLosses(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		w := newLossWorld(t, uint64(seed))
		for range 4000 {
			w.step()
		}
		w.finish()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestDamage checks that Nodes survive packets that are damaged, replayed or delivered to
// the wrong Node, and exchange messages afterwards.
func TestDamage(t *testing.T) {
	for seed := range 10 {
		b := newBus(t, uint64(seed))
		w := &lossWorld{bus: b}
		for i := range 2 {
			w.addWorker(fmt.Sprint("worker", i))
			w.addConsumer(fmt.Sprint("consumer", i))
		}
		b.run(500 * time.Millisecond)
		var old [][]byte
		b.change = func(data []byte) []byte {
			if len(old) < 5000 {
				old = append(old, data)
			}
			switch b.rnd.IntN(100) {
			case 0:
				data = slices.Clone(data)
				for range 1 + b.rnd.IntN(3) {
					data[b.rnd.IntN(len(data))] ^= 1 << b.rnd.IntN(8)
				}
			case 1:
				data = data[:b.rnd.IntN(len(data)+1)]
			case 2:
				data = slices.Concat(data, make([]byte, b.rnd.IntN(5)))
			case 3:
				data = old[b.rnd.IntN(len(old))]
			}
			return data
		}
		for range 1500 {
			c, k := pick(b.rnd, w.consumers), pick(b.rnd, w.workers)
			data := make([]byte, 1<<b.rnd.IntN(18))
			_, _ = c.Send(b.now, c.front, edit(fmt.Sprint("r", b.rnd.IntN(10)), 1, data))
			if len(k.ins) > 0 {
				in := pick(b.rnd, k.ins)
				k.Deliver(b.now, update(in.Room, in.From, data))
			}
			b.run(5 * time.Millisecond)
		}
		b.change = nil
		b.run(10 * time.Second)
		for _, c := range w.consumers {
			for i := range 10 {
				b.send(c.process, c.front, edit(fmt.Sprint("r", i), 1, []byte("later")))
			}
		}
		later := 0
		b.run(100 * time.Millisecond)
		for _, k := range w.workers {
			for _, in := range k.ins {
				if string(in.Message.Data) == "later" {
					later++
				}
			}
		}
		if later != 20 {
			t.Fatalf("seed %d: %d inputs arrived afterwards, want 20", seed, later)
		}
	}
}

type lossWorld struct {
	*bus

	last      uint64 // the number of the last message
	consumers []*lossConsumer
	workers   []*lossWorker
	sent      []*sentMessage
	messages  map[uint64]*sentMessage
}

type lossConsumer struct {
	*process

	front uint64 // the others were closed
	seen  int    // events
}

type lossWorker struct {
	*process

	joined []sentMessage // the newest input of each room from each front
	gone   map[layer.Address]bool
	seen   int // events
}

type sentMessage struct {
	number       uint64
	input        bool
	front        uint64 // of the consumer
	term         uint64 // of the worker, for an output
	room         string
	consumer     *lossConsumer
	worker       *lossWorker   // which received an input, or sent an output
	address      layer.Address // of an output
	arrived      bool
	at           time.Time // when it did
	frontReports bool      // the loss of the message would be reported at its front by now
	backReports  bool
}

func newLossWorld(t *testing.T, seed uint64) *lossWorld {
	w := &lossWorld{bus: newBus(t, seed), messages: make(map[uint64]*sentMessage)}
	for i := range 3 {
		w.addWorker(fmt.Sprint("worker", i))
		w.addConsumer(fmt.Sprint("consumer", i))
	}
	w.run(time.Second)
	return w
}

func (w *lossWorld) addWorker(name string) {
	w.workers = append(w.workers, &lossWorker{
		process: w.worker(name), gone: make(map[layer.Address]bool),
	})
}

func (w *lossWorld) addConsumer(name string) {
	p, front := w.consumer(name)
	w.consumers = append(w.consumers, &lossConsumer{process: p, front: front})
}

func pick[T any](rnd *rand.Rand, of []T) T { return of[rnd.IntN(len(of))] }

func (w *lossWorld) step() {
	switch n := w.rnd.IntN(1000); {
	case n < 600:
		w.sendInput(pick(w.rnd, w.consumers))
	case n < 900:
		w.sendOutput(pick(w.rnd, w.workers))
	case n < 903:
		w.lose, w.twice, w.reorder = w.rnd.IntN(3), w.rnd.IntN(3), w.rnd.IntN(3)
	case n < 906:
		w.lose, w.twice, w.reorder, w.cut = 0, 0, 0, nil
	case n < 908:
		a, b := pick(w.rnd, w.nodes), pick(w.rnd, w.nodes)
		w.cut = func(from, to *process) bool { return from == a && to == b || a == b && (from == a || to == a) }
	case n < 909:
		p := pick(w.rnd, w.nodes)
		p.stopped = true
	case n < 911:
		for _, p := range w.nodes {
			if p.stopped {
				w.resume(p)
			}
		}
	case n < 912 && len(w.nodes) < 12:
		if w.rnd.IntN(2) == 0 {
			pick(w.rnd, w.workers).dead = true
			w.addWorker("another worker")
		} else {
			pick(w.rnd, w.consumers).dead = true
			w.addConsumer("another consumer")
		}
	case n < 913:
		c := pick(w.rnd, w.consumers)
		if !c.dead && !c.stopped {
			c.Detach(w.now, c.front)
			w.run(time.Duration(w.rnd.IntN(10)) * time.Millisecond)
			c.front, _ = c.Attach(w.now)
		}
	case n < 914:
		k := pick(w.rnd, w.workers)
		if !k.dead && !k.stopped {
			w.replace(k)
		}
	case n < 915:
		if p := pick(w.rnd, w.nodes); !p.dead && !p.stopped {
			p.Resume(w.now)
		}
	case n < 960:
		w.run(time.Duration(w.rnd.IntN(100)) * time.Millisecond)
	case n < 962:
		w.run(time.Duration(w.rnd.IntN(4000)) * time.Millisecond)
	default:
		w.run(time.Millisecond)
	}
	w.observe()
}

// replace drains and ends a worker, and starts another one in its process.
func (w *lossWorld) replace(k *lossWorker) {
	if w.rnd.IntN(2) == 0 {
		k.Drain(w.now)
		w.run(time.Duration(w.rnd.IntN(300)) * time.Millisecond)
	}
	w.observe()
	k.CloseBack(w.now)
	k.joined, k.backs = nil, nil
	w.run(time.Duration(w.rnd.IntN(1000)) * time.Millisecond)
	w.observe()
	k.joined = nil
	if err := k.Serve(w.now); err != nil {
		w.t.Fatal(err)
	}
}

// data returns the content of a message: its number, and sometimes much more.
func (w *lossWorld) data() []byte {
	w.last++
	b := binary.BigEndian.AppendUint64(nil, w.last)
	if w.rnd.IntN(100) == 0 {
		b = append(b, make([]byte, w.rnd.IntN(1<<20))...)
	}
	return b
}

func numberOf(data []byte) uint64 { return binary.BigEndian.Uint64(data) }

func (w *lossWorld) sendInput(c *lossConsumer) {
	if c.dead || c.stopped {
		return
	}
	in := edit(fmt.Sprint("r", w.rnd.IntN(10)), 1, w.data())
	if _, err := c.Send(w.now, c.front, in); err == nil {
		w.add(&sentMessage{number: w.last, input: true, room: in.Room, consumer: c, front: c.front})
	}
}

func (w *lossWorld) sendOutput(from *lossWorker) {
	if from.dead || from.stopped || len(from.joined) == 0 {
		return
	}
	to := pick(w.rnd, from.joined) // a worker sends outputs of a room only to fronts that have sent inputs
	from.Deliver(w.now, update(to.room, to.address, w.data()))
	m := &sentMessage{
		number: w.last, room: to.room, consumer: to.consumer, front: to.front,
		worker: from, term: from.term, address: to.address,
	}
	w.add(m)
	p, q := from.find(to.consumer.config.ID), to.consumer.find(from.config.ID)
	if p == nil || !p.open || q == nil || !q.open || p.theirs != q.mine {
		// The front was told already that the session has ended. What it sends then arrives
		// in the next session, here or at another worker, and makes up for this output.
		for _, e := range to.consumer.log {
			m.frontReports = m.frontReports || e.Kind == EventFrontLost && e.at.After(to.at) && e.Rooms(m.room)
		}
	}
}

func (w *lossWorld) add(m *sentMessage) {
	w.sent = append(w.sent, m)
	w.messages[m.number] = m
}

// observe looks at what has happened at the ends.
func (w *lossWorld) observe() {
	for _, k := range w.workers {
		for ; k.seen < len(k.log); k.seen++ {
			k.observe(w, k.log[k.seen])
		}
	}
	for _, c := range w.consumers {
		for ; c.seen < len(c.log); c.seen++ {
			c.observe(w, c.log[c.seen])
		}
	}
}

func (k *lossWorker) observe(w *lossWorld, e logged) {
	switch e.Kind {
	case EventInput:
		m := w.arrived(e.Input.Message.Data)
		m.worker, m.address, m.at = k, e.Input.From, e.at
		if k.gone[e.Input.From] {
			w.t.Errorf("input %d arrived from a front that is gone", m.number)
		}
		k.joined = slices.DeleteFunc(k.joined, func(j sentMessage) bool { return j.room == m.room && j.address == m.address })
		k.joined = append(k.joined, *m)
	case EventMoved:
		k.joined = slices.DeleteFunc(k.joined, func(j sentMessage) bool { return e.Rooms(j.room) })
	case EventGone, EventBackLost:
		if e.Kind == EventGone {
			k.joined = slices.DeleteFunc(k.joined, func(j sentMessage) bool { return j.address == e.Address })
		}
		k.gone[e.Address] = k.gone[e.Address] || e.Kind == EventGone
		for _, m := range w.sent {
			m.backReports = m.backReports || m.worker == k && m.address == e.Address
		}
		if e.Kind == EventBackLost { // a worker asks for each connection
			w.ask(k, e.Address)
		}
	}
}

func (c *lossConsumer) observe(w *lossWorld, e logged) {
	switch e.Kind {
	case EventOutputs:
		for _, out := range e.Outputs {
			if out.Kind != event.OutputRejoin {
				w.arrived(out.Message.Data)
			}
		}
	case EventFrontLost:
		for _, m := range w.sent {
			m.frontReports = m.frontReports || m.consumer == c && e.Rooms(m.room)
		}
	}
}

func (w *lossWorld) ask(k *lossWorker, front layer.Address) {
	for _, j := range k.joined {
		if j.address == front {
			k.Deliver(w.now, &layer.Output{Room: j.room, To: front, Output: event.Output{Kind: event.OutputRejoin, To: 1}})
		}
	}
}

// arrived records that a message has arrived.
func (w *lossWorld) arrived(data []byte) *sentMessage {
	m := w.messages[numberOf(data)]
	if m.arrived {
		w.t.Errorf("message %d arrived twice", m.number)
	}
	m.arrived = true
	return m
}

// finish ends the faults and checks what was reported.
func (w *lossWorld) finish() {
	w.lose, w.twice, w.reorder, w.cut = 0, 0, 0, nil
	for _, p := range w.nodes {
		if p.stopped {
			w.resume(p)
		}
	}
	for range 100 {
		w.run(100 * time.Millisecond)
		w.observe()
	}
	for _, m := range w.sent {
		if m.arrived {
			continue
		}
		if !m.consumer.dead && m.front == m.consumer.front && !m.frontReports {
			w.t.Errorf("message %d (input: %v) of %s is lost, and its front doesn't know", m.number, m.input, m.room)
		}
		if !m.input && !m.worker.dead && m.term == m.worker.term && !m.backReports {
			w.t.Errorf("output %d of %s is lost, and its worker doesn't know", m.number, m.room)
		}
	}
	w.checkOrder()
	w.checkFronts()
	for _, c := range w.consumers {
		if c.dead {
			continue
		}
		for i := range 10 {
			w.send(c.process, c.front, edit(fmt.Sprint("r", i), event.ConnID(1), w.data()))
			m := &sentMessage{number: w.last, input: true, consumer: c, front: c.front}
			w.add(m)
			w.run(10 * time.Millisecond)
			w.observe()
			if !m.arrived {
				w.t.Errorf("after the faults, an input of %s doesn't arrive", c.name)
			}
		}
	}
}

// checkFronts checks that workers know of no fronts that were closed.
func (w *lossWorld) checkFronts() {
	for _, k := range w.workers {
		for _, j := range k.joined {
			if !k.dead && (j.consumer.dead || j.front != j.consumer.front) {
				w.t.Errorf("%s still has connections of front %d of %s", k.name, j.front, j.consumer.name)
			}
		}
	}
}

// checkOrder checks that what has arrived is in the order in which it was sent.
func (w *lossWorld) checkOrder() {
	for _, k := range w.workers {
		last := map[string]uint64{}
		for _, in := range k.ins {
			key := in.Room + string(in.From)
			if n := numberOf(in.Message.Data); n < last[key] {
				w.t.Errorf("input %d of %s arrived after %d", n, in.Room, last[key])
			} else {
				last[key] = n
			}
		}
	}
	for _, c := range w.consumers {
		type source struct {
			room   string
			worker *lossWorker
			term   uint64
		}
		last := map[source]uint64{}
		for _, out := range c.outs {
			if out.Kind == event.OutputRejoin {
				continue
			}
			m := w.messages[numberOf(out.Message.Data)]
			key := source{out.Room, m.worker, m.term}
			if m.number < last[key] {
				w.t.Errorf("output %d of %s arrived after %d", m.number, out.Room, last[key])
			} else {
				last[key] = m.number
			}
		}
	}
}
