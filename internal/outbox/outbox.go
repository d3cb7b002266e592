// Package outbox decides what is written to a connection of a room, and what
// the room has to be asked for where the connection reads more slowly than
// others write, or where messages of the room were lost.
//
// An [Outbox] is plain data: it does no I/O, has no lock, starts no goroutine
// and doesn't read the clock. The consumer runs one for each connection, and the
// simulator runs the same code.
//
// Files: outbox.go says what is kept, dropped and written; awareness.go bounds
// awareness; resync.go brings a slow connection, and one whose room has
// forgotten it, up to date; vectors.go keeps the state vectors of a room.
//
// # Why no update is lost
//
// An update has the Mark of the document that it brings the receiver to. The
// outbox keeps one promise: the client has everything up to the Mark written,
// unless that is zero.
//
// A frame is whole if what it brings doesn't depend on the frame before it. Every
// document frame for one connection is whole: a SyncStep2, which the room
// computed from the client's own state vector or from a Mark that this outbox
// had written, and an Update, which answers a Resync, and which the room
// computed from such a Mark too. A broadcast is not whole: it continues the
// state whose Seq is one less. So:
//
//   - After the first whole frame a broadcast is taken only if it continues what
//     was taken last: the same epoch, and the next Seq. One that isn't newer is a
//     duplicate and dropped. In all other cases something is missing, and the
//     outbox is behind.
//   - When an update doesn't fit, it and all updates that wait are dropped, and
//     the outbox is behind. What is being written stays: it is written in full, or
//     the connection ends.
//   - While behind, broadcasts are dropped: each would stand after a gap. This
//     holds before the Resync is sent, and until its answer arrives. The room made
//     these broadcasts before the answer, so the answer includes them.
//   - The answer ends being behind, and so does a SyncStep2. What the room
//     broadcasts after it arrives after it, and continues it. An answer that is
//     older than a frame that has arrived was overtaken, and the outbox stays
//     behind.
//   - A Resync is due when nothing of the document waits or is being written.
//     Awareness may still wait, or a lively room would keep a slow client from
//     ever catching up.
//   - At most one Resync is unanswered. When its answer arrives, written may have
//     grown since, by a SyncStep2; then the answer repeats what the client has.
//   - A Join with GreetingRejoin is due when the room may have forgotten the
//     connection. Until its answer, a SyncStep2, arrives, broadcasts are taken as
//     long as each continues the one before. The answer includes all document
//     frames that wait, which are dropped. The answer to an earlier Resync may
//     never arrive, and isn't waited for.
//
// The answer to a Resync or a Rejoin is kept when the outbox overflows after it.
// So each round brings the client to a later Mark, however small the outbox is.
// The first SyncStep2 is kept too, because the client waits for it.
//
// # Order
//
// Frames are written in the room's order, so that the room alone decides whether
// SyncStep1 comes before SyncStep2 or after it. Of SyncStep1 only the newest
// waits, in the last place: it holds what the server has, and a later one
// includes an earlier one. It is never dropped, because a client that doesn't
// receive it doesn't send what it wrote offline.
package outbox

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Frame is a message, ready to be written. A Frame of a broadcast may wait in
// many outboxes, and all its data is shared and must not be changed.
type Frame struct {
	Type protocol.Type
	// Head is what is written first: the whole frame, or what stands before Body.
	Head []byte
	// Body is nil or the rest.
	Body []byte
	// Mark is that of the Output, of a SyncStep2 or an Update.
	Mark event.Mark
	// Broadcast reports that the frame is for every connection of the room. Other
	// frames belong to one outbox, which sets the fields below.
	Broadcast bool
	// States is the awareness update that an Awareness holds. It is needed where
	// the frame is merged with others.
	States []byte

	keep  bool // not dropped when the outbox overflows
	whole bool // the receiver has everything up to Mark, whatever was dropped before
}

const frameCost = 128 // what a frame costs beside its bytes

func (f *Frame) cost() int { return frameCost + len(f.Head) + len(f.Body) + len(f.States) }

func (f *Frame) document() bool { return f.Type == protocol.Update || f.Type == protocol.SyncStep2 }

// Outbox holds the frames that wait for one connection of a room. New makes one.
//
// Of its size, half is for document frames, a quarter for awareness that waits
// and a quarter for awareness that is being written.
type Outbox struct {
	size     int
	greeting event.Greeting
	encode   func(states []byte) *Frame

	queue   []*Frame
	waiting int // cost of the document frames in queue
	writing int // cost of the document frames that are being written
	aware   int // cost of the awareness frames in queue
	mergeAt int // merge the awareness when it costs more; 0: at the usual size

	greeted bool       // the first SyncStep2 was queued
	follows bool       // a whole frame was queued: a broadcast must continue last
	last    event.Mark // of the document frame that was queued last, once follows
	seen    event.Mark // the newest of the document frames that arrived

	based   bool       // a whole frame is written, or being written
	next    event.Mark // what written will be
	written event.Mark // the client has everything up to it

	behind    bool // updates are missing
	asked     bool // a Resync is unanswered
	join      bool // a Join is due
	joined    bool // a Join was sent
	rejoining bool // a Join with GreetingRejoin is unanswered
}

// New returns an Outbox that holds size bytes, for a connection that joins its
// room with greeting. encode returns the frame of an awareness update that the
// outbox has merged from several.
func New(size int, greeting event.Greeting, encode func(states []byte) *Frame) Outbox {
	return Outbox{size: size, greeting: greeting, encode: encode, join: true}
}

