package worker

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/pool"
	"github.com/yroom/yroom/internal/rate"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// ErrDrainTimeout means that the store did not finish within the DrainTimeout.
// Clients keep the edits that were not stored, and send them again.
var ErrDrainTimeout = errors.New("worker: not all updates could be stored in time")

// Config configures a Worker. Layer and Store are required.
type Config struct {
	Layer layer.Layer
	Store store.Store
	// Name names the worker in the Summaries of its rooms. It may be empty.
	Name string
	// Room returns the settings of a room. nil stands for the defaults. It is
	// called when a room is opened or read, from several goroutines.
	Room func(name string) Settings
	// Logger logs failures. nil stands for slog.Default().
	Logger *slog.Logger
	// Events are called when something happens to a room.
	Events Events
	// DrainTimeout bounds how long Run continues after its context has ended, to finish
	// loads and appends. 0 stands for 10 seconds.
	DrainTimeout time.Duration
	// Takeover must be set if the layer accepts several workers, so that two may run one
	// room for a moment. It is how long a worker that has lost a room may still append to
	// the room's log: the time in which the layer detects that a worker is gone, plus the
	// DrainTimeout of that worker. The worker that runs the room checks the log for such
	// entries as soon as it suspects that there are any, and again after Takeover. A check
	// is one call of Store.LoadAfter. 0 means that a room is checked only if the position
	// of an append shows that it lacks entries.
	Takeover time.Duration
	// RoomsPerSecond bounds how many rooms are opened each second. After a pause, five times
	// as many may be opened at once. Past it, connections and requests wait, and are refused
	// after some seconds, as if the mailbox of the room were full. Rooms that this worker takes
	// over, whose connections join again, are not counted. 0 stands for 1,000.
	RoomsPerSecond int
	// Memory bounds what all rooms of the worker together take in memory, in bytes, as the
	// worker estimates it. When most of it is used, rooms without connections are evicted
	// early. When all is used, rooms that are not in memory can't be opened, and large rooms
	// can't grow: their connections are closed with 1013. The process needs about twice as
	// much memory, because rooms are loaded, encoded and compacted. 0 stands for half of
	// GOMEMLIMIT, or for 4 GiB if there is no such limit.
	Memory int
	// MessageMemory bounds the bytes of inputs that wait for their rooms, and of updates that
	// wait for the store. Past it, inputs wait at the consumers, except if their room has less
	// than 64 KiB of it; so edits of other rooms go on. 0 stands for 256 MiB.
	MessageMemory int
	// Few is how many connections a room may have without pauses: see Settings.Pace. 0 stands
	// for 25. If the Layer has a method Pauses() (few int, pace time.Duration), its results are
	// the defaults of Few and of Settings.Pace.
	Few int
	// Runtime replaces goroutines and the clock in simulations.
	Runtime Runtime
}

// Worker runs rooms. New makes one.
type Worker struct {
	config     Config
	pace       time.Duration // the default of Settings.Pace
	simulated  bool          // Config.Runtime was set
	goroutines *pool.Pool    // of the default Config.Runtime
	step       func(*room.Room, time.Time, []event.Input) room.Effects

	back       layer.Back      // once served is closed
	served     chan struct{}   // closed when the layer serves the worker
	working    context.Context // ends when the drain has taken too long
	compacting context.Context // ends when half of that time is over
	live       sync.WaitGroup  // actors, reads, lists, and alarms that may still fire

	delivering                 locks
	compactions, checks, reads slots

	slow    chan struct{} // has an element for each room that has a slow turn
	memory  memory
	trial   chan struct{} // full during a call of blocks.Options.Try
	intake  intake
	counts  counts
	failing atomic.Bool // an append has failed for a while, and none has succeeded since

	openings *rate.Limit
	refusals *rate.Limit // those that are logged

	mu      sync.RWMutex
	rooms   map[string]*actor
	tallies map[event.ConnID]*tally
}

