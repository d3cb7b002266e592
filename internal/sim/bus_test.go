package sim

import (
	"bytes"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// bus is a layer with several fronts and several workers. Its messages take time
// to arrive. Until the world is calm, messages are lost, duplicated and reordered, and
// links between single processes are cut. Losses are reported to the ends, as the
// contract of layers says, but late.
//
// Each end has its own list of the workers that exist, its view. A room is placed at
// the worker of the view whose number and the room's name have the highest hash. Views
// change at different times, so for a while two workers may run one room.
type bus struct {
	world  *world
	fronts []*busFront // attached
	backs  []*busBack  // attached
	last   int         // number of fronts made
}

const (
	viewDelay   = 200 * time.Millisecond // the longest delay until the ends see that a worker was started or drains
	deathDelay  = 3 * time.Second        // the longest delay until the ends see that another one has crashed
	noticeDelay = 300 * time.Millisecond // the longest delay until a loss is reported to the ends
	window      = 40                     // the messages on a link from which on Send returns ErrFull
)

// busFront is a layer.Front.
type busFront struct {
	bus     *bus
	of      *life
	address layer.Address
	handler layer.FrontHandler
	view    []*busBack
	links   map[*busBack]*link
}

// busBack is a layer.Back.
type busBack struct {
	bus      *bus
	of       *server
	handler  layer.BackHandler
	view     []*busBack
	drained  bool
	detached bool
}

// link carries the messages between a front and a worker.
type link struct {
	up, down []func() // messages on their way
	cut      bool
	noticing bool // a report of a loss to both ends is scheduled
}

// attach attaches a front of a process.
func (b *bus) attach(of *life, h layer.FrontHandler) *busFront {
	b.last++
	f := &busFront{
		bus: b, of: of, handler: h, address: layer.Address(strconv.Itoa(b.last)),
		view: b.serving(), links: make(map[*busBack]*link),
	}
	b.fronts = append(b.fronts, f)
	return f
}

// endpoint is the bus as one worker sees it.
type endpoint struct {
	*bus
	of *server
}

func (e endpoint) Attach(layer.FrontHandler) (layer.Front, error) {
	panic("Attach called on the end of a worker")
}

// Serve implements layer.Layer.
func (e endpoint) Serve(h layer.BackHandler) (layer.Back, error) {
	b := &busBack{bus: e.bus, of: e.of, handler: h}
	e.of.back = b
	e.backs = append(e.backs, b)
	b.view = e.serving()
	e.changed(viewDelay)
	return b, nil
}

// serving returns the workers that accept inputs.
func (b *bus) serving() []*busBack {
	return slices.DeleteFunc(slices.Clone(b.backs), func(x *busBack) bool { return x.drained || x.of.dead })
}

// changed schedules a refresh of the view of each end, at a random time within a
// duration.
func (b *bus) changed(within time.Duration) {
	w := b.world
	for _, f := range slices.Clone(b.fronts) {
		w.after(f.of, w.within(within), f.refresh)
	}
	for _, x := range slices.Clone(b.backs) {
		w.after(&x.of.life, w.within(within), x.refresh)
	}
}

// owner returns the worker of a view at which a room is placed, or nil if the view is
// empty.
func owner(view []*busBack, room string) (best *busBack) {
	var highest uint64
	for _, x := range view {
		h := fnv.New64a()
		_, _ = h.Write([]byte(room + strconv.Itoa(x.of.nth)))
		if sum := h.Sum64(); best == nil || sum > highest {
			best, highest = x, sum
		}
	}
	return best
}

// refresh renews the view of a front. Connections in rooms that are placed
// elsewhere now have to join there.
func (f *busFront) refresh() {
	before := f.view
	f.view = slices.DeleteFunc(f.bus.serving(), func(x *busBack) bool { return f.link(x).cut })
	now := f.view
	f.handler.Lost(func(room string) bool { return owner(before, room) != owner(now, room) })
}

// refresh renews the view of a worker, which hands over rooms that are placed
// elsewhere now.
func (b *busBack) refresh() {
	b.view = b.bus.serving()
	if !b.drained {
		b.handler.Moved(func(room string) bool { return owner(b.view, room) != b })
	}
}

func (f *busFront) link(to *busBack) *link {
	l := f.links[to]
	if l == nil {
		l = &link{}
		f.links[to] = l
	}
	return l
}

// Send implements layer.Front.
func (f *busFront) Send(in layer.Input) error {
	to := owner(f.view, in.Room)
	switch {
	case !slices.Contains(f.bus.fronts, f):
		return layer.ErrClosed
	case to == nil:
		return layer.ErrNoOwner
	case len(f.link(to).up) >= window:
		f.bus.world.seen.full++
		return layer.ErrFull
	}
	in.From = f.address
	f.bus.carry(f, to, &f.link(to).up, in.Kind != event.InputRequest, func(again bool) {
		taken := in
		if again {
			taken.Message.Data, taken.Vector = bytes.Clone(in.Message.Data), bytes.Clone(in.Vector)
		}
		to.take(f, taken)
	})
	return nil
}

// SendAll implements layer.Front.
func (f *busFront) SendAll(layer.Input) (int, error) {
	panic("SendAll called, but the simulation doesn't list rooms")
}

// Close implements layer.Front. Then Gone is called on the workers.
func (f *busFront) Close() error {
	f.bus.detach(f, 0)
	return nil
}

// detach removes a front. Gone is called on each worker within d.
func (b *bus) detach(f *busFront, d time.Duration) {
	b.fronts = slices.DeleteFunc(b.fronts, func(x *busFront) bool { return x == f })
	for _, x := range b.backs {
		b.world.after(&x.of.life, b.world.within(d), func() {
			if !x.drained {
				x.gone(f)
			}
		})
	}
}

func (b *busBack) gone(f *busFront) {
	b.of.forget(f.address)
	b.handler.Gone(f.address)
}

// take passes an input that has arrived to the worker.
func (b *busBack) take(f *busFront, in layer.Input) {
	w := b.bus.world
	if b.drained || owner(b.view, in.Room) != b {
		b.bus.lost(f, b) // the views of front and worker differ
		return
	}
	switch err := b.of.handle(in); {
	case err == nil:
	case in.Kind == event.InputLeave:
		w.failf("%s: a Leave was refused: %v", in.Room, err)
	case w.calm: // the room is full, but connections must not be closed any more
		w.after(&b.of.life, 50*time.Millisecond, func() { b.take(f, in) })
	default: // the room is full
		w.seen.full++
		out := event.Output{Kind: event.OutputMessage, To: in.Conn, Message: protocol.Message{Type: protocol.Close, Code: protocol.CloseTryLater}}
		if in.Kind == event.InputRequest {
			refusal := event.Refusal{Cause: event.CauseClosed, Code: protocol.CloseTryLater}
			out = event.Output{Kind: event.OutputResponse, To: in.Conn, Response: &event.Response{Refusal: refusal}}
		}
		f.handler.Deliver([]layer.Output{{Room: in.Room, To: f.address, Output: out}})
	}
}

// Deliver implements layer.Back.
func (b *busBack) Deliver(outs []layer.Output) {
	if b.of.dead {
		return
	}
	for _, out := range outs {
		b.of.check(&out)
		i := slices.IndexFunc(b.bus.fronts, func(f *busFront) bool { return f.address == out.To })
		if i < 0 {
			continue
		}
		f := b.bus.fronts[i]
		b.bus.carry(f, b, &f.link(b).down, out.Kind != event.OutputResponse, func(bool) {
			f.handler.Deliver([]layer.Output{out})
		})
	}
}

// Drain implements layer.Back.
func (b *busBack) Drain() {
	b.drained = true
	b.bus.changed(viewDelay)
}

// Close implements layer.Back.
func (b *busBack) Close() error {
	b.drained, b.detached = true, true
	b.bus.remove(b, viewDelay)
	return nil
}

// remove removes a worker. The other ends refresh their views within d.
func (b *bus) remove(x *busBack, d time.Duration) {
	b.backs = slices.DeleteFunc(b.backs, func(y *busBack) bool { return x == y })
	b.changed(d)
}

// carry carries a message over a link. It calls arrive when a copy of it arrives,
// with false for the first copy.
func (b *bus) carry(f *busFront, x *busBack, queue *[]func(), twice bool, arrive func(again bool)) {
	w := b.world
	l := f.link(x)
	faulty := !w.calm && w.chance(w.losses)
	if l.cut || faulty && w.chance(40) {
		b.lost(f, x)
		return
	}
	b.enqueue(f, x, queue, func() { arrive(false) })
	if faulty && twice && w.chance(50) {
		b.enqueue(f, x, queue, func() { arrive(true) })
	}
	if n := len(*queue); faulty && n > 1 {
		(*queue)[n-1], (*queue)[n-2] = (*queue)[n-2], (*queue)[n-1]
	}
}

func (b *bus) enqueue(f *busFront, x *busBack, queue *[]func(), arrive func()) {
	*queue = append(*queue, arrive)
	w := b.world
	pump := func() {
		first := (*queue)[0]
		*queue = (*queue)[1:]
		if !f.of.dead && !x.of.dead && slices.Contains(b.fronts, f) {
			first()
		}
	}
	if w.calm || w.chance(95) {
		w.add(nil, pump)
	} else {
		w.after(nil, w.within(w.pace), pump)
	}
}

// lost reports to both ends, after a while, that messages between them were lost.
func (b *bus) lost(f *busFront, x *busBack) {
	w, l := b.world, f.link(x)
	w.seen.losses++
	if l.noticing {
		return
	}
	l.noticing = true
	w.after(nil, w.within(noticeDelay), func() {
		l.noticing = false
		if w.plant.unreported {
			return
		}
		if !f.of.dead {
			f.handler.Lost(func(room string) bool { return owner(f.view, room) == x })
		}
		if !x.of.dead && !x.drained {
			x.handler.Lost(f.address)
		}
	})
}

// cutSome cuts the link between a front and a worker for a while. Meanwhile the front
// places rooms at other workers, but the view of the worker doesn't change.
func (b *bus) cutSome() {
	w := b.world
	if len(b.fronts) == 0 || len(b.backs) == 0 {
		return
	}
	f, x := b.fronts[w.rnd.IntN(len(b.fronts))], b.backs[w.rnd.IntN(len(b.backs))]
	l := f.link(x)
	if l.cut {
		return
	}
	w.tracef("the link between front %s and worker %d is cut", f.address, x.of.nth)
	w.seen.cuts++
	l.cut = true
	w.after(f.of, w.within(deathDelay), f.refresh)
	w.after(nil, w.within(2*deathDelay), func() { b.mend(f, x) })
}

func (b *bus) mend(f *busFront, x *busBack) {
	l := f.link(x)
	if !l.cut {
		return
	}
	l.cut = false
	b.lost(f, x)
	if !f.of.dead {
		f.refresh()
	}
}
