package worker

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/mailbox"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// unstored is the content of a write: the updates of some turns, or one create or
// delete, with the outputs that may be sent once it is stored.
type unstored struct {
	updates [][]byte
	change  *layer.Input // a create or delete, instead of updates
	outs    []event.Output
	bytes   int
	trace   *event.Trace // of the first update of which a trace is kept; nil: there is none
	again   bool         // the updates are those of a suspended room; no output waits for them
}

// any reports whether there is something to store. If not, outs is empty.
func (u *unstored) any() bool { return len(u.updates) > 0 || u.change != nil }

func (u *unstored) add(e room.Effects) {
	if e.Update != nil {
		u.updates = append(u.updates, e.Update)
		u.bytes += len(e.Update)
	}
	if u.outs == nil {
		u.outs = e.Durable
	} else {
		u.outs = append(u.outs, e.Durable...)
	}
	for i := range e.Durable {
		u.bytes += len(e.Durable[i].Message.Data)
		if r := e.Durable[i].Response; r != nil {
			u.bytes += len(r.Update)
		}
	}
}

// hold keeps the update of a turn for the next append, and its durable outputs
// until this update and all earlier ones are stored. If nothing is to be stored,
// the outputs are sent at once.
func (a *actor) hold(e room.Effects) {
	if a.closed != nil { // delivering e.Now has failed
		e.Durable = nil
	}
	switch {
	case e.Update != nil || a.next.any():
		a.next.add(e)
		if e.Update != nil {
			a.next.trace = cmp.Or(a.next.trace, a.trace)
		}
	case a.writing.any() && !a.writing.again:
		a.writing.add(e)
	default:
		a.deliver(e.Durable)
	}
	if a.next.bytes+a.writing.bytes > a.settings.MailboxBytes {
		a.mail.Hold() // until the append has ended that is in progress or begins after this turn: see release
	}
}

// beginWrite begins the next create or delete or, if there is none, the next append.
// There is one at a time, so that updates become durable in order. What beginWrite returns is called
// after the turn.
func (a *actor) beginWrite(now time.Time) mailbox.Func {
	switch {
	case a.writing.any(), a.loading():
	case len(a.changes) > 0 && (a.closed == nil || !a.next.any()):
		change := a.changes[0]
		a.writing.change = &change
		a.changes[0] = layer.Input{} // its update is not kept
		a.changes = a.changes[1:]
		return a.write
	case a.next.any():
		a.writing, a.next = a.next, unstored{}
		return a.write
	case a.storesAgain(now):
		return a.write
	}
	return nil
}

// runWrite calls the store. It runs concurrently with the turns.
func (a *actor) runWrite() mailbox.Func {
	a.result = writeResult{}
	if change := a.writing.change; change != nil {
		a.result.position, a.result.err = a.worker.changeStored(change, a.settings.Room.Blocks)
	} else {
		a.result = a.appendUpdates(a.writing.updates)
		if a.appendAgain(a.result.err) {
			return nil
		}
	}
	return a.worker.next(a.mail.PostLast(a.endWrite))
}

// writeResult is the result of a write.
type writeResult struct {
	position store.Position // 0: unknown
	update   []byte         // the data of the entry
	took     time.Duration
	err      error
}

func (a *actor) appendUpdates(updates [][]byte) (r writeResult) {
	defer guard(&r.err)
	update := updates[0]
	if len(updates) > 1 {
		if update, r.err = blocks.Merge(blocks.V1, updates...); r.err != nil {
			return r
		}
	}
	begin := a.worker.config.Runtime.Now()
	r.update = update
	r.position, r.err = a.worker.config.Store.Append(a.worker.working, a.name, store.Entry{Encoding: store.V1, Data: update})
	r.took = a.worker.config.Runtime.Now().Sub(begin)
	return r
}

// writeEnded handles the result of runWrite.
func (a *actor) writeEnded() {
	done, result := a.writing, a.result
	a.writing, a.result = unstored{}, writeResult{}
	if done.change == nil {
		report(a.worker, a.worker.config.Events.Appended, AppendInfo{Room: a.name, Turns: len(done.updates), Bytes: len(result.update), Trace: done.trace, Duration: result.took, Err: result.err})
	}
	switch {
	case done.change != nil:
		if result.err == nil && done.change.Request.Kind == event.RequestCreate {
			a.deliver(done.outs) // the outputs first, then the broadcast of the new content
			done.outs = nil
		}
		a.changeEnded(done.change, result.err)
	case result.err == nil:
		a.stored = true
		a.compaction.tail.add(len(result.update), a.worker.config.Runtime.Now())
		if done.again && a.closed == nil {
			a.resume(result.update)
		}
	case a.closed == nil && a.worker.mayPass(result.err):
		done.outs = nil
		a.suspend(result.update, result.err)
	default:
		a.next = unstored{} // the next updates may depend on those that the log lacks
		a.fail(result.err, appendFailure)
	}
	if a.closed == nil {
		a.deliver(done.outs)
	}
	if a.closed == nil {
		a.advance(result.position)
	}
	a.release()
}

// release releases the mailbox, unless there is still a reason to hold it.
func (a *actor) release() {
	if !a.loading() && !a.tooManyChanges() {
		a.mail.Release()
	}
}
