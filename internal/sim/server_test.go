package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/worker"
)

// server is a process that runs rooms: a worker with its end of the layer and its view of
// the disk.
type server struct {
	life

	world  *world
	nth    int
	node   *node
	beside *consumer // in the same process; nil: there is none, or it has ended
	back   *back
	gone   map[layer.Address]bool
	rooms  []roomState
	opens  int // how many times rooms were opened

	handling bool            // an input is being handled, which may open a room
	reading  bool            // the next load is for a request to a room that is not opened
	working  context.Context // with which the worker loads rooms, but does not compact them

	operations []*operation // the calls of the store in progress

	stop    context.CancelFunc
	ended   chan error
	drained bool     // the server drains, or has drained
	calmly  bool     // the world was calm when it began to drain
	late    []func() // calls of a crashed process, which have no effect

	remembered map[string]*blocks.Store // used by planted faults
}

// roomState is what the world records about a room that a server has opened.
type roomState struct {
	opening   bool          // the room has to be loaded
	loaded    bool          // the room was loaded
	base      *blocks.Store // what was loaded
	joined    map[event.ConnID]layer.Address
	accepted  *blocks.Store // the updates that must be stored when the server has drained
	tainted   bool          // the room fails, or has failed
	deletions int           // how often the room was deleted before it was opened
	shadow    *shadow
}

