package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

var (
	// ErrNotFound means that the room doesn't exist: it was never written to and has no
	// connections, or it was deleted, or no room can have this name.
	ErrNotFound = errors.New("document: there is no such room")
	// ErrExists means that a room that was to be created exists already.
	ErrExists = errors.New("document: the room exists")
	// ErrMalformed means that bytes are not an update, or not a state vector.
	// Nothing was changed.
	ErrMalformed = errors.New("document: malformed")
	// ErrLimit means that an update would take the document past a limit of its
	// room. Nothing was changed.
	ErrLimit = errors.New("document: over the limit")
	// ErrConflict means that another process has written with the client id of
	// an edit, or that the room was deleted and created again meanwhile. Nothing
	// was changed: edit again.
	ErrConflict = errors.New("document: the document is not the one that was edited")
	// ErrUnsupported means that the room's store can't create, delete or list rooms.
	ErrUnsupported = errors.New("document: the store of this room can't do that")
	// ErrPosition means that the log can't be cut at a position: it has no entry there, or
	// none before it. Nothing was changed.
	ErrPosition = errors.New("document: the log can't be cut there")
	// ErrTimeout means that the room did not respond in time. A change may or may not have
	// been made.
	ErrTimeout = errors.New("document: no response in time")
	// ErrClosed means that Documents.Close was called, or Documents.Drain, which
	// ends edits and streams of changes. A change that was in progress may or may not have
	// been made.
	ErrClosed = errors.New("document: closed")
	// ErrNoWorker means that no worker served the room for 10 seconds, or until the
	// deadline of the context, in which case the error wraps that of the context too.
	// Nothing was changed: it is safe to repeat the call later. It wraps a
	// *protocol.CloseError with protocol.CloseTryLater.
	ErrNoWorker = tryLater("No worker serves this room at the moment. Try again later.")
	// ErrOutcomeUnknown means that the worker of the room was lost after the request was
	// sent. The change may have been made or not. It wraps a *protocol.CloseError with
	// protocol.CloseTryLater.
	ErrOutcomeUnknown = tryLater("The worker of this room was lost. The change may have been made or not.")
)

// tryLater returns an error that wraps a *protocol.CloseError with protocol.CloseTryLater.
func tryLater(reason string) error {
	return fmt.Errorf("document: %w", &protocol.CloseError{Code: protocol.CloseTryLater, Reason: reason})
}

// contextError returns the error for a context that ended before a response arrived.
func contextError(ctx context.Context) error {
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
}

// refusalError returns the error for a Refusal, and nil for the zero value.
func refusalError(r event.Refusal) error {
	var err error
	switch r.Cause {
	case 0:
		return nil
	case event.CauseMalformed:
		err = ErrMalformed
	case event.CauseOverLimit:
		err = ErrLimit
	case event.CausePosition:
		err = ErrPosition
	case event.CauseStale:
		return ErrConflict
	case event.CauseNotFound:
		return ErrNotFound
	case event.CauseExists:
		return ErrExists
	case event.CauseUnsupported:
		return ErrUnsupported
	default:
		return closeError(protocol.CloseError{Code: r.Code, Reason: r.Reason})
	}
	return fmt.Errorf("%w: %s", err, r.Reason)
}

// closeError returns the error for a close that a room sent.
func closeError(e protocol.CloseError) error {
	if e.Code == protocol.CloseDeleted {
		return ErrNotFound
	}
	return &e
}

// updateError turns an error of package blocks into one of this package.
func updateError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blocks.ErrLimit):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	case errors.Is(err, blocks.ErrMalformed):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return fmt.Errorf("document: %w", err)
}

// integrateError explains that a Doc refused an update that a room holds.
func integrateError(err error) error {
	if err != nil {
		return fmt.Errorf("document: the document can't be integrated: %w", err)
	}
	return nil
}
