package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// ErrNotOpen means that the room is not in memory, or not yet.
var ErrNotOpen = errors.New("worker: the room is not open")

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

// Mark is a state of a room's document. The zero Mark is that of an empty one.
type Mark struct {
	Opened time.Time // when the room was opened: each opening counts anew
	Seq    uint64    // the document's sequence
}

// Answer is what is told of one room. At is the Mark to ask from the next time.
type Answer struct {
	room.Answer

	At Mark
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

// Query asks a room that is in memory about itself, and about what its document
// gained after since: all of it where since is of another opening. See
// room.Room.Query. The answer comes once what it tells is durable. The error is
// ErrNotOpen, a *protocol.CloseError that says why the room is closed, or that of ctx.
func (w *Worker) Query(ctx context.Context, name string, since Mark) (Answer, error) {
	a := w.named(name)
	if a == nil {
		return Answer{}, ErrNotOpen
	}
	q := &query{since: since, answered: make(chan struct{})}
	if !a.mail.Post(func() { a.ask(q) }) {
		return Answer{}, ErrNotOpen
	}
	select {
	case <-q.answered:
		return q.answer, q.err
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
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

// query is a question on its way.
type query struct {
	since    Mark
	answer   Answer
	err      error
	answered chan struct{} // closed when answer or err is there
}

func (q *query) end(err error) {
	if err != nil {
		q.answer, q.err = Answer{}, err
	}
	close(q.answered)
}

// ask has q answered once what the room knows is durable.
func (a *actor) ask(q *query) {
	a.guarded(func() {
		if a.room == nil {
			return
		}
		if !q.since.Opened.Equal(a.opened) {
			q.since.Seq = 0
		}
		answer := a.room.Query(q.since.Seq)
		q.answer = Answer{answer, Mark{a.opened, answer.Seq}}
	})
	switch {
	case a.failure != nil:
		q.end(a.failure)
	case a.room == nil:
		q.end(ErrNotOpen)
	case a.unsaved.any():
		a.unsaved.asked = append(a.unsaved.asked, q)
	case a.saving.any():
		a.saving.asked = append(a.saving.asked, q)
	default:
		q.end(nil)
	}
}

// endQueries ends those that waited for the store.
func endQueries(asked []*query, err error) {
	for _, q := range asked {
		q.end(err)
	}
}

// Stored gives a room's document as it is in the store, as a V1 update, without
// opening the room. The error is one of the store's, or of ctx.
func (w *Worker) Stored(ctx context.Context, name string) (update []byte, err error) {
	defer guard(&err)
	log, err := w.config.Store.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	doc := blocks.NewWith(w.config.Room(name).Room.Blocks)
	if err := replay(log, doc.Load); err != nil {
		return nil, err
	}
	return doc.Encode(blocks.V1), nil
}
