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
	Answer = worker.Answer
	// Mark is a state of a room's document.
	Mark = worker.Mark
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

// ErrNotOpen means that a room is not in memory, or not yet.
var ErrNotOpen = worker.ErrNotOpen

// Rooms gives the names of the rooms in memory, in order: those in which
// somebody is, or was not long ago (Settings.RemoveDelay).
func (s *Server) Rooms() []string { return s.worker.Rooms() }

// Summaries tells about those of the named rooms that are in memory. A room that
// has not answered when ctx ends is Busy. To ask costs a room
// next to nothing, and keeps none in memory.
func (s *Server) Summaries(ctx context.Context, names []string) []Summary {
	return s.worker.Summaries(ctx, names)
}

// Query asks a room that is in memory who is in it, and what its document gained
// after since; the zero Mark is for all of it. The next question can start from
// Answer.At. The answer tells nothing that could still be lost, so it waits for
// the store while the room does. The error is ErrNotOpen, a *CloseError that says why
// the room is closed, or that of ctx.
func (s *Server) Query(ctx context.Context, room string, since Mark) (Answer, error) {
	return s.worker.Query(ctx, room, since)
}

// StoredDocument gives the document of a room as it is in its store, as a V1
// update that the caller owns. The room may be in memory or not, and is not
// loaded by this. The error is one of the store's, or of ctx.
func (s *Server) StoredDocument(ctx context.Context, room string) ([]byte, error) {
	return s.worker.Stored(ctx, room)
}
