package store

import "errors"

// Errors of a Store's methods, to be compared with errors.Is. A store may also
// return errors.ErrUnsupported, see Store.
var (
	// ErrNotFound means that the room was never written to.
	ErrNotFound = errors.New("store: no such room")
	// ErrDeleted means that the room was deleted and has not been created again.
	ErrDeleted = errors.New("store: the room was deleted")
	// ErrExists means that a room that was to be created exists.
	ErrExists = errors.New("store: the room exists")
	// ErrConflict means that the log was compacted after it was loaded: load it
	// again.
	ErrConflict = errors.New("store: the log was compacted after it was loaded")
	// ErrCorrupt means that stored data can't be read. Callers must not treat the room as
	// an empty document.
	ErrCorrupt = errors.New("store: stored data is damaged")
	// ErrInvalid means that the store can never take the entry: its encoding is
	// unknown, or it is larger than the store's format allows. Trying again
	// doesn't help.
	ErrInvalid = errors.New("store: the entry is not valid")
	// ErrLost means that an earlier entry of the room, for which no call waited
	// (DurabilityNone), could not be written. The entry of the call that returns
	// the error is not stored either.
	ErrLost = errors.New("store: an earlier update of the room was lost")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("store: the store is closed")
)
