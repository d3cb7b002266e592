package worker

import (
	"errors"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// The store decides whether a room can be created, deleted or cut. It is called between two
// appends, so that no other write of the room is in progress.

// changesRoom reports whether in is a create, a delete or a cut.
func changesRoom(in *layer.Input) bool {
	if in.Kind != event.InputRequest {
		return false
	}
	switch in.Request.Kind {
	case event.RequestCreate, event.RequestDelete, event.RequestCut:
		return true
	}
	return false
}

// change handles a create, a delete or a cut.
func (a *actor) change(in layer.Input) {
	waits := len(a.changes) > 0 || a.writing.change != nil
	switch kind := in.Request.Kind; {
	case waits:
	case kind == event.RequestDelete && a.closed != nil && a.closed.Code == protocol.CloseDeleted:
		a.respond(&in, refuse(event.CauseNotFound))
		return
	case kind == event.RequestCreate && a.closed == nil && (a.writing.any() || a.next.any()):
		// The room exists as soon as the updates that wait are stored.
		a.receivers.request(in.Conn, in.From)
		response := refuse(event.CauseExists)
		a.holdResponse(in.Conn, &response)
		return
	}
	a.changes = append(a.changes, in)
	if in.Request.Kind == event.RequestCut {
		// If it is refused, another one may follow, which needs the entries.
		a.compaction.notBefore = a.worker.config.Runtime.Now().Add(cutPause)
	}
	if a.tooManyChanges() {
		a.mail.Hold()
	}
}

// tooManyChanges reports whether the creates and deletes that wait for the store exceed
// the limits of the mailbox.
func (a *actor) tooManyChanges() bool {
	bytes := 0
	for i := range a.changes {
		bytes += a.changes[i].Size()
	}
	return bytes > a.settings.MailboxBytes || len(a.changes) >= a.settings.MailboxInputs
}

// changeStored calls the store to create, delete or cut a room, and returns the position of
// the content of a created room. It runs concurrently with the turns.
func (w *Worker) changeStored(in *layer.Input, limits blocks.Options) (p store.Position, err error) {
	defer guard(&err)
	switch in.Request.Kind {
	case event.RequestDelete:
		return 0, w.config.Store.Delete(w.working, in.Room)
	case event.RequestCut:
		return 0, w.cut(in.Room, store.Position(in.Request.From))
	}
	if _, err := blocks.NewWith(limits).Apply(in.Request.Update, blocks.V1); err != nil {
		return 0, err
	}
	return w.config.Store.Create(w.working, in.Room, store.Entry{Encoding: store.V1, Data: in.Request.Update})
}

// changeEnded handles the result of changeStored.
func (a *actor) changeEnded(in *layer.Input, err error) {
	creates := in.Request.Kind == event.RequestCreate
	refusal := a.refusalFor(err)
	switch {
	case err == nil && creates:
		a.created(in)
		return
	case err == nil && in.Request.Kind == event.RequestCut:
		a.closeCut()
	case err == nil:
		a.closeDeleted()
	case refusal.Cause == event.CauseExists && a.room != nil && !a.stored:
		a.close(createdElsewhere)
	case refusal.Cause != event.CauseClosed:
	case creates && a.closed == nil:
		a.fail(err, appendFailure) // the log may hold content that the room lacks
	default:
		a.worker.config.Logger.Error("A room could not be created, deleted or cut, because the store failed. "+
			"The program that requested it was told so. Check the store.", "room", a.name, "error", err)
	}
	a.respond(in, event.Response{Refusal: refusal})
}

// refusalFor returns the refusal for an error of changeStored.
func (a *actor) refusalFor(err error) event.Refusal {
	if err == nil {
		return event.Refusal{}
	}
	for _, known := range []struct {
		err   error
		cause event.Cause
	}{
		{store.ErrExists, event.CauseExists},
		{store.ErrNotFound, event.CauseNotFound},
		{store.ErrDeleted, event.CauseNotFound},
		{errCut, event.CausePosition},
		{errors.ErrUnsupported, event.CauseUnsupported},
		{blocks.ErrMalformed, event.CauseMalformed},
		{blocks.ErrLimit, event.CauseOverLimit},
	} {
		if errors.Is(err, known.err) {
			return event.Refusal{Cause: known.cause, Reason: err.Error()}
		}
	}
	switch {
	case errors.Is(err, errMemory):
		return closedRefusal(outOfMemory)
	case a.worker.working.Err() != nil:
		return closedRefusal(stopping)
	}
	return closedRefusal(appendFailure.close)
}

// created adds the content that was stored to the open room, or opens the room.
func (a *actor) created(in *layer.Input) {
	if a.room != nil && a.stored {
		a.closeDeleted() // another worker has deleted the room, or it couldn't have been created
	}
	if a.room == nil {
		a.reopen()
		a.respond(in, event.Response{})
		return
	}
	a.stored = true
	if a.suspension.active() { // the store works again
		a.resume(nil)
	}
	a.room.Refuse(nil) // the content is stored already
	a.receivers.request(in.Conn, in.From)
	now := a.worker.config.Runtime.Now()
	effects := a.stepRoom([]event.Input{{
		Kind: event.InputRequest, Conn: in.Conn, Request: &event.Request{Kind: event.RequestApply, Update: in.Request.Update},
	}}, now)
	effects.Update = nil // the content is stored already
	if len(effects.Now) > 0 && effects.Now[0].Response != nil {
		// Connections have filled the room up to a limit meanwhile. Loading has no limits.
		a.fail(errors.New(effects.Now[0].Response.Refusal.Reason), appendFailure)
		return
	}
	a.compaction.tail.add(len(in.Request.Update), now)
	a.take(effects)
}
