package worker

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// closedFor is how long a closed room refuses connections. Stock clients reconnect
// several times a second, independently of each other, and what has failed must not be
// tried again for each of them.
const closedFor = time.Second

// failure is a reason to close a room.
type failure struct {
	log   string              // the log message, for the operator
	close protocol.CloseError // the reason that clients see
}

var (
	loadFailure = failure{
		"A room could not be loaded. Its connections were closed with 1013 (try later), and so are new ones for a second; " +
			"then the next Join loads it again. Nothing was changed. Check the store.",
		protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document can't be loaded now. Try again later."},
	}
	appendFailure = failure{
		"A room could not be saved. Its clients with unsaved edits are closed with 1013 (try later), and keep these edits; others go on reading. " +
			"No client has seen what is not stored. The room accepts edits again as soon as the store works. Check the store.",
		protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document can't be saved now. Try again later."},
	}
	bugFailure = failure{
		"A panic closed a room. Its connections were closed with 1011 (internal error); other rooms go on. " +
			"After a second, the next Join loads the room again. Please report this with the stack.",
		protocol.CloseError{Code: protocol.CloseInternal, Reason: "A bug in the server closed this document."},
	}
)

// Reasons to close a room other than failures.
var (
	createdElsewhere = protocol.CloseError{Code: protocol.CloseTryLater, Reason: "This document was created by another process. Reconnect to load it."}
	deleted          = protocol.CloseError{Code: protocol.CloseDeleted, Reason: "This document was deleted."}
	stopping         = protocol.CloseError{Code: protocol.CloseRestart, Reason: "The server restarts."}
)

// bug is a panic that was recovered.
type bug struct {
	value any
	stack []byte
}

func (b *bug) Error() string { return fmt.Sprint("panic: ", b.value) }

// guard, when deferred, turns a panic into an error.
func guard(err *error) {
	if v := recover(); v != nil {
		*err = &bug{v, debug.Stack()}
	}
}

// guarded calls f. A panic in f closes the room.
func (a *actor) guarded(f func()) {
	err := func() (err error) {
		defer guard(&err)
		f()
		return nil
	}()
	if err != nil {
		a.fail(err, bugFailure)
	}
}

// fail logs err and closes the room. Any panic is reported as bugFailure. A room that
// was deleted, perhaps by another worker, has not failed: it is closed, and nothing is
// logged.
func (a *actor) fail(err error, f failure) {
	if errors.Is(err, store.ErrDeleted) {
		a.closeDeleted()
		return
	}
	attrs := []any{"room", a.name, "error", err}
	if b, ok := errors.AsType[*bug](err); ok {
		f = bugFailure
		attrs = append(attrs, "stack", string(b.stack))
	}
	if a.worker.working.Err() != nil {
		f.close = stopping
	}
	a.worker.config.Logger.Error(f.log, attrs...)
	report(a.worker, a.worker.config.Events.Failed, FailInfo{Room: a.name, Err: err, Close: f.close})
	a.close(f.close)
}

// closeDeleted closes the room because it was deleted. Updates that wait for the
// store are dropped.
func (a *actor) closeDeleted() {
	a.next = unstored{}
	a.close(deleted)
}

// close closes the room: it refuses what was requested, closes all connections,
// and drops the outputs that wait for the store. Updates that wait are still
// stored, because the room has accepted them.
func (a *actor) close(why protocol.CloseError) {
	a.closed = &why
	a.room, a.deadline, a.removeAt = nil, time.Time{}, time.Time{}
	a.checks = checks{running: a.checks.running}
	a.suspension = suspension{}
	a.next.outs, a.writing.outs = nil, nil
	a.refuseRequests(a.refusal())
	conns := a.receivers.all()
	a.reportLeft(conns, false)
	a.closeConns(conns, why)
	a.endPause()
	a.release()
}

// reject handles inputs of a closed room in place of step. It closes the connections
// that join and refuses requests, except for creates and deletes, which can still
// succeed.
func (a *actor) reject(batch []layer.Input) {
	var joined, lost []event.ConnID
	for i := range batch {
		in := &batch[i]
		switch in.Kind {
		case event.InputJoin:
			a.receivers.join(in.Conn, in.From)
			joined = append(joined, in.Conn)
		case event.InputLeave:
			a.receivers.leave(in.Conn)
		case event.InputMessage, event.InputResync, event.InputAccess:
			// A message of a known connection was sent before the connection was closed.
			a.receivers.expectRejoin(in.Conn, in.From)
		case event.InputRequest:
			switch {
			case changesRoom(in):
				a.change(*in)
			case controls(in.Request.Kind):
				a.respond(in, event.Response{}) // the connections are closed
			default:
				a.respond(in, a.refusal())
			}
		case roomMoved:
			a.moved = true
		case workerDrains:
			a.draining = true
		case frontLost:
			lost = append(lost, a.receivers.at(in.From)...)
		case frontGone:
			for _, conn := range a.receivers.at(in.From) {
				a.receivers.leave(conn)
			}
		}
	}
	a.closeConns(joined, *a.closed)
	a.rejoin(lost)
	a.rejoin(slices.Sorted(maps.Keys(a.receivers.unknown)))
	clear(a.receivers.unknown)
}