// Change is what a frame has changed about what the connection lacks.
type Change uint8

// The changes.
const (
	ChangeNone     Change = iota
	ChangeBehind          // updates are missing from now on
	ChangeResynced        // the missing updates have arrived
	ChangeRejoined        // the room has answered a Join with GreetingRejoin
)

// Add takes a frame or drops it. The error is that of awareness that can't be
// decoded.
func (o *Outbox) Add(f *Frame) (Change, error) {
	switch {
	case f.Type == protocol.SyncStep1:
		o.filter(func(f *Frame) bool { return f.Type != protocol.SyncStep1 })
		o.queue = append(o.queue, f)
	case f.Type == protocol.Awareness:
		return ChangeNone, o.addAwareness(f)
	case f.Type == protocol.Close:
		o.queue = append(o.queue, f)
	case f.document() && f.Broadcast:
		return o.addBroadcast(f), nil
	case f.document():
		return o.addWhole(f), nil
	}
	return ChangeNone, nil
}

func (o *Outbox) addBroadcast(f *Frame) Change {
	o.seen = later(o.seen, f.Mark)
	if o.behind {
		return ChangeNone
	}
	if o.follows {
		same := f.Mark.Epoch == o.last.Epoch
		if same && f.Mark.Seq <= o.last.Seq {
			return ChangeNone
		}
		if !same || f.Mark.Seq != o.last.Seq+1 {
			o.behind = true // what waits has no gap, and is written
			return ChangeBehind
		}
	}
	if !o.fits(f) {
		return o.overflow()
	}
	if o.follows {
		o.last = f.Mark
	}
	o.push(f)
	return ChangeNone
}

func (o *Outbox) addWhole(f *Frame) Change {
	step2 := f.Type == protocol.SyncStep2
	newer := later(o.last, f.Mark) == f.Mark
	rejoined := step2 && o.rejoining
	if step2 {
		o.rejoining = false
	}
	f.whole = true
	f.keep = rejoined && newer || step2 && !o.greeted || !step2 && o.asked
	if !f.keep && !o.fits(f) {
		return o.overflow()
	}
	if step2 {
		o.greeted = true
	} else {
		o.asked = false
	}
	if rejoined && newer {
		o.dropDocument(func(*Frame) bool { return false })
	}
	was := o.behind
	if newer || was {
		o.last = f.Mark
	}
	if o.last.Epoch == o.seen.Epoch {
		o.behind = o.last.Seq < o.seen.Seq
	} else if rejoined { // of the next epoch
		o.behind = false
	}
	o.follows, o.seen = true, later(o.seen, f.Mark)
	o.push(f)
	switch {
	case rejoined:
		return ChangeRejoined
	case was && !o.behind:
		return ChangeResynced
	case !was && o.behind:
		return ChangeBehind
	default:
		return ChangeNone
	}
}

// later returns the later of two Marks; of Marks of two epochs, the second.
func later(a, b event.Mark) event.Mark {
	if a.Epoch == b.Epoch && a.Seq > b.Seq {
		return a
	}
	return b
}

// fits reports whether a document frame may wait beside those that do.
func (o *Outbox) fits(f *Frame) bool {
	held := o.waiting + o.writing
	return held == 0 || held+f.cost() <= o.size/2
}

func (o *Outbox) push(f *Frame) {
	o.queue = append(o.queue, f)
	o.waiting += f.cost()
}

// overflow drops the document frames that wait, except those to be kept.
func (o *Outbox) overflow() Change {
	o.dropDocument(func(f *Frame) bool { return f.keep })
	if o.behind {
		return ChangeNone
	}
	o.behind = true
	return ChangeBehind
}

func (o *Outbox) dropDocument(keep func(*Frame) bool) {
	o.filter(func(f *Frame) bool {
		if !f.document() || keep(f) {
			return true
		}
		o.waiting -= f.cost()
		return false
	})
}

func (o *Outbox) filter(keep func(*Frame) bool) {
	n := 0
	for _, f := range o.queue {
		if keep(f) {
			o.queue[n] = f
			n++
		}
	}
	clear(o.queue[n:])
	o.queue = o.queue[:n]
}

// Empty reports whether no frame waits.
func (o *Outbox) Empty() bool { return len(o.queue) == 0 }

// Waiting returns how many bytes the frames that wait take, except SyncStep1.
func (o *Outbox) Waiting() int { return o.waiting + o.aware }

// Take appends all frames that wait to dst and removes them. They are being
// written from now on, until Wrote.
func (o *Outbox) Take(dst []*Frame) []*Frame {
	for _, f := range o.queue {
		if !f.document() {
			continue
		}
		if o.based || f.whole {
			o.based, o.next = true, later(o.next, f.Mark)
		}
	}
	dst = append(dst, o.queue...)
	clear(o.queue)
	o.queue = o.queue[:0]
	if cap(o.queue) > keepQueue {
		o.queue = nil
	}
	o.writing += o.waiting
	o.waiting, o.aware, o.mergeAt = 0, 0, 0
	return dst
}

// keepQueue is the capacity that an empty queue keeps, in frames.
const keepQueue = 16

// Wrote records that the frames that were taken are written in full.
func (o *Outbox) Wrote() {
	o.written, o.writing = o.next, 0
}

// Discard drops all frames that wait.
func (o *Outbox) Discard() {
	o.queue, o.waiting, o.aware = nil, 0, 0
}
