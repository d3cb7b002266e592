// Package store is the contract of the storage: a log of updates per room, and
// snapshots that stand for parts of it.
//
// Package storetest is its conformance suite.
package store

import (
	"context"
	"errors"
)

// Encoding says how an Entry's data is encoded. It is stored with the data and
// never guessed: a V1 decoder reads V2 bytes as an empty document without an error.
type Encoding uint8

// The encodings of Yjs updates. The zero value is none.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

// Entry is an update, or a snapshot, which is an update too.
type Entry struct {
	Encoding Encoding
	Data     []byte
}

// Position names one entry of a room's log. It is never given out twice in
// one room, and says nothing about order between writers.
type Position uint64

// Log is what a room's log held at one moment. Applying all entries in any
// order gives the document.
type Log struct {
	Entries   []Entry
	Positions []Position // of each entry
}

var (
	// ErrNotFound means that the room was never written to.
	ErrNotFound = errors.New("store: no such room")
	// ErrCorrupt means that what is stored can't be read. A room whose load
	// failed is never an empty document.
	ErrCorrupt = errors.New("store: the stored room is damaged")
)

// Store keeps rooms. Its methods can be called from any goroutine, by several
// processes at once. When ctx ends they return soon, with its error. An error
// other than those above may pass: try again. A room's name is valid UTF-8 of 1
// to 255 bytes; names that differ in any byte are different rooms.
type Store interface {
	// Load gives all that the room's log holds. The caller owns the result.
	Load(ctx context.Context, room string) (Log, error)
	// Append adds an entry; it is durable when Append returns nil. After an
	// error it may or may not be stored. The entry's data is borrowed until
	// Append returns.
	Append(ctx context.Context, room string, e Entry) (Position, error)
	// Compact replaces exactly the entries that read holds with snapshot, all
	// or nothing. Entries that were appended since read was loaded stay. Where
	// some of read's entries are gone already, because somebody else compacted
	// them, nothing changes and the error is ErrConflict. Both are borrowed until
	// Compact returns.
	Compact(ctx context.Context, room string, read Log, snapshot Entry) error
}

// ErrConflict means that the log was compacted by somebody else: load it again.
var ErrConflict = errors.New("store: the log was compacted by another worker")
