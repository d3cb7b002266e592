package sim

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/worker"
)

// process is a server: a worker, a layer, and a consumer with its connections.
type process struct {
	world *world
	nth   int
	port  layer.Port
	conns []*conn
	rooms []roomState // what the world knows of its rooms
	opens int         // how often one was opened

	programs []*program
	sending  bool // it calls the worker
	reading  bool // the next load is of a room that stays closed

	operations []*operation // of the store, under way

	stop    context.CancelFunc
	ended   chan error
	closing bool // it admits nobody
	drained bool // it was told to stop
	dead    bool
	ghost   []func() // what a dead process would still do
}

// roomState is what the world knows of the room that a process has opened.
type roomState struct {
	opening  bool // it has to be loaded
	loaded   bool // and was
	floor    vector
	accepted *blocks.Store // what it took and must have stored when the process has drained
	tainted  bool          // it fails, or has failed
}

func (w *world) start() *process {
	w.started++
	p := &process{world: w, nth: w.started, ended: make(chan error, 1), rooms: make([]roomState, len(roomNames))}
	w.processes = append(w.processes, p)
	w.tracef("process %d starts", p.nth)
	l := memlayer.New()
	worked := worker.New(worker.Config{
		Layer:  w.plant.inLayer(line{l, p}),
		Store:  w.plant.inStore(view{process: p}),
		Room:   p.open,
		Logger: slog.New(ear{p}),
		Runtime: worker.Runtime{
			Go:        p.start,
			Now:       func() time.Time { return w.now },
			AfterFunc: p.afterFunc,
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.ended <- worked.Run(ctx) }()
	w.wait() // until it serves
	var err error
	if p.port, err = l.Attach(p.deliver); err != nil {
		panic(err)
	}
	for _, name := range roomNames {
		if err := p.port.Join(name); err != nil {
			panic(err)
		}
	}
	for i := range roomNames {
		p.newProgram(i)
	}
	return p
}

// send is the port's, whose calls of the worker open rooms.
func (p *process) send(in layer.Input) error {
	p.sending = true
	defer func() { p.sending = false }()
	return p.port.Send(in)
}

// start is the executor of the process. Like its clock, it is also called by
// Worker.Run, which has a goroutine of its own.
func (p *process) start(f func()) {
	defer p.world.ran.Add(1)
	if p.dead {
		p.ghost = append(p.ghost, f)
		return
	}
	p.world.add(p, func() { p.world.call(f) })
}

func (p *process) afterFunc(d time.Duration, f func()) (stop func() bool) {
	w := p.world
	defer w.ran.Add(1)
	unset := w.after(p, d, f)
	return func() bool {
		defer w.ran.Add(1)
		return unset()
	}
}

// open is called when a room opens: it has no earlier life in this process any
// more. It is also called when one is only read.
func (p *process) open(name string) worker.Settings {
	if !p.sending {
		p.reading = true
		return p.world.settings
	}
	p.opens++
	p.rooms[roomIndex(name)] = roomState{opening: true, accepted: blocks.New()}
	return p.world.settings
}

// crash ends the process where it stands. What was on its way to the disk may
// still get there.
func (p *process) crash() {
	w := p.world
	w.tracef("process %d crashes", p.nth)
	w.seen.crashes++
	for _, o := range p.operations {
		if o.pending != nil && w.chance(50) {
			o.pending()
		}
	}
	p.dead, p.closing = true, true
	w.ready = slices.DeleteFunc(w.ready, func(c call) bool {
		if c.of == p {
			p.ghost = append(p.ghost, c.f)
		}
		return c.of == p
	})
	for _, c := range p.conns {
		c.lose()
	}
	p.conns = nil
	if p.drained {
		w.draining--
	}
	p.bury()
}

// bury lets the dead process come to its end, so that no goroutine is left of
// it. Nothing of that reaches anybody.
func (p *process) bury() {
	for _, o := range slices.Clone(p.operations) {
		if o.wake != nil {
			p.ghost = append(p.ghost, o.wake)
		}
	}
	p.stop()
	p.world.wait()
	for len(p.ghost) > 0 {
		f := p.ghost[0]
		p.ghost = p.ghost[1:]
		f()
		p.world.wait()
	}
	select {
	case <-p.ended:
	default:
		panic("a process that has to end does not; " + again(p.world.seed, p.world.failure)) // nor can the bubble
	}
	p.gone()
}

// gone forgets a process that has ended.
func (p *process) gone() {
	if err := p.port.Close(); err != nil {
		panic(err)
	}
	p.world.processes = slices.DeleteFunc(p.world.processes, func(x *process) bool { return x == p })
}

// drain tells the process to stop, as TERM does: first it sends everybody away.
func (p *process) drain() {
	p.world.tracef("process %d drains", p.nth)
	p.world.seen.drains++
	p.closing, p.drained = true, true
	for _, c := range slices.Clone(p.conns) {
		c.leave()
		c.tell(message{typ: protocol.Close})
	}
	p.world.draining++
	p.world.add(nil, p.stopWhenLeft)
}

// stopWhenLeft ends the worker's context once every Leave was sent.
func (p *process) stopWhenLeft() {
	if p.dead {
		return
	}
	if len(p.conns) > 0 {
		p.world.after(nil, time.Millisecond, p.stopWhenLeft)
		return
	}
	p.stop()
}

// checkEnd looks whether a process that drains has ended.
func (p *process) checkEnd() {
	var err error
	select {
	case err = <-p.ended:
	default:
		return
	}
	w := p.world
	w.tracef("process %d has ended: %v", p.nth, err)
	p.dead = true
	w.draining--
	p.gone()
	if len(p.operations) > 0 {
		w.failf("process %d has ended, and still uses the store", p.nth)
		for _, o := range slices.Clone(p.operations) {
			o.wake()
		}
	}
	switch {
	case errors.Is(err, worker.ErrDrainTimeout) && !w.calm:
		return // the store was slow
	case err != nil:
		w.failf("process %d could not drain: %v", p.nth, err)
	}
	for i, r := range p.rooms {
		if r.accepted == nil || r.tainted {
			continue
		}
		if held, err := w.disk.logs[i].durable.Contains(r.accepted.Encode(blocks.V1), blocks.V1); !held || err != nil {
			w.failf("%s: process %d has drained, and what it had taken is not stored (%v)", roomNames[i], p.nth, err)
		}
	}
}

// deliver takes what the worker sends. This is where the promises are kept or broken.
func (p *process) deliver(outs []layer.Output) {
	if p.dead {
		return
	}
	for i := range outs {
		if a := outs[i].Answer; a != nil {
			for _, g := range p.programs {
				if g.conn == outs[i].To {
					g.take(*a)
				}
			}
			continue
		}
		p.check(&outs[i])
		p.route(outs[i])
	}
}

// check holds that an output reveals nothing that is not durable, and that its
// room was loaded.
func (p *process) check(out *layer.Output) {
	w := p.world
	index := roomIndex(out.Room)
	r, l := &p.rooms[index], w.disk.logs[index]
	w.note(uint64(index), uint64(out.To), uint64(out.Msg.Type), uint64(len(out.Msg.Data)))
	switch out.Msg.Type {
	case protocol.SyncStep1:
		shown := readVector(out.Msg.Data)
		if !l.durableVector().covers(shown) {
			w.failf("%s: SyncStep1 reveals what is not durable", out.Room)
		}
		if !shown.covers(r.floor) {
			w.failf("%s: SyncStep1 lacks what was there when the room was loaded", out.Room)
		}
	case protocol.SyncStep2, protocol.Update:
		if held, err := l.durable.Contains(out.Msg.Data, blocks.V1); !held || err != nil {
			w.failf("%s: message %d to %d reveals what is not durable (%v)", out.Room, out.Msg.Type, out.To, err)
		}
	case protocol.Close:
		r.tainted = true
		if out.Msg.Code != protocol.CloseTryLater && out.Msg.Code != protocol.CloseRestart {
			w.failf("%s: %d was sent away: %d %s", out.Room, out.To, out.Msg.Code, out.Msg.Reason)
		}
		return
	default:
		return
	}
	if !r.loaded {
		w.failf("%s: message %d from a room that was not loaded", out.Room, out.Msg.Type)
	}
}

// route is the consumer's part: it has an output go down its connections.
func (p *process) route(out layer.Output) {
	w := p.world
	m := message{out.Msg.Type, out.Msg.Data}
	for _, c := range slices.Clone(p.conns) {
		if roomNames[c.client.room] != out.Room || out.To != room.Everyone && out.To != c.id {
			continue
		}
		switch m.typ {
		case protocol.Close:
			w.tracef("%s: %d is sent away: %s", out.Room, c.id, out.Msg.Reason)
			c.up = slices.DeleteFunc(c.up, func(in room.Input) bool { return in.Kind != room.Leave }) // it is read no more
			c.leave()
		case protocol.SyncStep2, protocol.Update:
			if out.To == room.Everyone && c.behind {
				continue
			}
			if out.To != room.Everyone {
				c.behind, c.based = false, true
			}
			if c.based {
				c.seq = out.Seq
			}
		}
		c.tell(m)
	}
}

// line is the layer as the worker sees it.
type line struct {
	*memlayer.Layer

	process *process
}

// Deliver implements layer.Layer. It may fail and lose some of the outputs.
func (l line) Deliver(ctx context.Context, outs []layer.Output) error {
	p := l.process
	if p.dead {
		return nil
	}
	w := p.world
	closing := func(out layer.Output) bool { return out.Msg.Type == protocol.Close }
	if !w.calm && w.faults > 0 && w.rnd.IntN(500) < w.faults && !slices.ContainsFunc(outs, closing) {
		w.seen.faults++
		w.tracef("%s: a delivery fails", outs[0].Room)
		p.rooms[roomIndex(outs[0].Room)].tainted = true
		if err := l.Layer.Deliver(ctx, outs[:w.rnd.IntN(len(outs)+1)]); err != nil {
			return err
		}
		return errFault
	}
	return l.Layer.Deliver(ctx, outs)
}

// ear hears what the worker logs: a bug is one.
type ear struct{ process *process }

func (ear) Enabled(context.Context, slog.Level) bool { return true }
func (e ear) WithAttrs([]slog.Attr) slog.Handler     { return e }
func (e ear) WithGroup(string) slog.Handler          { return e }

func (e ear) Handle(_ context.Context, r slog.Record) error {
	if e.process.dead {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "stack" {
			e.process.world.failf("%s\n%s", r.Message, a.Value)
		}
		return true
	})
	return nil
}
