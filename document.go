package yroom

import (
	"context"
	"errors"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/room"
)

// Encoding names how an update is encoded. It is always named, never guessed.
type Encoding = blocks.Encoding

// The encodings of Yjs updates.
const (
	V1 = blocks.V1
	V2 = blocks.V2
)

var (
	// ErrUnavailable means that there is no such room: it was never written to
	// and nobody is in it, or it was deleted, or no room can have that name.
	ErrUnavailable = errors.New("yroom: there is no such room")
	// ErrExists means that a room that was to be created is there already.
	ErrExists = errors.New("yroom: the room exists")
	// ErrMalformed means that bytes are no update or no state vector. Nothing was changed.
	ErrMalformed = errors.New("yroom: malformed")
	// ErrLimit means that an update would take the document past a limit of its
	// room. Nothing was changed.
	ErrLimit = errors.New("yroom: over the limit")
	// ErrTimeout means that nobody answered in time. What was to be changed may
	// have been changed or not.
	ErrTimeout = errors.New("yroom: no answer")
	// ErrUnsupported means that the room's store can't do this.
	ErrUnsupported = errors.New("yroom: the store of this room can't do that")
	// ErrClosed means that the server is shut down. What was to be changed
	// meanwhile may have been changed or not.
	ErrClosed = errors.New("yroom: the server is shut down")

	// ErrConflict means that somebody else has written with the client id of an
	// edit, or that the room was made anew meanwhile. Nothing was changed: edit
	// it again.
	ErrConflict = errors.New("yroom: the document is not the one that was edited")
)

// Document is the document of one room, in memory or only stored, wherever its
// worker runs. Its methods can be called from any goroutine. Where their context
// has no deadline they wait 10 seconds for the room, and then give up with
// ErrTimeout. A room that is closed for a while, because something is wrong with it
// or with its store, makes them return a *CloseError.
type Document struct {
	server *Server
	room   string
}

// ValidRoom tells whether a room can have that name: 1 to 255 bytes of UTF-8, not
// blank, without control characters.
func ValidRoom(name string) bool { return consumer.ValidRoom(name) }

// Document gives access to the document of a room, which need not exist.
func (s *Server) Document(room string) *Document { return &Document{s, room} }

// query asks about the document.
func (d *Document) query(ctx context.Context, ask room.Ask) (Answer, error) {
	return d.server.line.ask(ctx, d.room, room.Query, ask)
}

// Update gives the whole document as one update, which the caller owns.
func (d *Document) Update(ctx context.Context, enc Encoding) ([]byte, error) {
	return d.diff(ctx, room.Ask{}, enc)
}

// Diff gives what somebody with the given state vector lacks, and all
// deletions, as one update, which the caller owns. stateVector is borrowed.
// The error is ErrMalformed where it is none.
func (d *Document) Diff(ctx context.Context, stateVector []byte, enc Encoding) ([]byte, error) {
	return d.diff(ctx, room.Ask{Vector: append([]byte{}, stateVector...)}, enc)
}

func (d *Document) diff(ctx context.Context, ask room.Ask, enc Encoding) ([]byte, error) {
	a, err := d.query(ctx, ask)
	if err != nil {
		return nil, err
	}
	update, err := blocks.Convert(V1, enc, a.Update)
	return update, malformed(err)
}

// StateVector gives the document's state vector, which the caller owns.
func (d *Document) StateVector(ctx context.Context) ([]byte, error) {
	a, err := d.query(ctx, room.Ask{Bare: true})
	return a.Vector, err
}

// Apply adds an update, which it borrows, as a client's edit would. When it
// returns nil, the update is durable, and on its way to everybody in the room.
// A room that is not there is made, if the update brings anything. One that was
// deleted is not: the error is ErrUnavailable until it is created anew. After ErrMalformed and ErrLimit
// nothing has changed; after ErrTimeout, ErrClosed and a *CloseError that is
// unknown, and to apply the same update again does no harm.
func (d *Document) Apply(ctx context.Context, update []byte, enc Encoding) error {
	return d.bring(ctx, room.Apply, room.Ask{}, update, enc)
}

// Create makes the room with update, which it borrows, as its content: once,
// however many try. All others have ErrExists, as have those who come to a room
// that somebody has written to. An empty room in which people are is filled
// before their eyes, and a room that was deleted is made anew. After ErrTimeout,
// ErrClosed and a *CloseError it is unknown whether the room was made.
//
// A room that several programs may find empty has to be filled like this: where
// each applies content that it has made by itself, the document holds all of them.
//
// Clients that were in a room before it was deleted, and come back with what they
// had, add that to the new one: such is Yjs.
func (d *Document) Create(ctx context.Context, update []byte, enc Encoding) error {
	return d.bring(ctx, room.Create, room.Ask{}, update, enc)
}

func (d *Document) bring(ctx context.Context, kind room.Kind, ask room.Ask, update []byte, enc Encoding) error {
	v1, err := blocks.Convert(enc, V1, update)
	if err != nil {
		return malformed(err)
	}
	if enc == V1 {
		v1 = slices.Clone(v1) // the room keeps it
	}
	ask.Update = v1
	_, err = d.server.line.ask(ctx, d.room, kind, ask)
	return err
}

// Delete deletes the room. Its people leave with 4404, as do their clients that
// come back: nobody can bring the room back with what they still have, until
// Create makes it anew. The error is ErrUnavailable where nobody has written to the
// room, whoever is in it, or where it is deleted already.
func (d *Document) Delete(ctx context.Context) error {
	_, err := d.server.line.ask(ctx, d.room, room.Delete, room.Ask{})
	return err
}
