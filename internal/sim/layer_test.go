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

// lossyLayer is a layer with several fronts and several workers. Its messages take time
// to arrive. Until the world is calm, messages are lost, duplicated and reordered, and
// links between single processes are cut. Losses are reported to the ends, as the
// contract of layers says, but late.
//
// Each end has its own list of the workers that exist, its view. A room is placed at
// the worker of the view whose number and the room's name have the highest hash. Views
// change at different times, so for a while two workers may run one room.
type lossyLayer struct {
	world  *world
	fronts []*lossyFront // attached
	backs  []*lossyBack  // attached
	last   int           // number of fronts made
}

const (
	viewDelay   = 200 * time.Millisecond // the longest delay until the ends see that a worker was started or drains
	deathDelay  = 3 * time.Second        // the longest delay until the ends see that another one has crashed
	noticeDelay = 300 * time.Millisecond // the longest delay until a loss is reported to the ends
	window      = 40                     // the messages on a link from which on Send returns ErrFull
)

// lossyFront is a layer.Front.
type lossyFront struct {
	layer   *lossyLayer
	of      *life
	address layer.Address
	handler layer.FrontHandler
	view    []*lossyBack
	links   map[*lossyBack]*link
}

// lossyBack is a layer.Back.
type lossyBack struct {
	layer    *lossyLayer
	of       *server
	handler  layer.BackHandler
	view     []*lossyBack
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
func (ly *lossyLayer) attach(of *life, h layer.FrontHandler) *lossyFront {
	ly.last++
	f := &lossyFront{
		layer: ly, of: of, handler: h, address: layer.Address(strconv.Itoa(ly.last)),
		view: ly.serving(), links: make(map[*lossyBack]*link),
	}
	ly.fronts = append(ly.fronts, f)
	return f
}

// endpoint is the layer as one worker sees it.
type endpoint struct {
	*lossyLayer
	of *server
}

func (e endpoint) Attach(layer.FrontHandler) (layer.Front, error) {
	panic("Attach called on the end of a worker")
}

// Serve implements layer.Layer.
func (e endpoint) Serve(h layer.BackHandler) (layer.Back, error) {
	b := &lossyBack{layer: e.lossyLayer, of: e.of, handler: h}
	e.of.back = b
	e.backs = append(e.backs, b)
	b.view = e.serving()
	e.changed(viewDelay)
	return b, nil
}

// serving returns the workers that accept inputs.
func (ly *lossyLayer) serving() []*lossyBack {
	return slices.DeleteFunc(slices.Clone(ly.backs), func(x *lossyBack) bool { return x.drained || x.of.dead })
}

// changed schedules a refresh of the view of each end, at a random time within a
// duration.
func (ly *lossyLayer) changed(within time.Duration) {
	w := ly.world
	for _, f := range slices.Clone(ly.fronts) {
		w.after(f.of, w.within(within), f.refresh)
	}
	for _, x := range slices.Clone(ly.backs) {
		w.after(&x.of.life, w.within(within), x.refresh)
	}
}

// owner returns the worker of a view at which a room is placed, or nil if the view is
// empty.
func owner(view []*lossyBack, room string) (best *lossyBack) {
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
func (f *lossyFront) refresh() {
	before := f.view
	f.view = slices.DeleteFunc(f.layer.serving(), func(x *lossyBack) bool { return f.link(x).cut })
	now := f.view
	f.handler.Lost(func(room string) bool { return owner(before, room) != owner(now, room) })
}

// refresh renews the view of a worker, which hands over rooms that are placed
// elsewhere now.
func (b *lossyBack) refresh() {
	b.view = b.layer.serving()
	if !b.drained {
		b.handler.Moved(func(room string) bool { return owner(b.view, room) != b })
	}
}

func (f *lossyFront) link(to *lossyBack) *link {
	l := f.links[to]
	if l == nil {
		l = &link{}
		f.links[to] = l
	}
	return l
}

// Send implements layer.Front.
func (f *lossyFront) Send(in layer.Input) error {
	to := owner(f.view, in.Room)
	switch {
	case !slices.Contains(f.layer.fronts, f):
		return layer.ErrClosed
	case to == nil:
		return layer.ErrNoOwner
	case len(f.link(to).up) >= window:
		f.layer.world.seen.full++
		return layer.ErrFull
	}
	in.From = f.address
	f.layer.carry(f, to, &f.link(to).up, in.Kind != event.InputRequest, func(again bool) {
		taken := in
		if again {
			taken.Message.Data, taken.Vector = bytes.Clone(in.Message.Data), bytes.Clone(in.Vector)
		}
		to.take(f, taken)
	})
	return nil
}

// SendAll implements layer.Front.
func (f *lossyFront) SendAll(layer.Input) (int, error) {
	panic("SendAll called, but the simulation doesn't list rooms")
}

// Close implements layer.Front. Then Gone is called on the workers.
func (f *lossyFront) Close() error {
	f.layer.detach(f, 0)
	return nil
}

// detach removes a front. Gone is called on each worker within d.
func (ly *lossyLayer) detach(f *lossyFront, d time.Duration) {
	ly.fronts = slices.DeleteFunc(ly.fronts, func(x *lossyFront) bool { return x == f })
	for _, x := range ly.backs {
		ly.world.after(&x.of.life, ly.world.within(d), func() {
			if !x.drained {
				x.gone(f)
			}
		})
	}
}

func (b *lossyBack) gone(f *lossyFront) {
	b.of.forget(f.address)
	b.handler.Gone(f.address)
}

// take passes an input that has arrived to the worker.
func (b *lossyBack) take(f *lossyFront, in layer.Input) {
	w := b.layer.world
	if b.drained || owner(b.view, in.Room) != b {
		b.layer.lost(f, b) // the views of front and worker differ
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
func (b *lossyBack) Deliver(outs []layer.Output) {
	if b.of.dead {
		return
	}
	for _, out := range outs {
		b.of.check(&out)
		i := slices.IndexFunc(b.layer.fronts, func(f *lossyFront) bool { return f.address == out.To })
		if i < 0 {
			continue
		}
		f := b.layer.fronts[i]
		b.layer.carry(f, b, &f.link(b).down, out.Kind != event.OutputResponse, func(bool) {
			f.handler.Deliver([]layer.Output{out})
		})
	}
}

// Drain implements layer.Back.
func (b *lossyBack) Drain() {
	b.drained = true
	b.layer.changed(viewDelay)
}

// Close implements layer.Back.
func (b *lossyBack) Close() error {
	b.drained, b.detached = true, true
	b.layer.remove(b, viewDelay)
	return nil
}

// remove removes a worker. The other ends refresh their views within d.
func (ly *lossyLayer) remove(x *lossyBack, d time.Duration) {
	ly.backs = slices.DeleteFunc(ly.backs, func(y *lossyBack) bool { return x == y })
	ly.changed(d)
}

// carry carries a message over a link. It calls arrive when a copy of it arrives,
// with false for the first copy.
func (ly *lossyLayer) carry(f *lossyFront, x *lossyBack, queue *[]func(), twice bool, arrive func(again bool)) {
	w := ly.world
	l := f.link(x)
	faulty := !w.calm && w.chance(w.losses)
	if l.cut || faulty && w.chance(40) {
		ly.lost(f, x)
		return
	}
	ly.enqueue(f, x, queue, func() { arrive(false) })
	if faulty && twice && w.chance(50) {
		ly.enqueue(f, x, queue, func() { arrive(true) })
	}
	if n := len(*queue); faulty && n > 1 {
		(*queue)[n-1], (*queue)[n-2] = (*queue)[n-2], (*queue)[n-1]
	}
}

func (ly *lossyLayer) enqueue(f *lossyFront, x *lossyBack, queue *[]func(), arrive func()) {
	*queue = append(*queue, arrive)
	w := ly.world
	pump := func() {
		first := (*queue)[0]
		*queue = (*queue)[1:]
		if !f.of.dead && !x.of.dead && slices.Contains(ly.fronts, f) {
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
func (ly *lossyLayer) lost(f *lossyFront, x *lossyBack) {
	w, l := ly.world, f.link(x)
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
func (ly *lossyLayer) cutSome() {
	w := ly.world
	if len(ly.fronts) == 0 || len(ly.backs) == 0 {
		return
	}
	f, x := ly.fronts[w.rnd.IntN(len(ly.fronts))], ly.backs[w.rnd.IntN(len(ly.backs))]
	l := f.link(x)
	if l.cut {
		return
	}
	w.tracef("the link between front %s and worker %d is cut", f.address, x.of.nth)
	w.seen.cuts++
	l.cut = true
	w.after(f.of, w.within(deathDelay), f.refresh)
	w.after(nil, w.within(2*deathDelay), func() { ly.mend(f, x) })
}

func (ly *lossyLayer) mend(f *lossyFront, x *lossyBack) {
	l := f.link(x)
	if !l.cut {
		return
	}
	l.cut = false
	ly.lost(f, x)
	if !f.of.dead {
		f.refresh()
	}
}
