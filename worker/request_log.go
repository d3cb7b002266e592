package worker

import (
	"errors"
	"fmt"
	"sort"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// A log can be cut back to what it was before one of its entries, as long as that entry
// isn't compacted: then the document no longer has what was added since. A cut is a
// compaction whose snapshot stands for the entries before, so every store can do it.

// cutBack is why the connections of a room whose log was cut are closed. Their clients still
// have what was cut, and would add it again.
var cutBack = protocol.CloseError{Code: protocol.CloseCut, Reason: "This document was set back to an earlier state. Load the page again."}

// errCut means that a log can't be cut at a position.
var errCut = errors.New("worker: the log can't be cut there")

// readLog answers a RequestLog. The error is layer.ErrFull.
func (w *Worker) readLog(in layer.Input) error {
	return w.read(func() {
		entries, err := w.describeLog(in.Room, max(in.Request.Limit, 1))
		switch {
		case err == nil:
			w.respond(&in, event.Response{Log: entries})
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDeleted):
			w.respond(&in, refuse(event.CauseNotFound))
		case errors.Is(err, errMemory):
			w.noteMemory(in.Room)
			w.respond(&in, event.Response{Refusal: closedRefusal(outOfMemory)})
		default:
			w.config.Logger.Error("The log of a room could not be read from the store. The request was refused. Check the store.", "room", in.Room, "error", err)
			w.respond(&in, event.Response{Refusal: closedRefusal(loadFailure.close)})
		}
	})
}

// describeLog describes the newest entries of the log of a room.
func (w *Worker) describeLog(name string, limit int) (entries []event.LogEntry, err error) {
	defer guard(&err)
	needs := 3 * w.storedSize(name) // the log, and an entry in V1
	if !w.memory.begin(needs) {
		return nil, errMemory
	}
	defer w.memory.end(needs)
	log, err := w.config.Store.Load(w.working, name)
	if err != nil {
		return nil, err
	}
	for i := max(len(log.Entries)-limit, 0); i < len(log.Entries); i++ {
		e := log.Entries[i]
		entries = append(entries, describeEntry(log.Positions[i], e))
	}
	return entries, nil
}

// describeEntry describes an entry of a log. If the entry is damaged, it leaves out
// what clients have written.
func describeEntry(at store.Position, e store.Entry) event.LogEntry {
	entry := event.LogEntry{Position: uint64(at), Bytes: len(e.Data), Stored: e.At}
	written, clients, deleted, err := blocks.Authors(blocks.Encoding(e.Encoding), e.Data, event.MaxAuthors)
	if err != nil {
		return entry
	}
	entry.Clients, entry.Deleted = clients, deleted
	for _, x := range written {
		entry.Written = append(entry.Written, event.Written(x))
	}
	return entry
}

// cut removes the entries of the log from a position on.
func (w *Worker) cut(name string, from store.Position) error {
	needs := 3 * w.storedSize(name) // the log, the document, the snapshot
	if !w.memory.begin(needs) {
		return errMemory
	}
	defer w.memory.end(needs)
	for attempt := 0; ; attempt++ {
		err := w.tryCut(name, from)
		if !errors.Is(err, store.ErrConflict) || attempt == 2 { // the log was compacted meanwhile
			return err
		}
	}
}

func (w *Worker) tryCut(name string, from store.Position) error {
	log, err := w.config.Store.Load(w.working, name)
	if err != nil {
		return err
	}
	kept := sort.Search(len(log.Positions), func(i int) bool { return log.Positions[i] >= from })
	switch {
	case kept == len(log.Positions):
		return fmt.Errorf("%w: its last entry is %d", errCut, log.Last())
	case kept == 0:
		return fmt.Errorf("%w: what came before entry %d can't be told from it, because it was compacted or there was nothing", errCut, log.Positions[0])
	}
	settings := w.settings(name)
	doc := blocks.NewWith(settings.Room.Blocks)
	if err := replay(store.Log{Entries: log.Entries[:kept], Positions: log.Positions[:kept]}, doc.Load); err != nil {
		return err
	}
	enc := settings.Room.Encoding
	snapshot := store.Entry{Encoding: store.Encoding(enc), Data: doc.Encode(enc), Cut: true}
	if err := whole(log.Entries[:kept], []store.Entry{snapshot}); err != nil {
		return err
	}
	return w.config.Store.Compact(w.working, name, log, snapshot)
}

// closeCut closes the room because its log was cut. Updates that wait for the store are
// dropped, because they were made after what was cut.
func (a *actor) closeCut() {
	a.next = unstored{}
	a.close(cutBack)
}
