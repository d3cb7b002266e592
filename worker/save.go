package worker

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// held is what turns asked for: outputs that are delivered in order once the
// updates are durable.
type held struct {
	updates [][]byte
	change  *layer.Input // instead of updates: a Create or Delete
	outs    []room.Output
	bytes   int
}

// any tells whether h waits for the store. Outputs never do so alone.
func (h *held) any() bool { return len(h.updates) > 0 || h.change != nil }

func (h *held) add(e room.Effects) {
	if e.Update != nil {
		h.updates = append(h.updates, e.Update)
		h.bytes += len(e.Update)
	}
	if h.outs == nil {
		h.outs = e.Durable
	} else {
		h.outs = append(h.outs, e.Durable...)
	}
	for i := range e.Durable {
		h.bytes += len(e.Durable[i].Msg.Data)
		if a := e.Durable[i].Answer; a != nil {
			h.bytes += len(a.Update)
		}
	}
}

// hold takes a turn's update and the outputs that depend on it or on an earlier
// one. Where there is none, they go at once.
func (a *actor) hold(e room.Effects) {
	if a.failure != nil { // to deliver e.Now failed
		e.Durable = nil
	}
	switch {
	case e.Update != nil || a.unsaved.any():
		a.unsaved.add(e)
	case a.saving.any():
		a.saving.add(e)
	default:
		a.deliver(e.Durable)
	}
	if a.unsaved.bytes+a.saving.bytes > a.settings.MailboxBytes {
		a.mail.Hold() // until the append that is under way, or begins now, has ended
	}
}

// save begins the next append, or the next change, which goes first. There is one
// at a time, so that nothing becomes durable before what came before it.
func (a *actor) save() {
	switch {
	case a.saving.any(), a.loading():
	case len(a.changes) > 0 && (a.failure == nil || !a.unsaved.any()):
		a.saving.change = &a.changes[0]
		a.changes = a.changes[1:]
		a.worker.config.Runtime.Go(a.append)
	case a.unsaved.any():
		a.saving, a.unsaved = a.unsaved, held{}
		a.worker.config.Runtime.Go(a.append)
	}
}

// appendSaving runs beside the turns.
func (a *actor) appendSaving() {
	if c := a.saving.change; c != nil {
		a.saveErr = a.worker.do(a.name, *c, a.settings.Room.Blocks)
	} else {
		a.saveErr = a.appendUpdates(a.saving.updates)
	}
	a.mail.Post(a.saved)
}

func (a *actor) appendUpdates(updates [][]byte) (err error) {
	defer guard(&err)
	update := updates[0]
	if len(updates) > 1 {
		if update, err = blocks.Merge(blocks.V1, updates...); err != nil {
			return err
		}
	}
	a.savedBytes = len(update)
	_, err = a.worker.config.Store.Append(a.worker.working, a.name, store.Entry{Encoding: store.V1, Data: update})
	return err
}

func (a *actor) endSaving() {
	saved := a.saving
	a.saving = held{}
	switch {
	case saved.change != nil:
		if saved.change.Kind == room.Create && a.saveErr == nil {
			a.deliver(saved.outs) // before what the room is told of the new content
			saved.outs = nil
		}
		a.endChange(*saved.change, a.saveErr)
	case a.saveErr == nil:
		a.stored = true
		a.compaction.wear.add(a.savedBytes, a.worker.config.Runtime.Now())
	default:
		// The log may lack what the next updates build on.
		a.unsaved = held{}
		a.fail(a.saveErr, saveTrouble)
	}
	if a.failure == nil {
		a.deliver(saved.outs)
	}
	a.release()
}

// release ends what mail.Hold began, unless there is still a reason for it.
func (a *actor) release() {
	if !a.loading() && !a.tooManyChanges() {
		a.mail.Release()
	}
}
