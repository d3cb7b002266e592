package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/link"
)

// node is the end of the bus in a process, with its real link.Node. It passes the events
// of the link.Node to the fronts or the worker of the process, one after the other, and
// its packets to the bus.
type node struct {
	life

	world *world
	name  string
	id    link.ID
	link  *link.Node
	inbox []arrival // what has arrived while the process was stalled

	lives  []*life // of the worker and the consumer of the process
	fronts map[uint64]*front
	back   *back

	events  []link.Event // due
	passing bool         // a call of pass is scheduled

	cut     bool                // it is cut off from the bus
	beats   int                 // how many heartbeats it has published
	latest  map[*node]time.Time // when the latest packet arrives at another node
	heard   map[*node]hearing
	givenUp uint64
	counted link.Stats // what was added to the counts
	ending  time.Time  // when it ends at the latest; zero: it is not ending
}

// hearing is the latest heartbeat of another node.
type hearing struct {
	beat int
	at   time.Time
}

func (b *bus) newNode(name string) *node {
	w := b.world
	n := &node{
		world: w, name: name, fronts: make(map[uint64]*front),
		latest: make(map[*node]time.Time), heard: make(map[*node]hearing),
	}
	for i := range n.id {
		n.id[i] = byte(w.rnd.IntN(256))
	}
	n.link = link.New(link.Config{ID: n.id, Name: name}, w.now)
	b.nodes = append(b.nodes, n)
	n.tick()
	return n
}

// leave removes the node of a process that has ended.
func (n *node) leave() {
	w := n.world
	if n.dead {
		return
	}
	n.dead = true
	w.drop(&n.life)
	n.count()
	w.bus.nodes = slices.DeleteFunc(w.bus.nodes, func(x *node) bool { return x == n })
}

// count adds what has happened since the last call to the counts of the world.
func (n *node) count() {
	s, was := n.link.Stats(), n.counted
	n.counted = s
	seen := &n.world.seen
	seen.gaps += int(s.Gaps - was.Gaps)
	seen.resets += int(s.Resets - was.Resets)
	seen.givenUp += int(s.GivenUp - was.GivenUp)
	seen.nearSilences += int(s.NearSilences - was.NearSilences)
	seen.deaf += int(s.Deaf - was.Deaf)
	seen.strays += int(s.Strays - was.Strays)
}

// end announces the end of the node once everything was published, or after a while.
func (n *node) end() {
	w := n.world
	if n.ending.IsZero() {
		n.ending = w.now.Add(time.Second)
	}
	if !n.link.Flushed() && w.now.Before(n.ending) {
		w.after(&n.life, 10*time.Millisecond, n.end)
		return
	}
	n.link.Close(w.now)
	n.flush()
	n.leave()
}

func (n *node) tick() {
	w := n.world
	every := link.TickInterval + w.within(link.TickInterval)
	if w.coarse {
		every *= 4
	}
	w.after(&n.life, every, n.tick)
	n.link.Tick(w.now)
	n.checkGivenUp()
	n.flush()
}

// checkGivenUp checks that no node is given up whose heartbeats have arrived lately.
func (n *node) checkGivenUp() {
	w := n.world
	n.count()
	if n.counted.GivenUp == n.givenUp {
		return
	}
	n.givenUp = n.counted.GivenUp
	w.tracef("%s has given up a node", n.name)
	for other, h := range n.heard {
		if other.dead || !other.ending.IsZero() || w.now.Sub(h.at) >= 3*time.Second {
			continue
		}
		if !slices.ContainsFunc(n.link.Peers(), func(p link.Peer) bool { return p.ID == other.id }) {
			w.failf("%s was heard %s ago and was given up by %s", other.name, w.now.Sub(h.at), n.name)
		}
	}
}

// arrive handles a packet, or keeps it while the process is stalled.
func (n *node) arrive(a arrival) {
	switch {
	case n.dead:
	case n.stalled, len(n.inbox) > 0:
		n.inbox = append(n.inbox, a)
	default:
		n.receive(a)
	}
}

