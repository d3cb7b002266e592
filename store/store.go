// Package store is the contract of the storage: a log of updates per room, and
// snapshots that stand for parts of it.
//
// Package storetest is its conformance suite.
package store

import (
	"context"
	"errors"
	"strconv"
)

// Encoding says how an Entry's data is encoded. It is stored with the data and
// never guessed: a V1 decoder reads V2 bytes as an empty document without an error.
type Encoding uint8

// The encodings of Yjs updates. The zero value is none.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

// Valid says whether e is one of the encodings above. A store refuses entries
// of any other, with an error that does not pass.
func (e Encoding) Valid() bool { return e == V1 || e == V2 }

// Entry is an update, or a snapshot, which is an update too.
type Entry struct {
	Encoding Encoding
	Data     []byte
}

// Position names one entry of a room's log. It is never given out twice in
// one room, not even after the room was deleted and made anew, and says nothing
// about order between writers.
type Position uint64

// Log is what a room's log held at one moment. Applying all entries in any
// order gives the document.
type Log struct {
	Entries   []Entry
	Positions []Position // of each entry
}

// Durability is what a change survives once the call that made it has returned
// nil. A store that has levels takes a func in its Config which gives the level
// of a room by its name.
type Durability uint8

const (
	// Fsync survives power loss.
	Fsync Durability = iota
	// Commit survives a crash of the process, not one of the machine.
	Commit
	// None lets Append return before anything is written: a crash of the
	// process may lose the last moments. Where such an entry can't be written
	// afterwards, the room's next Append says so. Each call sees what was
	// appended before through the same store value. All other methods are as
	// with Commit.
	None
)

// String is the level's name in lower case.
func (d Durability) String() string {
	switch d {
	case Fsync:
		return "fsync"
	case Commit:
		return "commit"
	case None:
		return "none"
	}
	return "durability " + strconv.Itoa(int(d))
}

var (
	// ErrNotFound means that the room was never written to.
	ErrNotFound = errors.New("store: no such room")
	// ErrDeleted means that the room was deleted, and that nobody has created
	// it anew since.
	ErrDeleted = errors.New("store: the room was deleted")
	// ErrCorrupt means that what is stored can't be read. A room whose load
	// failed is never an empty document.
	ErrCorrupt = errors.New("store: the stored room is damaged")
	// ErrConflict means that the log was compacted by somebody else: load it again.
	ErrConflict = errors.New("store: the log was compacted by another worker")
	// ErrExists means that a room that was to be created is there already.
	ErrExists = errors.New("store: the room exists")
)

// Store keeps rooms. Its methods can be called from any goroutine, by several
// processes at once. When ctx ends they return soon, with its error. An error
// other than those above may pass: try again. A room's name is valid UTF-8 of 1
// to 255 bytes; names that differ in any byte are different rooms.
type Store interface {
	// Load gives all that the room's log holds. The caller owns the result. The
	// error is ErrDeleted for a room that was deleted.
	Load(ctx context.Context, room string) (Log, error)
	// Append adds an entry; it is durable when Append returns nil. After an
	// error it may or may not be stored. The entry's data is borrowed until
	// Append returns. To a room that was deleted nothing is added, so that
	// clients who come back can't bring it back; the error is ErrDeleted.
	Append(ctx context.Context, room string, e Entry) (Position, error)
	// Compact replaces exactly the entries that read holds with snapshot, all
	// or nothing. Entries that were appended since read was loaded stay. Where
	// some of read's entries are gone already, because somebody else compacted
	// them, nothing changes and the error is ErrConflict; for a room that was
	// deleted it is ErrDeleted. Both are borrowed until Compact returns.
	Compact(ctx context.Context, room string, read Log, snapshot Entry) error
}

// Creator is a Store that can make a room which is not there.
type Creator interface {
	// Create makes the room with e as its only entry, all or nothing. Where
	// the room was written to, nothing changes and the error is ErrExists. A
	// room that was deleted is made anew. The entry's data is borrowed until
	// Create returns.
	Create(ctx context.Context, room string, e Entry) error
}

// Deleter is a Store that can delete a room.
type Deleter interface {
	// Delete removes all entries of the room and leaves a tombstone, all or
	// nothing. Deleting a deleted room changes nothing. For a room that was
	// never written to the error is ErrNotFound, and no tombstone is left.
	Delete(ctx context.Context, room string) error
}
