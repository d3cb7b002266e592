// Package worker runs rooms: it opens each when somebody joins, gives it its
// inputs turn by turn, stores what its document gains before anybody sees it,
// and lets it go when nobody is left.
package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/turn"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// ErrDrainTimeout means that the store did not do everything within the
// DrainTimeout. The clients of the rooms that were cut off still have their edits.
var ErrDrainTimeout = errors.New("worker: not everything could be saved in time")

// Config says what a Worker works with. Layer and Store are needed.
type Config struct {
	Layer layer.Layer
	Store store.Store
	// Room gives the settings of a room. nil: the defaults for each. It is called
	// when a room is opened, and when one is read, from several goroutines.
	Room func(name string) Settings
	// Logger is told of what went wrong. nil: slog.Default().
	Logger *slog.Logger
	// DrainTimeout bounds how long Run goes on after its context has ended, to
	// load what it needs and save what it has. 0: 10 seconds.
	DrainTimeout time.Duration
	// Runtime is for simulations. Zero: goroutines, and the time of day.
	Runtime Runtime
}

// Worker runs rooms.
type Worker struct {
	config Config
	step   func(*room.Room, []room.Input) room.Effects

	working    context.Context // ends when the drain has taken too long
	compacting context.Context // ends when half of that time is over
	live       sync.WaitGroup  // actors, and alarms that may still ring

	compactions, reads slots

	mu    sync.RWMutex
	rooms map[string]*actor
}

// New makes a Worker. It does nothing before Run.
func New(c Config) *Worker {
	if c.Room == nil {
		c.Room = func(string) Settings { return Settings{} }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 10*time.Second)
	c.Runtime = c.Runtime.withDefaults()
	return &Worker{
		config:      c,
		step:        (*room.Room).Step,
		compactions: slots{free: compactsAtOnce},
		reads:       slots{free: readsAtOnce},
		rooms:       make(map[string]*actor),
	}
}

// Run serves until ctx ends, or the layer breaks. Then it finishes what it has
// taken and saves it, and returns. It is called once.
func (w *Worker) Run(ctx context.Context) error {
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	w.working = working
	compacting, cutCompactions := context.WithCancel(working)
	defer cutCompactions()
	w.compacting = compacting

	err := w.config.Layer.Serve(ctx, w.handle)

	stop := w.config.Runtime.AfterFunc(w.config.DrainTimeout, cut)
	stopHalf := w.config.Runtime.AfterFunc(w.config.DrainTimeout/2, cutCompactions)
	defer stopHalf()
	for _, a := range w.all() {
		a.mail.Post(a.drain)
	}
	w.live.Wait()
	if !stop() {
		err = errors.Join(err, ErrDrainTimeout)
	}
	return err
}

// handle takes an input from the layer.
func (w *Worker) handle(in layer.Input) error {
	for {
		a := w.find(in)
		if a == nil {
			if in.Kind == room.Query {
				return w.askStore(in)
			}
			return nil
		}
		var err error
		if in.Kind == room.Leave {
			err = a.mail.Force(in) // there is one for each Join, and it must not get lost
		} else {
			err = a.mail.Put(in, size(in))
		}
		switch {
		case errors.Is(err, turn.ErrFull):
			return layer.ErrFull
		case errors.Is(err, turn.ErrClosed):
			w.forget(a) // it is about to do so itself
		default:
			return err
		}
	}
}

// size is about how many bytes an input brings.
func size(in layer.Input) int {
	if in.Ask != nil {
		return len(in.Ask.Update) + len(in.Ask.Vector)
	}
	return len(in.Msg.Data)
}

// opens tells whether an input opens its room. All else is nothing to a room
// that isn't open, except that a Query is answered from the store.
func opens(k room.Kind) bool {
	return k == room.Join || k.Asks() && k != room.Query
}

// find gives the actor for an input, nil where the room is not open and stays so.
func (w *Worker) find(in layer.Input) *actor {
	w.mu.RLock()
	a := w.rooms[in.Room]
	w.mu.RUnlock()
	if a != nil || !opens(in.Kind) {
		return a
	}
	opened := newActor(w, in.Room)
	w.mu.Lock()
	if a = w.rooms[in.Room]; a == nil {
		w.rooms[in.Room] = opened
		w.live.Add(1)
	}
	w.mu.Unlock()
	if a != nil {
		return a
	}
	w.config.Runtime.Go(opened.load)
	return opened
}

// forget makes room for a's next incarnation.
func (w *Worker) forget(a *actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rooms[a.name] == a {
		delete(w.rooms, a.name)
	}
}

// all gives the actors in an order that does not depend on chance.
func (w *Worker) all() []*actor {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := make([]*actor, 0, len(w.rooms))
	for _, a := range w.rooms {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *actor) int { return cmp.Compare(a.name, b.name) })
	return all
}
