package yroom

import (
	"context"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/worker"
)

// What is told about rooms.
type (
	// Summary is what is told of a room in a list.
	Summary = worker.Summary
	// State says how a room in memory is.
	State = worker.State
	// Answer is what is told of one room.
	Answer = room.Answer
	// Mark is a state of a room's document. The zero Mark is that of an empty one.
	Mark = room.Mark
	// Member is a connection in a room.
	Member = room.Member
	// AwarenessState is what is known of one client who is present.
	AwarenessState = awareness.State
)

// States of a room. Only of one that is Open more is told.
const (
	Busy    = worker.Busy    // it did not answer in time
	Loading = worker.Loading // it is about to open
	Open    = worker.Open
	Failed  = worker.Failed // it is closed, and turns everybody away for a while
)

// Rooms gives the names of the rooms in memory, in order: those in which
// somebody is, or was not long ago (Settings.RemoveDelay).
func (s *Server) Rooms() []string { return s.worker.Rooms() }

// Summaries tells about those of the named rooms that are in memory. A room that
// has not answered when ctx ends is Busy. To ask costs a room
// next to nothing, and keeps none in memory.
func (s *Server) Summaries(ctx context.Context, names []string) []Summary {
	return s.worker.Summaries(ctx, names)
}

// Query tells about a room: who is in it, and what its document gained after
// since; the zero Mark is for all of it. The next question can start from
// Answer.At, whose Opened is zero where the room is only stored. The answer
// tells nothing that could still be lost, so it waits for the store while the
// room does. The room is not kept in memory, nor loaded into it, by this. The
// error is ErrUnavailable, ErrTimeout, ErrClosed, a *CloseError that says why the
// room is closed, or that of ctx.
func (s *Server) Query(ctx context.Context, name string, since Mark) (Answer, error) {
	return s.line.ask(ctx, name, room.Query, room.Ask{Since: since})
}