func (w *world) startServer() {
	w.started++
	s := &server{
		world: w, nth: w.started, node: w.bus.newNode(fmt.Sprint("server ", w.started)), gone: make(map[layer.Address]bool),
		ended: make(chan error, 1), rooms: make([]roomState, len(roomNames)),
	}
	s.node.lives = append(s.node.lives, &s.life)
	w.servers = append(w.servers, s)
	w.tracef("server %d starts", s.nth)
	worked := worker.New(worker.Config{
		Layer:  w.plant.inLayer(endpoint{s}),
		Store:  w.plant.inStore(view{server: s}),
		Room:   s.open,
		Logger: slog.New(logged{s}),
		Events: worker.Events{Failed: func(f worker.FailInfo) {
			s.rooms[roomIndex(f.Room)].tainted = true
		}},
		Takeover: 15 * time.Second,
		Few:      w.few,
		Runtime: worker.Runtime{
			Go:        s.start,
			Now:       func() time.Time { return w.now },
			AfterFunc: s.afterFunc,
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.ended <- worked.Run(ctx) }()
	w.wait() // until it serves
	if w.chance(w.both) {
		w.startConsumer(s)
	}
}

// handle passes an input to the worker and records it.
func (s *server) handle(in layer.Input) error {
	w := s.world
	index := roomIndex(in.Room)
	var data []byte
	writes := in.Kind == event.InputMessage && (in.Message.Type == protocol.Update || in.Message.Type == protocol.SyncStep2)
	if writes {
		data = slices.Clone(in.Message.Data) // which the room owns from now on
	}
	if in.Kind == event.InputRequest && in.Request.Kind == event.RequestApply {
		data, writes = slices.Clone(in.Request.Update), true
	}
	if in.Kind == event.InputMessage && in.Message.Type == protocol.Update && !w.calm && w.chance(w.drops) {
		w.seen.dropped++
		return nil
	}
	s.handling = true
	err := s.back.handler.Handle(in)
	s.handling = false
	w.note(100+uint64(in.Kind), uint64(in.Conn))
	if err != nil {
		return err
	}
	r := &s.rooms[index]
	_, joined := r.joined[in.Conn]
	switch {
	case r.joined == nil:
	case in.Kind == event.InputJoin:
		r.joined[in.Conn] = in.From
	case in.Kind == event.InputLeave:
		delete(r.joined, in.Conn)
	case in.Kind == event.InputRequest && in.Request.Target != 0: // the room accepts nothing more from the connection
		w.access[in.Request.Target] = event.AccessPresent
	case writes && (in.Kind == event.InputRequest || joined && w.access[in.Conn].May(event.AccessWrite)):
		if _, err := r.accepted.Apply(data, blocks.V1); err != nil {
			panic(err) // the simulation built a malformed update
		}
	}
	return nil
}

// forget removes the connections of a front that is gone from the records.
func (s *server) forget(front layer.Address) {
	s.gone[front] = true
	for i := range s.rooms {
		for conn, at := range s.rooms[i].joined {
			if at == front {
				delete(s.rooms[i].joined, conn)
			}
		}
	}
}

// start implements Runtime.Go. Like the clock, it is also called by Worker.Run, on a
// goroutine of its own.
func (s *server) start(f func()) {
	defer s.world.ran.Add(1)
	if s.dead {
		s.late = append(s.late, f)
		return
	}
	s.world.add(&s.life, func() { s.world.call(f) })
}

func (s *server) afterFunc(d time.Duration, f func()) (stop func() bool) {
	w := s.world
	defer w.ran.Add(1)
	unset := w.after(&s.life, d, f)
	return func() bool {
		defer w.ran.Add(1)
		return unset()
	}
}

// open is called when a room opens, and discards what was recorded of an earlier
// opening in this process. It is also called when a room is only read.
func (s *server) open(name string) worker.Settings {
	if !s.handling {
		s.reading = true
		return s.world.settings
	}
	s.opens++
	l := s.world.disk.logs[roomIndex(name)]
	s.rooms[roomIndex(name)] = roomState{opening: true, tainted: l.deleted, deletions: l.deletions, accepted: blocks.New(), joined: make(map[event.ConnID]layer.Address)}
	return s.world.settings
}

// crash ends the process at once. Writes in progress may still reach the disk.
func (s *server) crash() {
	w := s.world
	w.tracef("server %d crashes", s.nth)
	w.seen.crashes++
	s.land()
	s.dead = true
	s.node.leave()
	s.late = append(s.late, w.drop(&s.life)...)
	if s.drained {
		w.draining--
	}
	s.finish()
	if c := s.beside; c != nil && !c.dead {
		c.crash()
	}
}

// land does the work of some calls of the store, which the process has sent.
func (s *server) land() {
	for _, o := range s.operations {
		if s.world.chance(50) {
			o.work(true)
		}
	}
}

// finish lets the goroutines of the crashed process end. Nothing that they do has an
// effect.
func (s *server) finish() {
	for _, o := range slices.Clone(s.operations) {
		if o.wake != nil {
			s.late = append(s.late, o.wake)
		}
	}
	s.stop()
	s.world.wait()
	for len(s.late) > 0 {
		f := s.late[0]
		s.late = s.late[1:]
		f()
		s.world.wait()
	}
	select {
	case <-s.ended:
	default:
		panic("a server did not end; " + again(s.world.seed, s.world.failure)) // the bubble can't end either
	}
	s.leave()
}

// leave removes a server that has ended from the world.
func (s *server) leave() {
	s.world.servers = slices.DeleteFunc(s.world.servers, func(x *server) bool { return x == s })
}

// drain ends the process as SIGTERM does. A consumer in the process ends first.
func (s *server) drain() {
	if s.beside != nil {
		s.beside.drain()
		return
	}
	s.world.tracef("server %d drains", s.nth)
	s.world.seen.drains++
	s.drained, s.calmly = true, s.world.calm
	s.world.draining++
	s.stop()
	s.world.wait() // so that Worker.Run begins to drain, on its own goroutine, before anything else happens
}

// checkEnd checks whether a server that drains has ended, and if so, that it ended as
// it should.
func (s *server) checkEnd() {
	var err error
	select {
	case err = <-s.ended:
	default:
		return
	}
	w := s.world
	w.tracef("server %d has ended: %v", s.nth, err)
	s.dead = true
	s.node.end()
	w.draining--
	s.leave()
	if len(s.operations) > 0 {
		w.failf("server %d has ended, but still uses the store", s.nth)
		for _, o := range slices.Clone(s.operations) {
			o.wake()
		}
	}
	switch {
	case errors.Is(err, worker.ErrDrainTimeout) && !s.calmly:
		return // the store was slow
	case err != nil:
		w.failf("server %d did not drain: %v", s.nth, err)
	}
	for i := range s.rooms {
		s.checkStored(i)
	}
}

// checkStored checks that the updates that a room has accepted are stored.
func (s *server) checkStored(i int) {
	r := &s.rooms[i]
	l := s.world.disk.logs[i]
	if r.accepted == nil || r.tainted || r.deletions != l.deletions {
		return
	}
	if held, err := l.durable.Contains(r.accepted.Encode(blocks.V1), blocks.V1); !held || err != nil {
		s.world.failf("%s: server %d has drained, but updates that it had accepted are not stored (%v)", roomNames[i], s.nth, err)
	}
}

// check checks that an output reveals nothing that is not durable, and that its
// room was loaded.
func (s *server) check(out *layer.Output) {
	w := s.world
	index := roomIndex(out.Room)
	r, l := &s.rooms[index], w.disk.logs[index]
	w.note(uint64(index), uint64(out.Output.To), uint64(out.Kind), uint64(out.Message.Type), uint64(len(out.Message.Data)))
	if out.Kind == event.OutputRejoin {
		delete(r.joined, out.Output.To)
	}
	if out.Kind != event.OutputMessage {
		return
	}
	switch out.Message.Type {
	case protocol.SyncStep1:
		shown := readVector(out.Message.Data)
		if !l.durableVector().covers(shown) {
			w.failf("%s: SyncStep1 reveals what is not durable", out.Room)
		}
		if r.base != nil && !shown.covers(readVector(r.base.StateVector())) {
			w.failf("%s: SyncStep1 lacks a part of the document that was loaded", out.Room)
		}
	case protocol.SyncStep2, protocol.Update:
		if held, err := l.ever.Contains(out.Message.Data, blocks.V1); !held || err != nil {
			w.failf("%s: message %d to %d reveals what is not durable (%v)", out.Room, out.Message.Type, out.Output.To, err)
		}
		if r.shadow == nil && r.loaded {
			doc := blocks.New()
			if _, err := doc.Apply(r.base.Encode(blocks.V1), blocks.V1); err != nil {
				panic(err)
			}
			r.shadow = newShadow(w, doc)
		}
		if r.shadow != nil {
			r.shadow.see(&out.Output)
		}
	case protocol.Close:
		r.tainted = true
		delete(r.joined, out.Output.To)
		switch code := out.Message.Code; {
		case code == protocol.CloseTryLater, code == protocol.CloseRestart, code == protocol.CloseDeleted && l.deletions > 0:
		default:
			w.failf("%s: %d was closed with %d %s", out.Room, out.Output.To, out.Message.Code, out.Message.Reason)
		}
		return
	default:
		return
	}
	if !r.loaded {
		w.failf("%s: message %d from a room that was not loaded", out.Room, out.Message.Type)
	}
}

// logged handles a log record of the worker. A record with a stack reports a bug, which
// is a failure.
type logged struct{ server *server }

func (logged) Enabled(context.Context, slog.Level) bool { return true }
func (l logged) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l logged) WithGroup(string) slog.Handler          { return l }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	if l.server.dead {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "stack" {
			l.server.world.failf("%s\n%s", r.Message, a.Value)
		}
		return true
	})
	return nil
}
