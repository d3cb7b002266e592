package worker

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// failedFor is how long a room that failed turns people away. Stock clients come
// back several times a second, each by itself: what failed must not be tried
// again for each of them.
const failedFor = time.Second

// trouble is why a room is closed: for the log, and for the people in it.
type trouble struct {
	log  string
	tell protocol.CloseError
}

var (
	loadTrouble = trouble{
		"A room could not be loaded. Its people are turned away for a second; the next to join tries again.",
		protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document can't be loaded now. Try again later."},
	}
	saveTrouble = trouble{
		"A room could not be saved. Its people were sent away; they keep their edits and bring them again.",
		protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document can't be saved now. Try again later."},
	}
	deliveryTrouble = trouble{
		"A room's messages could not be delivered. Its people were sent away; they are told everything when they come back.",
		protocol.CloseError{Code: protocol.CloseTryLater, Reason: "The server can't reach everybody now. Try again later."},
	}
	bugTrouble = trouble{
		"A bug closed a room. Its people were sent away; a second later the next to join opens it afresh.",
		protocol.CloseError{Code: protocol.CloseInternal, Reason: "A bug in the server closed this document."},
	}
	elsewhere = protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document was made elsewhere. Come back for it."}
	deleted   = protocol.CloseError{Code: protocol.CloseDeleted, Reason: "This document was deleted."}
	stopping  = protocol.CloseError{Code: protocol.CloseRestart, Reason: "The server restarts."}
)

// bug is a panic that was caught.
type bug struct {
	value any
	stack []byte
}

func (b *bug) Error() string { return fmt.Sprint("panic: ", b.value) }

// guard makes an error of a panic. It has to be deferred.
func guard(err *error) {
	if v := recover(); v != nil {
		*err = &bug{v, debug.Stack()}
	}
}

// guarded calls f. A panic in it closes the room.
func (a *actor) guarded(f func()) {
	err := func() (err error) {
		defer guard(&err)
		f()
		return nil
	}()
	if err != nil {
		a.fail(err, bugTrouble)
	}
}

// fail logs err and closes the room. A bug is named as such, wherever it was.
// That the room was deleted, perhaps by another worker, is no failure.
func (a *actor) fail(err error, t trouble) {
	if errors.Is(err, store.ErrDeleted) {
		a.closeDeleted()
		return
	}
	attrs := []any{"room", a.name, "error", err}
	if b, ok := errors.AsType[*bug](err); ok {
		t = bugTrouble
		attrs = append(attrs, "stack", string(b.stack))
	}
	if a.worker.working.Err() != nil {
		t.tell = stopping
	}
	a.worker.config.Logger.Error(t.log, attrs...)
	a.close(t.tell)
}

// closeDeleted closes the room because it was deleted. What its people wrote
// since is of no use any more.
func (a *actor) closeDeleted() {
	a.unsaved = held{}
	a.close(deleted)
}

// close closes the room to everybody in it, and drops what was held back for
// them. Updates that wait for the store still go there: they are sound.
func (a *actor) close(why protocol.CloseError) {
	a.failure = &why
	a.room, a.deadline, a.removeAt = nil, time.Time{}, time.Time{}
	a.unsaved.outs, a.saving.outs = nil, nil
	for _, conn := range slices.Sorted(maps.Keys(a.askers)) {
		a.answer(conn, a.askers[conn], room.Answer{Refusal: a.refusal()})
	}
	clear(a.askers)
	a.sendAway(why)
	a.release()
}

// reject turns those away who joined a room that has failed, and refuses what is
// asked of it. To create or to delete it may still go well.
func (a *actor) reject(batch []layer.Input) {
	for _, in := range batch {
		switch in.Kind {
		case room.Join, room.Watch:
			a.conns[in.Conn] = in.Consumer
		case room.Query, room.Apply:
			a.answer(in.Conn, in.Consumer, room.Answer{Refusal: a.refusal()})
		case room.Create, room.Delete:
			a.change(in)
		}
	}
	a.sendAway(*a.failure)
}

// refusal is what who asks is told of a room that is closed.
func (a *actor) refusal() room.Refusal {
	if a.failure.Code == protocol.CloseDeleted {
		return room.Refusal{Cause: room.Unavailable}
	}
	return room.Refusal{Cause: room.Closed, Code: a.failure.Code, Reason: a.failure.Reason}
}
