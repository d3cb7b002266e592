package store

import (
	"context"
	"errors"
)

// Store keeps rooms.
//
// A name of a room is valid UTF-8 of 1 to 255 bytes. Callers check that before
// they call; a store need not. Names that differ in any byte name different
// rooms: a store neither folds case nor normalizes.
//
// All methods can be called from any goroutine, and several processes may use the
// rooms of one store at the same time. When ctx ends, a method returns soon, with
// the error of ctx. The errors that have a meaning are in errors.go; after any
// other error, the same call may succeed later.
//
// Create, Delete, List and LoadAfter return an error that wraps
// errors.ErrUnsupported if the store doesn't implement them. A Store that wraps another
// one must pass on all methods.
type Store interface {
	// Load returns the whole log of the room, in order of position. It sees
	// every entry whose Append had returned before Load was called, and a
	// compaction either wholly or not at all. The caller owns the result. The
	// error is ErrNotFound for a room that was never written to, ErrDeleted for
	// a room that was deleted, and ErrCorrupt if any entry can't be read.
	Load(ctx context.Context, room string) (Log, error)

	// LoadAfter is Load without the entries whose positions are after or less.
	// The log is empty, and the error nil, if there are none. LoadAfter(0)
	// returns all entries. For a room that was deleted when its last position was
	// after or larger, the error is ErrDeleted even if the room was created
	// again: its entries don't continue what the caller has loaded.
	LoadAfter(ctx context.Context, room string, after Position) (Log, error)

	// Append adds an entry to the log and returns its position. Append creates a room that
	// was never written to. When the error is nil, the entry is as durable as the
	// Durability of the room promises; otherwise it may or may not be stored. The position
	// is 0 if it isn't known yet, which happens only at DurabilityNone. The entry's data
	// is borrowed until Append returns. The error is ErrDeleted for a room that was
	// deleted, so that clients that reconnect can't bring it back.
	Append(ctx context.Context, room string, e Entry) (Position, error)

	// Compact replaces exactly the entries that read holds by snapshot, all or
	// nothing. Entries that were appended after read was loaded stay. A read
	// without entries replaces nothing, and the snapshot is added as Append adds
	// an entry. If entries of the log were replaced after read was loaded, that
	// is, if read.Generation isn't the log's, or if a position in read isn't in
	// the log, nothing changes and the error is ErrConflict. For a room that was
	// deleted, the error is ErrDeleted. The arguments are borrowed until Compact
	// returns.
	Compact(ctx context.Context, room string, read Log, snapshot Entry) error

	// Create creates the room with e as its only entry, all or nothing, and returns the
	// position of e. A room that was deleted can be created again. If the room exists,
	// nothing changes and the error is ErrExists. The entry's data is borrowed until
	// Create returns.
	Create(ctx context.Context, room string, e Entry) (Position, error)

	// Delete removes all entries of the room and leaves a tombstone, all or
	// nothing. It takes a position: see Position. Deleting a deleted room changes nothing. For a room that was never
	// written to, the error is ErrNotFound and there is no tombstone.
	Delete(ctx context.Context, room string) error

	// List returns at most limit rooms, in the byte order of their names: the
	// first of those whose names begin with prefix and sort after the name after,
	// which need not exist. Deleted rooms are left out. Rooms that are written to
	// during the call may be described as they were before.
	List(ctx context.Context, prefix, after string, limit int) ([]Listed, error)
}

// Unsupported can be embedded in a Store that implements only Load, Append and Compact.
// Its methods return errors.ErrUnsupported. Don't embed it in a Store that wraps
// another one: it would hide the methods of the wrapped store.
type Unsupported struct{}

// LoadAfter implements Store.
func (Unsupported) LoadAfter(context.Context, string, Position) (Log, error) {
	return Log{}, errors.ErrUnsupported
}

// Create implements Store.
func (Unsupported) Create(context.Context, string, Entry) (Position, error) {
	return 0, errors.ErrUnsupported
}

// Delete implements Store.
func (Unsupported) Delete(context.Context, string) error { return errors.ErrUnsupported }

// List implements Store.
func (Unsupported) List(context.Context, string, string, int) ([]Listed, error) {
	return nil, errors.ErrUnsupported
}
