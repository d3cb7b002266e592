package worker

import (
	"errors"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// A Create or a Delete is the store's to decide. It is done between two appends,
// so that nothing of the room is under way to the store meanwhile.

// change takes a Create or a Delete.
func (a *actor) change(in layer.Input) {
	waits := len(a.changes) > 0 || a.saving.change != nil
	switch {
	case waits:
	case in.Kind == room.Delete && a.failure != nil && a.failure.Code == protocol.CloseDeleted:
		a.answer(in.Conn, in.Consumer, room.Answer{Refusal: room.Refusal{Cause: room.Unavailable}})
		return
	case in.Kind == room.Create && a.failure == nil && (a.saving.any() || a.unsaved.any()):
		// It exists, once this is stored.
		a.owe(in)
		a.hold(room.Effects{Durable: []room.Output{
			{To: in.Conn, Answer: &room.Answer{Refusal: room.Refusal{Cause: room.Exists}}},
		}})
		return
	}
	a.changes = append(a.changes, in)
	if a.tooManyChanges() {
		a.mail.Hold()
	}
}

// tooManyChanges tells whether as much waits for the store as may wait for a turn.
func (a *actor) tooManyChanges() bool {
	bytes := 0
	for _, in := range a.changes {
		bytes += size(in)
	}
	return bytes > a.settings.MailboxBytes || len(a.changes) >= a.settings.MailboxInputs
}

// do runs beside the turns.
func (w *Worker) do(name string, in layer.Input, limits blocks.Options) (err error) {
	defer guard(&err)
	if in.Kind == room.Delete {
		return w.config.Store.Delete(w.working, name)
	}
	if _, err := blocks.NewWith(limits).Apply(in.Ask.Update, blocks.V1); err != nil {
		return err
	}
	_, err = w.config.Store.Create(w.working, name, store.Entry{Encoding: store.V1, Data: in.Ask.Update})
	return err
}

// endChange ends what do has done.
func (a *actor) endChange(in layer.Input, err error) {
	refusal := a.refusalFor(err)
	switch {
	case err == nil && in.Kind == room.Delete:
		a.closeDeleted()
	case err == nil:
		a.created(in)
		return
	case refusal.Cause == room.Exists && a.room != nil && !a.stored:
		// Another worker has stored what this room doesn't know.
		a.close(elsewhere)
	case refusal.Cause != room.Closed:
	case in.Kind == room.Create && a.failure == nil:
		// The log may hold what the room doesn't know.
		a.fail(err, saveTrouble)
	default:
		a.worker.config.Logger.Error("A room could not be created or deleted.", "room", a.name, "error", err)
	}
	a.answer(in.Conn, in.Consumer, room.Answer{Refusal: refusal})
}

// refusalFor is what who asked for a change is told.
func (a *actor) refusalFor(err error) room.Refusal {
	for _, known := range []struct {
		err   error
		cause room.Cause
	}{
		{store.ErrExists, room.Exists},
		{store.ErrNotFound, room.Unavailable},
		{errors.ErrUnsupported, room.Unsupported},
		{blocks.ErrMalformed, room.Malformed},
		{blocks.ErrLimit, room.OverLimit},
	} {
		if errors.Is(err, known.err) {
			return room.Refusal{Cause: known.cause, Reason: err.Error()}
		}
	}
	switch tell := saveTrouble.tell; {
	case err == nil:
		return room.Refusal{}
	case a.worker.working.Err() != nil:
		return room.Refusal{Cause: room.Closed, Code: stopping.Code, Reason: stopping.Reason}
	default:
		return room.Refusal{Cause: room.Closed, Code: tell.Code, Reason: tell.Reason}
	}
}

// created brings what was stored into the room. One that is closed is opened
// again, so that nobody is turned away any more.
func (a *actor) created(in layer.Input) {
	if a.room == nil {
		a.reopen()
		a.answer(in.Conn, in.Consumer, room.Answer{})
		return
	}
	a.stored = true
	a.owe(in)
	now := a.worker.config.Runtime.Now()
	effects := a.worker.step(a.room, []room.Input{{Kind: room.Apply, Conn: in.Conn, Ask: &room.Ask{Update: in.Ask.Update}, At: now}})
	effects.Update = nil
	if len(effects.Now) > 0 { // people have filled the room meanwhile: let it be loaded, whatever its limits
		a.fail(errors.New(effects.Now[0].Answer.Refusal.Reason), saveTrouble)
		return
	}
	a.compaction.wear.add(len(in.Ask.Update), now)
	a.take(effects)
}

func (a *actor) reopen() {
	a.failure, a.empty = nil, false
	a.compaction = compaction{running: a.compaction.running}
	a.mail.Hold()
	a.worker.config.Runtime.Go(a.load)
}
