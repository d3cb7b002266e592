package yroom

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"github.com/yroom/yroom/blocks"
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
	// and nobody is in it, or it was deleted.
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
	// ErrClosed means that the server is shut down.
	ErrClosed = errors.New("yroom: the server is shut down")
)

// Document is the document of one room, in memory or only stored, wherever its
// worker runs. Its methods can be called from any goroutine. Where their context
// has no deadline they give up after 10 seconds with ErrTimeout. A room that is
// closed for a while because something is wrong with it, or with its store, makes them return
// a *CloseError.
type Document struct {
	server *Server
	room   string
}

// Document gives access to the document of a room, which need not exist.
func (s *Server) Document(room string) *Document { return &Document{s, room} }

// Change is what a document gained. See Document.Changes.
type Change struct {
	Update []byte // V1, the caller's own; nil: nothing, this is where the stream begins
	Whole  bool   // Update is all of the document
	At     Mark   // where to go on from
}

// Update gives the whole document as one update, which the caller owns.
func (d *Document) Update(ctx context.Context, enc Encoding) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Diff gives what somebody with the given state vector lacks, all deletions included.
func (d *Document) Diff(ctx context.Context, stateVector []byte, enc Encoding) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// StateVector gives the document's state vector, which the caller owns.
func (d *Document) StateVector(ctx context.Context) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Apply adds an update, which it borrows, as a client's edit would. When it
// returns nil the update is durable, and sent to everybody in the room. A room that is not
// there is made. The error is ErrMalformed, ErrLimit, ErrUnavailable for a room
// that was deleted, ErrTimeout.
func (d *Document) Apply(ctx context.Context, update []byte, enc Encoding) error {
	return errors.ErrUnsupported
}

// Create makes the room with update as its content. However many call it at
// once, one succeeds; the others have ErrExists. A room that was deleted is made anew.
func (d *Document) Create(ctx context.Context, update []byte, enc Encoding) error {
	return errors.ErrUnsupported
}

// Delete deletes the room.
func (d *Document) Delete(ctx context.Context) error { return errors.ErrUnsupported }

// Changes tells what the document gains after since.
func (d *Document) Changes(ctx context.Context, since Mark) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) { yield(Change{}, errors.ErrUnsupported) }
}

// Text gives the root text of that name, "" where there is none.
func (d *Document) Text(ctx context.Context, name string) (string, error) {
	return "", errors.ErrUnsupported
}

// Array gives the root array of that name as JSON, [] where there is none.
func (d *Document) Array(ctx context.Context, name string) (json.RawMessage, error) {
	return nil, errors.ErrUnsupported
}

// Map gives the root map of that name as JSON, {} where there is none.
func (d *Document) Map(ctx context.Context, name string) (json.RawMessage, error) {
	return nil, errors.ErrUnsupported
}

// XMLFragment gives the root XML fragment of that name as XML, "" where there is none.
func (d *Document) XMLFragment(ctx context.Context, name string) (string, error) {
	return "", errors.ErrUnsupported
}

// XMLElement gives the root XML element of that name as XML, whose tag is the name.
func (d *Document) XMLElement(ctx context.Context, name string) (string, error) {
	return "", errors.ErrUnsupported
}

// XMLText gives the root XML text of that name, "" where there is none.
func (d *Document) XMLText(ctx context.Context, name string) (string, error) {
	return "", errors.ErrUnsupported
}
