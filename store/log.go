package store

import "time"

// Encoding names the encoding of an Entry's data. It is stored with the data and
// never guessed: a V1 decoder reads V2 bytes as an empty document without an error.
type Encoding uint8

// The encodings of Yjs updates. The zero value is not one of them.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

// Valid reports whether e is V1 or V2. A store refuses entries of any other
// encoding with ErrInvalid.
func (e Encoding) Valid() bool { return e == V1 || e == V2 }

// Entry is an update in a room's log. A snapshot is an entry too.
type Entry struct {
	Encoding Encoding
	// Cut says, in an argument of Compact, that the document is set back: the snapshot lacks its
	// newest entries. Such a compaction changes the document; others don't. See Notices. Load and
	// LoadAfter return false.
	Cut  bool
	Data []byte

	// At is when the entry was stored, by the clock of the store, in UTC and to
	// the millisecond at least. The store sets it: Append, Compact and Create ignore the
	// value in their argument, and Load and LoadAfter return the stored one. A snapshot's
	// At is when the compaction stored it.
	At time.Time

	// By is reserved for naming the user whose update this is: valid UTF-8 of at
	// most 255 bytes without NUL, which the store keeps and returns as given.
	By string
}

// Position is the place of an entry in its room's log. The first is 1.
//
// Append and Create take the next position: the last one taken in the room, by
// any process, plus one. They take positions in the order in which the entries
// become durable and visible to Load, so a Load that returns a position also
// returns, or has in a snapshot, every entry before it. Delete takes the next position, too, so
// that all that happens to a room has an order.
//
// A snapshot takes the position of the newest entry that it replaces. So a snapshot
// takes no position of its own, the newest entry of a log has the last position
// taken unless the room was deleted, and an entry that was appended after position p is, by itself or in a
// snapshot, among the entries whose positions are larger than p. A snapshot that
// replaces nothing takes the next position.
//
// Positions are never taken twice, even if the room is deleted and created again.
// The one exception is a crash that loses entries, which levels below
// DurabilityFsync allow: it loses their positions with them.
//
// A store whose LoadAfter is unsupported need not keep that order. Its positions need
// only be unique in the log.
type Position uint64

// Log is what a room's log held at one moment. Applying all its entries, in any
// order, results in the document.
type Log struct {
	Entries   []Entry
	Positions []Position // of the entries, in ascending order

	// Generation changes with each compaction and deletion of the room. Compact
	// compares it, so that it replaces only entries that are as they were read.
	Generation uint64
}

// Last returns the position of the newest entry, or 0 for a log without entries.
func (l Log) Last() Position {
	if len(l.Positions) == 0 {
		return 0
	}
	return l.Positions[len(l.Positions)-1]
}

// Listed is a room as List describes it.
type Listed struct {
	Room   string
	Bytes  int       // of the data of all its entries
	Stored time.Time // the latest At of its entries, one of which may be a snapshot
}