// read handles what has arrived while the process was stalled.
func (n *node) read() {
	inbox := n.inbox
	n.inbox = nil
	for _, a := range inbox {
		n.receive(a)
	}
}

func (n *node) receive(a arrival) {
	if a.beat > n.heard[a.from].beat && a.from != n {
		n.heard[a.from] = hearing{a.beat, n.world.now}
	}
	if n.world.plant.unheard && n.world.steps > 5000 && n.back == nil && a.from.back != nil {
		return
	}
	n.link.Receive(n.world.now, a.data)
	n.flush()
}

// reconnect ends a cut. aware reports whether the process knows that it was cut off, as it
// does if its connection to the broker was closed.
func (n *node) reconnect(aware bool) {
	w := n.world
	if n.dead {
		return
	}
	w.tracef("%s is connected again, aware: %v", n.name, aware)
	n.cut = false
	if aware {
		w.add(&n.life, func() {
			n.link.Resume(w.now)
			n.flush()
		})
	}
}

// flush publishes packets and schedules events.
func (n *node) flush() {
	w := n.world
	if n.dead {
		return
	}
	for {
		p, ok := n.link.Next(w.now)
		if !ok {
			break
		}
		w.bus.publish(n, p)
	}
	n.events = append(n.events, n.link.Events()...)
	if len(n.events) > 0 && !n.passing {
		n.passing = true
		if w.plant.late {
			w.after(&n.life, w.within(50*time.Millisecond), n.pass)
			return
		}
		w.add(&n.life, n.pass)
	}
}

// pass carries out an event, if one is still due.
func (n *node) pass() {
	n.passing = false
	if len(n.events) > 0 {
		n.next()
	}
}

func (n *node) next() {
	e := n.events[0]
	n.events[0] = link.Event{}
	n.events = n.events[1:]
	n.carryOut(e)
	n.flush()
}

func (n *node) carryOut(e link.Event) {
	switch e.Kind {
	case link.EventOutputs:
		if f := n.fronts[e.Front]; f != nil {
			f.handler.Deliver(e.Outputs)
		}
		return
	case link.EventFrontLost:
		n.world.tracef("%s has lost messages of rooms: %v", n.name, slices.DeleteFunc(slices.Clone(roomNames), func(room string) bool { return !e.Rooms(room) }))
		for _, f := range n.fronts { // one at most
			f.handler.Lost(e.Rooms)
		}
		return
	}
	b := n.back
	if b == nil || b.drained && !n.world.plant.late {
		return
	}
	switch e.Kind {
	case link.EventInput:
		b.take(e.Input)
	case link.EventBackLost:
		n.world.tracef("%s has lost messages of %s", n.name, e.Address)
		b.handler.Lost(e.Address)
	case link.EventGone:
		n.world.tracef("%s is gone at %s", e.Address, n.name)
		b.of.forget(e.Address)
		b.handler.Gone(e.Address)
	case link.EventMoved:
		n.world.tracef("%s hands over rooms: %v", n.name, slices.DeleteFunc(slices.Clone(roomNames), func(room string) bool { return !e.Rooms(room) }))
		b.handler.Moved(e.Rooms)
	default:
		panic(fmt.Sprint("unknown event ", e.Kind))
	}
}

// front is a layer.Front.
type front struct {
	node    *node
	number  uint64
	local   layer.Address // at the worker of this process
	handler layer.FrontHandler
}

func (n *node) attach(h layer.FrontHandler) *front {
	number, local := n.link.Attach(n.world.now)
	f := &front{node: n, number: number, local: local, handler: h}
	n.fronts[number] = f
	n.flush()
	return f
}

// Send implements layer.Front.
func (f *front) Send(in layer.Input) error {
	n := f.node
	local, err := n.link.Send(n.world.now, f.number, &in)
	n.flush()
	switch {
	case !local:
		return err
	case n.back == nil || n.back.drained:
		return layer.ErrNoOwner
	}
	n.world.seen.local++
	in.From = f.local
	return n.back.handle(in)
}

