package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// State says how a room in memory is.
type State uint8

// States of a room. Only of one that is Open more is told.
const (
	Busy    State = iota // it did not answer in time
	Loading              // it is about to open
	Open
	Failed // it is closed, and turns everybody away for a while
)

// String is the state in lower case.
func (s State) String() string {
	return [...]string{Busy: "busy", Loading: "loading", Open: "open", Failed: "failed"}[s]
}

// Summary is what is told of a room in a list.
type Summary struct {
	room.Summary

	Name    string
	State   State
	Failure *protocol.CloseError // why it is Failed
}

// Rooms gives the names of the rooms in memory, in order.
func (w *Worker) Rooms() []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Sorted(maps.Keys(w.rooms))
}

// Summaries tells about those of the named rooms that are in memory. Each is
// asked in a turn of its own; who has not answered when ctx ends is Busy.
func (w *Worker) Summaries(ctx context.Context, names []string) []Summary {
	asked := make([]chan Summary, 0, len(names))
	all := make([]Summary, 0, len(names))
	for _, name := range names {
		a := w.named(name)
		if a == nil {
			continue
		}
		answer := make(chan Summary, 1)
		if a.mail.Post(func() { answer <- a.summary() }) {
			asked = append(asked, answer)
			all = append(all, Summary{Name: name})
		}
	}
	for i, answer := range asked {
		select {
		case all[i] = <-answer:
		case <-ctx.Done():
			select {
			case all[i] = <-answer: // it came while another was waited for
			default:
			}
		}
	}
	return all
}

func (w *Worker) named(name string) *actor {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.rooms[name]
}

func (a *actor) summary() Summary {
	switch {
	case a.failure != nil:
		return Summary{Name: a.name, State: Failed, Failure: a.failure}
	case a.room == nil:
		return Summary{Name: a.name, State: Loading}
	}
	return Summary{Name: a.name, State: Open, Summary: a.room.Summary()}
}

// admit lets in what somebody outside asks, unless there is no such room. A room
// that somebody is in is there; one that was opened only to be asked is not.
func (a *actor) admit(in *layer.Input) bool {
	if in.Kind != room.Apply && !a.stored && len(a.conns) == 0 && len(a.saving.updates)+len(a.unsaved.updates) == 0 {
		a.answer(in.Conn, in.Consumer, room.Answer{Refusal: room.Refusal{Cause: room.Unavailable}})
		return false
	}
	switch in.Kind {
	case room.Watch:
		a.conns[in.Conn] = in.Consumer
	case room.Apply:
		a.removeAt = time.Time{} // it is in use
		a.owe(*in)
	default:
		a.owe(*in)
	}
	return true
}

// owe remembers where the answer to an input has to go.
func (a *actor) owe(in layer.Input) {
	if a.askers == nil {
		a.askers = make(map[room.ConnID]layer.Address)
	}
	a.askers[in.Conn] = in.Consumer
}

const (
	readsAtOnce = 4    // of rooms that are not open: each holds a document
	readsWait   = 1024 // and how many more may wait for that
)

// askStore answers a Query to a room that is not open from the store, beside
// everything else.
func (w *Worker) askStore(in layer.Input) error {
	if w.reads.waits() >= readsWait {
		return layer.ErrFull
	}
	w.live.Add(1)
	w.reads.run(w.config.Runtime.Go, func() {
		defer w.live.Done()
		answer, err := w.stored(in.Room, *in.Ask)
		w.reads.done(w.config.Runtime.Go)
		switch {
		case err == nil:
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDeleted):
			answer.Refusal = room.Refusal{Cause: room.Unavailable}
		case errors.Is(err, errVector):
			answer.Refusal = room.Refusal{Cause: room.Malformed, Reason: err.Error()}
		default:
			w.config.Logger.Error("A room could not be read from the store.", "room", in.Room, "error", err)
			answer.Refusal = room.Refusal{Cause: room.Closed, Code: loadTrouble.tell.Code, Reason: loadTrouble.tell.Reason}
		}
		w.answer(in.Room, in.Conn, in.Consumer, answer)
	})
	return nil
}

var errVector = errors.New("worker: that is no state vector")

// stored answers a Query from what is in the store.
func (w *Worker) stored(name string, ask room.Ask) (a room.Answer, err error) {
	defer guard(&err)
	doc := blocks.NewWith(w.config.Room(name).Room.Blocks)
	log, err := w.config.Store.Load(w.working, name)
	if err != nil {
		return a, err
	}
	if err := replay(log, doc.Load); err != nil {
		return a, err
	}
	a = room.Answer{Summary: room.Summary{Size: doc.Size()}, At: room.Mark{Seq: digest(log)}, Vector: doc.StateVector()}
	switch {
	case ask.Bare, ask.Vector == nil && ask.Since == a.At:
	case ask.Vector == nil:
		a.Update, a.Whole = doc.Encode(blocks.V1), true
	default:
		if a.Update, err = doc.Diff(ask.Vector, blocks.V1); err != nil {
			return room.Answer{}, fmt.Errorf("%w: %w", errVector, err)
		}
	}
	return a, nil
}

// digest is a number that a log has as long as nothing is added to it or compacted; never 0.
func digest(log store.Log) uint64 {
	h := fnv.New64a()
	for _, p := range log.Positions {
		_ = binary.Write(h, binary.LittleEndian, p) // a hash takes everything
	}
	return h.Sum64() | 1
}
