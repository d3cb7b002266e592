package worker

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/store"
)

const (
	readsAtOnce  = 4    // concurrent reads for programs: each can hold a document
	readsWaiting = 1024 // how many more reads may wait
)

// readRoom answers a query to a room that is not open. The error is
// layer.ErrFull.
func (w *Worker) readRoom(in layer.Input) error { return w.read(func() { w.queryStored(&in) }) }

// read runs f, which reads from the store, concurrently with the turns of all rooms.
// The error is layer.ErrFull.
func (w *Worker) read(f func()) error {
	if w.reads.waits() >= readsWaiting {
		return layer.ErrFull
	}
	w.live.Add(1)
	w.reads.run(w.config.Runtime.Go, func() {
		defer w.live.Done()
		defer w.reads.done(w.config.Runtime.Go)
		f()
	})
	return nil
}

// queryStored answers a query to a room that is not open.
func (w *Worker) queryStored(in *layer.Input) {
	response, err := w.describeStored(in.Room, in.Request)
	switch {
	case err == nil:
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDeleted):
		response = refuse(event.CauseNotFound)
	case errors.Is(err, errVector):
		response = event.Response{Refusal: event.Refusal{Cause: event.CauseMalformed, Reason: err.Error()}}
	default:
		w.config.Logger.Error("A room that is not open could not be read from the store. The query was refused. Check the store.",
			"room", in.Room, "error", err)
		response = event.Response{Refusal: closedRefusal(loadFailure.close)}
	}
	w.respond(in, response)
}

var errVector = errors.New("worker: malformed state vector")

// describeStored returns the response to a query, computed from the stored log.
func (w *Worker) describeStored(name string, q *event.Request) (r event.Response, err error) {
	defer guard(&err)
	doc := blocks.NewWith(w.config.Room(name).Room.Blocks)
	doc.HoldPending()               // as a room in memory does
	needs := 3 * w.storedSize(name) // the log, the document, the response
	if !w.memory.begin(needs) {
		w.noteMemory(name)
		return event.Response{Refusal: closedRefusal(outOfMemory)}, nil
	}
	defer w.memory.end(needs)
	log, err := w.config.Store.Load(w.working, name)
	if err != nil {
		return r, err
	}
	if err := replay(log, doc.Load); err != nil {
		return r, err
	}
	r = event.Response{
		Summary: event.Summary{Size: doc.Size() + doc.Pending(), Pending: doc.Pending(), Worker: w.config.Name},
		Mark:    event.Mark{Seq: digest(log)},
		Vector:  doc.StateVector(),
	}
	switch {
	case q.Bare:
	case q.Pending:
		r.Update, r.Whole = doc.EncodeAll(blocks.V1), true
	case q.Vector == nil && q.Since == r.Mark:
	case q.Vector == nil:
		r.Update, r.Whole = doc.Encode(blocks.V1), true
	default:
		if r.Update, err = doc.Diff(q.Vector, blocks.V1); err != nil {
			return event.Response{}, fmt.Errorf("%w: %w", errVector, err)
		}
	}
	return r, nil
}

// digest returns a number for the entries of a log, by which two logs with different
// entries are told apart, whatever process or store made them. It is never 0.
func digest(log store.Log) uint64 {
	h := sha256.New()
	for _, e := range log.Entries {
		head := binary.AppendUvarint([]byte{byte(e.Encoding)}, uint64(len(e.Data)))
		_, _ = h.Write(head) // a hash never returns an error
		_, _ = h.Write(e.Data)
	}
	return binary.BigEndian.Uint64(h.Sum(nil)) | 1
}