// New returns a Worker that does nothing before Run is called.
func New(c Config) *Worker {
	if c.Room == nil {
		c.Room = func(string) Settings { return Settings{} }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 10*time.Second)
	c.RoomsPerSecond = cmp.Or(max(c.RoomsPerSecond, 0), 1000)
	few, pace := defaultFew, defaultPace
	if l, ok := c.Layer.(interface{ Pauses() (int, time.Duration) }); ok {
		few, pace = l.Pauses()
	}
	c.Few = cmp.Or(c.Few, few)
	simulated := c.Runtime.Go != nil
	goroutines := pool.New()
	c.Runtime = c.Runtime.withDefaults(goroutines)
	w := &Worker{
		config:      c,
		pace:        pace,
		goroutines:  goroutines,
		simulated:   simulated,
		step:        (*room.Room).Step,
		served:      make(chan struct{}),
		delivering:  locks{seed: maphash.MakeSeed()},
		compactions: slots{free: compactsAtOnce},
		checks:      slots{free: checksAtOnce},
		reads:       slots{free: readsAtOnce},
		trial:       make(chan struct{}, 1),
		openings:    rate.New(c.RoomsPerSecond),
		refusals:    rate.New(1),
		slow:        make(chan struct{}, max(runtime.GOMAXPROCS(0)/2, 1)),
		rooms:       make(map[string]*actor),
		tallies:     make(map[event.ConnID]*tally),
	}
	w.memory.limit = cmp.Or(c.Memory, defaultMemory())
	w.intake.limit = int64(cmp.Or(max(c.MessageMemory, 0), defaultIntake))
	w.memory.most.Store(math.MaxInt64)
	return w
}

// Run serves the layer until ctx ends. Then it accepts no more inputs, stores the
// updates that it has accepted, makes the connections of its rooms join again at
// another worker, and returns. The error is that of the layer, or ErrDrainTimeout. Run
// must be called only once.
func (w *Worker) Run(ctx context.Context) error {
	defer w.goroutines.Close()
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	w.working = working
	compacting, cutCompactions := context.WithCancel(working)
	defer cutCompactions()
	w.compacting = compacting

	back, err := w.config.Layer.Serve(layer.BackHandler{Handle: w.handle, Lost: w.lost, Gone: w.gone, Moved: w.moved})
	if err != nil {
		return err
	}
	w.back = back
	close(w.served)
	<-ctx.Done()
	back.Drain()

	stop := w.config.Runtime.AfterFunc(w.config.DrainTimeout, cut)
	stopHalf := w.config.Runtime.AfterFunc(w.config.DrainTimeout/2, cutCompactions)
	defer stopHalf()
	for _, a := range w.all() {
		a.drain()
	}
	w.live.Wait()
	if !stop() {
		err = ErrDrainTimeout
	}
	return errors.Join(err, back.Close())
}

// Served returns a channel that is closed once the layer passes inputs to the worker.
// If Run returns before, its error says why it doesn't.
func (w *Worker) Served() <-chan struct{} { return w.served }

// find returns the actor of a room, or nil if the room is not open.
func (w *Worker) find(name string) *actor {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.rooms[name]
}

// open returns the actor of a room, and makes one if the room is not open.
func (w *Worker) open(name string) *actor {
	opened := newActor(w, name)
	w.mu.Lock()
	a := w.rooms[name]
	if a == nil {
		w.rooms[name] = opened
		w.counts.add(opened.counted)
		w.live.Add(1)
	}
	w.mu.Unlock()
	if a != nil { // another input has opened it
		return a
	}
	w.config.Runtime.Go(opened.load)
	return opened
}

// forget removes a, so that the next input makes a new actor.
func (w *Worker) forget(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rooms[a.name] == a {
		delete(w.rooms, a.name)
	}
}

// all returns all actors, in the order of their names, so that a simulation can
// be repeated.
func (w *Worker) all() []*actor {
	w.mu.RLock()
	all := make([]*actor, 0, len(w.rooms))
	for _, a := range w.rooms {
		all = append(all, a)
	}
	w.mu.RUnlock()
	slices.SortFunc(all, func(a, b *actor) int { return cmp.Compare(a.name, b.name) })
	return all
}