// SendAll implements layer.Front.
func (f *front) SendAll(layer.Input) (int, error) {
	panic("SendAll called, but the simulation doesn't list rooms")
}

// Close implements layer.Front.
func (f *front) Close() error {
	n := f.node
	n.link.Detach(n.world.now, f.number)
	delete(n.fronts, f.number)
	n.events = append(n.events, n.link.Events()...)
	n.events = append(n.events, link.Event{Kind: link.EventGone, Address: f.local})
	n.flush()
	return nil
}

// endpoint is the layer as a worker sees it.
type endpoint struct{ of *server }

// Attach implements layer.Layer.
func (endpoint) Attach(layer.FrontHandler) (layer.Front, error) {
	panic("Attach called on the end of a worker")
}

// Serve implements layer.Layer.
func (e endpoint) Serve(h layer.BackHandler) (layer.Back, error) {
	n := e.of.node
	b := &back{node: n, of: e.of, handler: h}
	e.of.back, n.back = b, b
	err := n.link.Serve(n.world.now)
	n.flush()
	return b, err
}

// back is a layer.Back.
type back struct {
	node    *node
	of      *server
	handler layer.BackHandler
	drained bool
}

// handle passes an input to the worker.
func (b *back) handle(in layer.Input) error {
	w := b.node.world
	switch {
	case b.of.gone[in.From]:
		w.failf("%s: an input of %s follows its end", in.Room, in.From)
	case b.drained:
		w.failf("%s: an input is handled after the worker was drained", in.Room)
	}
	err := b.of.handle(in)
	if err == nil {
		return nil
	}
	w.seen.full++ // the room is full
	if in.Kind == event.InputLeave {
		w.failf("%s: a Leave was refused: %v", in.Room, err)
	}
	return err
}

// take passes an input from the bus to the worker, or refuses it.
func (b *back) take(in layer.Input) {
	if b.handle(in) != nil {
		b.deliver(link.Refusal(&in))
	}
}

// Deliver implements layer.Back.
func (b *back) Deliver(outs []layer.Output) {
	n := b.node
	if b.of.dead {
		return
	}
	for i := range outs {
		b.of.check(&outs[i])
		b.deliver(outs[i])
	}
	n.flush()
}

func (b *back) deliver(out layer.Output) {
	n := b.node
	for _, f := range n.fronts {
		if f.local == out.To {
			f.handler.Deliver([]layer.Output{out})
			return
		}
	}
	n.link.Deliver(n.world.now, &out)
}

// Drain implements layer.Back.
func (b *back) Drain() {
	n := b.node
	n.link.Drain(n.world.now)
	n.flush()
	for len(n.events) > 0 && !n.dead && !n.world.plant.late { // what was taken before is handled
		n.next()
	}
	b.drained = true
}

// Close implements layer.Back.
func (b *back) Close() error {
	if b.of.dead {
		return nil
	}
	b.drained = true
	b.node.link.CloseBack(b.node.world.now)
	b.node.flush()
	return nil
}

// checkLinks checks that every node knows all others, and has an open session with each
// node with which it must exchange messages.
func (w *world) checkLinks() {
	serving := 0
	for _, s := range w.servers {
		if !s.drained {
			serving++
		}
	}
	for _, n := range w.bus.nodes {
		peers := n.link.Peers()
		switch {
		case n.link.Deaf():
			w.failf("%s is deaf", n.name)
		case len(peers) != len(w.bus.nodes)-1:
			w.failf("%s knows %d other nodes, want %d", n.name, len(peers), len(w.bus.nodes)-1)
		case n.link.Workers() != serving:
			w.failf("%s places rooms at %d workers, want %d", n.name, n.link.Workers(), serving)
		}
		for _, p := range peers {
			fronts := len(n.fronts) > 0 && p.Worker != link.StateNone || n.back != nil && p.Fronts
			if fronts && !p.Open {
				w.failf("%s can't exchange messages with %s", n.name, p.Name)
			}
		}
	}
}
