// Package room is one shared document and who is in it, as a pure state
// machine: what happened goes in, what to store and whom to tell comes out. It
// does no I/O, starts no goroutine and asks no clock.
package room

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/weakbytes"
)

// Config sets a room's limits, and what it speaks. The zero value means the
// defaults.
type Config struct {
	Blocks    blocks.Options
	Awareness awareness.Config
	// Encoding is that of the data in SyncStep2 and Update, in both directions;
	// default V1.
	Encoding blocks.Encoding
}

// Room is one shared document and who is in it. It is not safe for use by
// several goroutines at once.
type Room struct {
	blocks    *blocks.Store
	encoding  blocks.Encoding
	awareness *awareness.Awareness
	conns     map[ConnID]member
	watchers  map[ConnID]bool // nil: nobody
	opened    time.Time

	// whole is what was encoded for who has nothing. It leads to nothing once all
	// have been sent it, or the document has changed.
	whole weakbytes.Pointer

	// seq is the document sequence: it grows by one with each update that is
	// broadcast. It starts at 1, so that 0 means "has nothing".
	seq       uint64
	marks     marks
	markEvery int // bytes of updates between two marks

	edited time.Time // when the last turn ended that brought an update
}

// member is a connection in the room.
type member struct {
	access Access
	opened bool // it was sent SyncStep1 and the awareness
}

// New returns a room with an empty document and nobody in it.
func New(cfg Config) *Room {
	return &Room{
		blocks:    blocks.NewWith(cfg.Blocks),
		encoding:  cmp.Or(cfg.Encoding, blocks.V1),
		awareness: awareness.New(cfg.Awareness),
		conns:     make(map[ConnID]member),
		seq:       1,
		markEvery: 256 << 10,
	}
}

// Open says when the room was opened, for its Marks. Without it they don't tell
// one life of a room from another.
func (r *Room) Open(at time.Time) { r.opened = at }

// Load takes an update that is stored already, which it borrows, into the
// document, whatever the limits, and tells nobody. Load all there is before the
// first Step. An error is one of package blocks and changes nothing.
func (r *Room) Load(update []byte, enc blocks.Encoding) error {
	return r.blocks.Load(update, enc)
}

// Deadline is when the room wants a Tick; zero if it wants none.
func (r *Room) Deadline() time.Time { return r.awareness.Deadline() }

// Empty tells whether no connection is in the room and nobody watches it.
func (r *Room) Empty() bool { return len(r.conns) == 0 && len(r.watchers) == 0 }
