package worker

import (
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// A room whose updates can't be stored, because the disk is full for example, is suspended:
// it is loaded again, so that it has what is stored and no more, and refuses updates. Its
// connections join again. Those whose clients have unsaved edits send them again, and are
// closed with 1013; all others stay, and new ones are served. From time to time, the
// updates that could not be stored are appended again. Once they are stored, they are
// merged into the room as if another worker had stored them, and the suspension ends.
// Clients that have sent them again meanwhile do no harm.

// suspendedPause is the time between two attempts to store the updates of a suspended room.
const suspendedPause = 2 * time.Second

// suspension is the state of a room that is suspended.
type suspension struct {
	unsaved [][]byte  // the updates that could not be stored; nil: the room is not suspended
	retry   time.Time // when they are appended again
}

func (s *suspension) active() bool { return s.unsaved != nil }

// due returns when the unsaved updates are appended again, or zero.
func (s *suspension) due() time.Time {
	if !s.active() {
		return time.Time{}
	}
	return s.retry
}

// suspend suspends the room, because an update could not be stored, or continues the
// suspension.
func (a *actor) suspend(update []byte, err error) {
	s := &a.suspension
	again := s.active()
	s.unsaved, s.retry = append([][]byte{update}, a.next.updates...), a.worker.config.Runtime.Now().Add(suspendedPause)
	a.next = unstored{}
	if again {
		return
	}
	a.worker.failing.Store(true)
	a.worker.config.Logger.Error(appendFailure.log, "room", a.name, "error", err)
	report(a.worker, a.worker.config.Events.Failed, FailInfo{Room: a.name, Err: err, Close: appendFailure.close})
	a.refuseRequests(event.Response{Refusal: closedRefusal(appendFailure.close)})
	a.loadAgain()
}

// suspended is called when the room of a suspension was loaded again.
func (a *actor) suspended() {
	conns := a.receivers.all()
	a.empty = len(conns) == 0
	a.askToRejoin(conns)
}

// appendAgain reports whether an append that has returned err is repeated before the room
// is suspended. If the store is known to fail, it isn't, because readers would wait in vain
// for the outputs that wait for it. appendAgain runs concurrently with the turns.
func (a *actor) appendAgain(err error) bool {
	failing := &a.worker.failing
	if err != nil && (a.writing.again || failing.Load()) {
		a.repetition = repetition{}
		return false
	}
	if err == nil && failing.Load() {
		failing.Store(false)
	}
	return a.repeat(&a.repetition, err, a.writeAgain)
}

// storesAgain begins another attempt to store the updates of a suspended room, and reports whether
// one is due.
func (a *actor) storesAgain(now time.Time) bool {
	s := &a.suspension
	if !s.active() || a.room == nil || now.Before(s.retry) || a.draining || a.moved {
		return false
	}
	a.writing = unstored{updates: s.unsaved, again: true}
	return true
}

// resume ends the suspension of the room. update has the updates that could not be stored
// before, and is stored now; or it is nil.
func (a *actor) resume(update []byte) {
	a.suspension = suspension{}
	a.worker.config.Logger.Warn("A room can be saved again, and accepts updates. Nothing was lost.", "room", a.name)
	if update == nil {
		return
	}
	effects, err := a.room.Merge(a.worker.config.Runtime.Now(), update, blocks.V1)
	if err != nil {
		a.fail(err, loadFailure)
		return
	}
	a.take(effects)
}

// refuseRequests answers all requests that wait for a response.
func (a *actor) refuseRequests(response event.Response) {
	for _, conn := range slices.Sorted(maps.Keys(a.receivers.requests)) {
		q := a.receivers.requests[conn]
		for range q.responses {
			a.respond(&layer.Input{Room: a.name, From: q.front, Input: event.Input{Conn: conn}}, response)
		}
	}
	clear(a.receivers.requests)
}
