// Package outbox decides what is written to a connection of a room. It also decides
// what to request from the room when the connection reads more slowly than others
// write, or when messages of the room were lost.
//
// An [Outbox] is plain data: it does no I/O, has no lock, starts no goroutine
// and doesn't read the clock. The consumer runs one for each connection, and the
// simulator runs the same code.
//
// Files: outbox.go decides what is kept, dropped and written; awareness.go bounds
// awareness; resync.go brings a slow connection, and one whose room has forgotten it,
// up to date; vectors.go keeps the state vectors of a room.
//
// # Why no update is lost
//
// An update has the Mark of the document that it brings the receiver to. The outbox
// keeps one invariant: unless the field written is the zero Mark, the client has
// everything up to it.
//
// A frame is whole if the receiver has everything up to its Mark once it has the frame,
// whatever was dropped before. Every document frame for one connection is whole: a
// SyncStep2, which the room has computed from the client's own state vector or from a
// Mark that was written, and an Update that answers a Resync, which the room has
// computed from such a Mark too. A broadcast is not whole: it continues the state whose
// Seq is one less. The rules are:
//
//   - After the first whole frame, a broadcast is queued only if it continues the
//     document frame that was queued last: the same epoch, and the next Seq. A
//     broadcast that isn't newer is a duplicate and is dropped. In all other cases
//     updates are missing, and the outbox is behind.
//   - When an update doesn't fit, it and all updates that wait are dropped, and the
//     outbox is behind. Frames that are being written are not dropped: they are written
//     in full, or the connection ends.
//   - While the outbox is behind, broadcasts are dropped, because each would follow a
//     gap. They are dropped before the Resync is sent and until its answer arrives. The
//     room made these broadcasts before the answer, so the answer includes them.
//   - The outbox is no longer behind when the answer or a SyncStep2 arrives. Later
//     broadcasts of the room arrive after it and continue it. If a newer frame has
//     arrived before the answer, the answer was overtaken, and the outbox stays behind.
//   - A Resync is due when no document frame waits or is being written. Awareness may
//     still wait; otherwise frequent awareness could keep a slow client from ever
//     catching up.
//   - At most one Resync is unanswered. If a SyncStep2 was written before its answer
//     arrives, the answer repeats updates that the client has.
//   - A Join with GreetingRejoin is due when the room may have forgotten the
//     connection. Until its answer, a SyncStep2, arrives, broadcasts are queued as long
//     as each continues the one before. The answer includes all document frames that
//     wait, which are dropped. The answer to an earlier Resync may never arrive, and
//     the outbox doesn't wait for it.
//
// The answer to a Resync or a Rejoin is kept when the outbox overflows after it. So
// each answer brings the client to a later Mark, however small the outbox is. The first
// SyncStep2 is kept too, because the client waits for it.
//
// # Order
//
// Frames are written in the room's order, so that the room alone decides whether
// SyncStep1 comes before SyncStep2 or after it. Of several SyncStep1, only the newest
// waits, in the last place, because the server's state vector in it includes those in
// earlier ones. It is never dropped, because a client that doesn't receive it doesn't
// send what it wrote offline.
package outbox

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Frame is a message, ready to be written. A Frame of a broadcast may wait in
// many outboxes, and all its data is shared and must not be changed.
type Frame struct {
	Type protocol.Type
	// Head is written first. It is the whole frame, or the part before Body.
	Head []byte
	// Body is the rest of the frame, or nil.
	Body []byte
	// Mark is the Mark of the Output, for a SyncStep2 or an Update.
	Mark event.Mark
	// Broadcast reports that the frame is for every connection of the room. Other
	// frames belong to one outbox, which sets the fields below.
	Broadcast bool
	// States is the awareness update that an Awareness holds. It is used to merge the
	// frame with others.
	States []byte

	keep  bool // not dropped when the outbox overflows
	whole bool // the receiver has everything up to Mark, whatever was dropped before
}

const frameCost = 128 // the memory of a frame in addition to its bytes

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
	mergeAt int // the cost above which awareness is merged; 0 stands for awarenessBatch

	greeted bool       // the first SyncStep2 was queued
	follows bool       // a whole frame was queued: a broadcast must continue last
	last    event.Mark // of the document frame that was queued last, if follows is set
	seen    event.Mark // the newest Mark of the document frames that arrived

	based   bool       // a whole frame is written, or being written
	next    event.Mark // what written will be when Wrote is called
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

// Change says how a frame has changed what the connection lacks.
type Change uint8

// The changes.
const (
	ChangeNone     Change = iota
	ChangeBehind          // updates are missing from now on
	ChangeResynced        // the missing updates have arrived
	ChangeRejoined        // the room has answered a Join with GreetingRejoin
)

// Add takes a frame or drops it. The error means that awareness could not be decoded.
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
			o.behind = true // the frames that wait have no gap, and are written
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
	} else if rejoined { // the answer is of the next epoch
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

// later returns the later of two Marks. If their epochs differ, it returns the second.
func later(a, b event.Mark) event.Mark {
	if a.Epoch == b.Epoch && a.Seq > b.Seq {
		return a
	}
	return b
}

// fits reports whether a document frame may be queued in addition to those that wait.
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

// Take appends all frames that wait to dst and removes them. They count as being
// written until Wrote is called.
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
