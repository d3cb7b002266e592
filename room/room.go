package room

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// Config configures a Room. In the zero value all limits have their defaults.
type Config struct {
	// Epoch distinguishes the Marks of this opening of the room from those of others. It
	// is random, and 0 only in tests.
	Epoch     uint64
	Blocks    blocks.Options
	Awareness awareness.Config
	// Encoding is the encoding of the data in SyncStep2 and Update, in both
	// directions, of connections that have joined without event.Input.V1. The default is V1.
	Encoding blocks.Encoding
	// Worker is the name of the worker that runs the room, for its Summary.
	Worker string
}

// Room is a shared document and the connections that edit it. It is not safe
// for concurrent use.
type Room struct {
	epoch     uint64
	worker    string
	blocks    *blocks.Store
	encoding  blocks.Encoding
	awareness *awareness.Awareness
	conns     map[event.ConnID]member
	v1s       int                               // how many of them have v1 set
	banned    map[event.ConnID]protocol.Message // the connections that were expelled and have not left yet; nil if there are none
	watchers  map[event.ConnID]bool             // nil if there are none

	controlled []controlled

	// whole holds the encodings of the whole document, for connections and programs that
	// have nothing. It is reset when the document changes.
	whole wholes

	// seq is the document sequence: it increases by one with each update that is
	// broadcast. It starts at 1, so that 0 means "has nothing".
	seq       uint64
	saved     savedVectors
	saveEvery int // a state vector is saved after so many bytes of updates, at least

	asking map[event.ConnID]bool // the connections that are to be asked for what the room lacks: see noteLack
	askAt  time.Time             // when the next of them may be asked; zero: none waits for that

	changed time.Time // of the last turn that changed the document
	edits   edits

	refusing *protocol.CloseError // see Refuse; nil: updates are accepted
}

// wholes holds a weak pointer for each encoding: what it points to is garbage-collected
// once it was sent to all receivers.
type wholes [blocks.V2 + 1]weakbytes.Pointer

// member is a connection in the room.
type member struct {
	user      string
	access    event.Access
	accessSeq uint64    // see event.Output
	acks, v1  bool      // see event.Input
	opened    bool      // SyncStep1 and the awareness were sent to it
	asked     time.Time // when SyncStep1 was last sent to it
	uncounted []byte    // see restart
	answer    answer
}

// encodingOf returns the encoding of the updates to and from a connection.
func (r *Room) encodingOf(m member) blocks.Encoding {
	if m.v1 {
		return blocks.V1
	}
	return r.encoding
}

// New returns a room with an empty document and no connections.
func New(cfg Config) *Room {
	doc := blocks.NewWith(cfg.Blocks)
	doc.HoldPending()
	return &Room{
		epoch:     cfg.Epoch,
		worker:    cfg.Worker,
		blocks:    doc,
		encoding:  cmp.Or(cfg.Encoding, blocks.V1),
		awareness: awareness.New(cfg.Awareness),
		conns:     make(map[event.ConnID]member),
		seq:       1,
		saveEvery: 32 << 10,
	}
}

// Load adds an update that is stored already to the document. It borrows the update. No
// limit applies, and nothing is sent. The whole log must be loaded before the first
// Step. The errors are those of package blocks; then the document is unchanged.
func (r *Room) Load(update []byte, enc blocks.Encoding) error {
	return r.blocks.Load(update, enc)
}

// Refuse makes the room refuse each update that would change its document: the connection
// that has sent it is sent a Close with this code and reason and leaves the room, and the
// request of a program is refused with CauseClosed. Everything else goes on. If why is
// nil, updates are accepted again.
func (r *Room) Refuse(why *protocol.CloseError) { r.refusing = why }

// Deadline returns when the room needs a Step even without inputs: to expire awareness, to
// broadcast what of it was renewed, or to ask a connection for what pending blocks depend on.
// It returns the zero time if no Step is needed.
func (r *Room) Deadline() time.Time {
	d := r.awareness.Deadline()
	if d.IsZero() || !r.askAt.IsZero() && r.askAt.Before(d) {
		return r.askAt
	}
	return d
}

// AwarenessFull reports whether an awareness state was ever ignored because those of
// the room take too much.
func (r *Room) AwarenessFull() bool { return r.awareness.Full() }

// Empty reports whether no connection is in the room, and no program watches it or waits
// until connections that it has closed have left.
func (r *Room) Empty() bool {
	return len(r.conns) == 0 && len(r.watchers) == 0 && len(r.controlled) == 0
}

// Summary describes the room.
func (r *Room) Summary(now time.Time) event.Summary {
	return event.Summary{
		Conns:   len(r.conns),
		Clients: r.Clients(),
		Size:    r.blocks.Size() + r.blocks.Pending(),
		Pending: r.blocks.Pending(),
		Edits:   r.edits.lately(now),
		Changed: r.changed,
		Worker:  r.worker,
	}
}

// Memory returns about how many bytes the document takes in memory. It takes constant
// time.
func (r *Room) Memory() int { return r.blocks.Memory() }

// Clients returns how many clients have an awareness state.
func (r *Room) Clients() int { return r.awareness.Len() }

// Edits returns how many updates of connections and programs have changed the document.
func (r *Room) Edits() uint64 { return r.edits.total }

// Pending returns the size of the pending blocks in bytes.
func (r *Room) Pending() int { return r.blocks.Pending() }

// Clashes returns how many updates had blocks that differ from those that the document
// has with the same client and clock, and the first element of the last such block.
// See blocks.Store.Clashes.
func (r *Room) Clashes() (n int, last blocks.ID) { return r.blocks.Clashes() }

// Freezes returns how many updates were refused because clients that load the document
// with them would freeze.
func (r *Room) Freezes() int { return r.blocks.Freezes() }

// mark returns the state of the document.
func (r *Room) mark() event.Mark { return event.Mark{Epoch: r.epoch, Seq: r.seq} }
