package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/turn"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// actor is one incarnation of a room, from the Join that opened it until its
// last append has ended. A room that failed is not mended: it is closed, turns
// everybody away for a while, and goes; the next Join makes a new actor. Only a
// room that is created anew is opened again by the same one.
//
// Loads, appends and compactions run beside the turns and come back as posted calls, so that
// all fields but the first block belong to the turn that runs.
type actor struct {
	worker   *Worker
	name     string
	settings Settings
	mail     *turn.Mailbox[layer.Input]

	room     *room.Room                    // nil: not loaded yet, or failed
	conns    map[room.ConnID]layer.Address // those who watch included
	askers   map[room.ConnID]layer.Address // whom the room owes an answer; nil: nobody
	stored   bool                          // there is a log
	failure  *protocol.CloseError          // why the room is closed
	deadline time.Time                     // the room's
	empty    bool                          // nobody is in the room
	draining bool
	removeAt time.Time // zero: it is loading, or somebody is here
	alarm    *alarm

	changes    []layer.Input // each a Create or Delete, to be begun one by one
	unsaved    held          // waits for the append that is under way
	saving     held          // its append is under way, which owns the updates meanwhile
	saveErr    error
	savedBytes int    // how large the appended entry is
	append     func() // a.appendSaving and a.saved, made once
	saved      func()

	compaction compaction
}

func newActor(w *Worker, name string) *actor {
	a := &actor{
		worker:   w,
		name:     name,
		settings: w.config.Room(name).withDefaults(),
		conns:    make(map[room.ConnID]layer.Address),
	}
	a.append = a.appendSaving
	a.saved = func() { a.guarded(a.endSaving) }
	a.mail = turn.New(turn.Config[layer.Input]{
		Items: a.settings.MailboxInputs,
		Bytes: a.settings.MailboxBytes,
		Go:    w.config.Runtime.Go,
		Turn:  a.turn,
		Held:  true, // until it is loaded
	})
	return a
}

// opening is what a load has brought.
type opening struct {
	room   *room.Room
	wear   wear
	stored bool // there is a log
}

// load runs beside the turns.
func (a *actor) load() {
	o, err := a.open()
	a.mail.Post(func() { a.guarded(func() { a.loaded(o, err) }) })
}

func (a *actor) open() (o opening, err error) {
	defer guard(&err)
	log, err := a.worker.config.Store.Load(a.worker.working, a.name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return o, err
	}
	now := a.worker.config.Runtime.Now()
	o = opening{room.New(a.settings.Room), wearOf(log, now), err == nil}
	o.room.Open(now)
	return o, replay(log, o.room.Load)
}

// replay loads the entries of a log.
func replay(log store.Log, load func([]byte, blocks.Encoding) error) error {
	for i, e := range log.Entries {
		if err := load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			return fmt.Errorf("entry %d: %w", log.Positions[i], err)
		}
	}
	return nil
}

func (a *actor) loaded(o opening, err error) {
	if err != nil {
		a.fail(err, loadTrouble)
		return
	}
	a.room, a.stored, a.empty, a.compaction.wear = o.room, o.stored, true, o.wear
	a.release()
}

// loading tells whether the room is about to open.
func (a *actor) loading() bool { return a.room == nil && a.failure == nil }

func (a *actor) drain() { a.draining = true }

// turn is called with what waits in the mailbox, after calls that were posted.
func (a *actor) turn(batch []layer.Input) {
	now := a.worker.config.Runtime.Now() // once, so that nothing falls due between two looks
	a.guarded(func() {
		switch {
		case a.failure != nil:
			a.reject(batch)
		case a.room != nil:
			a.step(batch, now)
		}
	})
	a.save()
	a.settle(now)
}

// step gives the room its turn.
func (a *actor) step(batch []layer.Input, now time.Time) {
	ins := inputs.take()
	defer inputs.giveBack(ins)
	for i := range batch {
		in := batch[i].Input
		switch in.Kind {
		case room.Join:
			a.conns[in.Conn] = batch[i].Consumer
		case room.Leave:
			delete(a.conns, in.Conn)
		case room.Query, room.Watch, room.Apply:
			if !a.admit(&batch[i]) {
				continue
			}
		case room.Create, room.Delete:
			continue
		}
		in.At = now
		*ins = append(*ins, in)
	}
	// Last, so that whoever renewed in time is not expired.
	if !a.deadline.IsZero() && !now.Before(a.deadline) {
		*ins = append(*ins, room.Input{Kind: room.Tick, At: now})
	}
	if len(*ins) > 0 {
		a.take(a.worker.step(a.room, *ins))
	}
	for _, in := range batch {
		if in.Kind == room.Create || in.Kind == room.Delete {
			a.change(in)
		}
	}
}

// take does what a turn of the room asks for.
func (a *actor) take(effects room.Effects) {
	a.deadline, a.empty = a.room.Deadline(), a.room.Empty()
	a.deliver(effects.Now)
	a.hold(effects)
}

// settle ends the actor when nothing is left to do, or sees to it that it wakes
// up in time.
func (a *actor) settle(now time.Time) {
	switch {
	case a.failure == nil && !a.empty:
		a.removeAt = time.Time{}
	case !a.removeAt.IsZero():
	case a.failure != nil:
		a.removeAt = now.Add(failedFor)
	default:
		a.removeAt = now.Add(a.settings.RemoveDelay)
	}
	over := a.draining || !a.removeAt.IsZero() && !now.Before(a.removeAt)
	if !a.saving.any() || !over {
		a.compact(now, over)
	}
	if over && !a.loading() && !a.saving.any() && !a.compaction.running && a.mail.Close() {
		a.disarm()
		a.worker.forget(a)
		a.worker.live.Done()
		return
	}
	a.arm(now)
}
