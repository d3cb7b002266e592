package outbox

import (
	"slices"

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
	// Compressed, unless it is nil, returns the frame that is written in place of this one to a
	// client that takes compressed messages. It may take long.
	Compressed func() *Frame
	// Mark is the Mark of the Output, for a SyncStep2 or an Update.
	Mark event.Mark
	// Count is that of the message, for an Ack, a Reject or an Uncounted. The frame holds one of them.
	Count int
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
// and a quarter for awareness that is being written. What is neither, such as a
// stateless message, may take another quarter while it waits.
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
	based   bool       // a whole frame is written, or being written
	last    event.Mark // of the document frame that was queued last, if follows is set
	seen    event.Mark // the newest Mark of the document frames that arrived
	next    event.Mark // what written will be when Wrote is called
	written event.Mark // the client has everything up to it

	behind     bool // updates are missing
	asked      bool // a Resync is unanswered
	join       bool // a Join is due
	joined     bool // a Join was sent
	rejoining  bool // a Join with GreetingRejoin is unanswered
	questioned bool // a SyncStep1 is unanswered
	whole      bool // the answer that was offered is the whole document

	question []byte     // the state vector of a SyncStep1 whose answer was offered, and wasn't asked for yet; nil if there is none
	offered  event.Mark // the Mark of the last offer
	need     int        // what has to be granted before the offered answer is asked for
	granted  int        // what was granted, until a whole frame arrives
	ending   *Frame     // the last of an answer that AddOlder has begun; nil if there is none

	acks acks

	aside int  // cost of the frames in queue that are neither of the document nor awareness
	busy  bool // frames were taken and are not written yet
	query bool // a QueryAwareness of the client waits
}

// New returns an Outbox that holds size bytes, for a connection that joins its
// room with greeting. encode returns the frame of an awareness update that the
// outbox has merged from several.
func New(size int, greeting event.Greeting, encode func(states []byte) *Frame) Outbox {
	return Outbox{size: size, greeting: greeting, encode: encode, join: true}
}

// Add takes a frame or drops it. The error means that awareness could not be decoded.
func (o *Outbox) Add(f *Frame) (Change, error) {
	switch {
	case f.Type == protocol.SyncStep1:
		if i := slices.IndexFunc(o.queue, func(f *Frame) bool { return f.Type == protocol.SyncStep1 }); i >= 0 {
			o.queue[i] = f // in the place of the older one, because clients expect it before a SyncStep2
		} else {
			o.queue = append(o.queue, f)
		}
	case f.Type == protocol.ReadWrite, f.Type == protocol.ReadOnly:
		o.filter(func(f *Frame) bool { return f.Type != protocol.ReadWrite && f.Type != protocol.ReadOnly })
		o.queue = append(o.queue, f)
	case f.Type == protocol.Awareness:
		return ChangeNone, o.addAwareness(f)
	case f.Type == protocol.Ack || f.Type == protocol.Reject || f.Type == protocol.Uncounted:
		o.acks.add(f)
	case f.Type == protocol.Close:
		o.queue = append(o.queue, f)
	case f.Type == protocol.Stateless || f.Type == protocol.QueryAwareness || f.Type == FromConsumer:
		return o.addAside(f), nil
	case f.document() && f.Broadcast:
		return o.addBroadcast(f), nil
	case f.document():
		return o.addWhole(f, f.Type == protocol.SyncStep2), nil
	}
	return ChangeNone, nil
}

// FromConsumer is the Type of a frame that the consumer itself sends, and no room.
const FromConsumer protocol.Type = 0

// addAside queues a frame that can be neither dropped nor merged.
func (o *Outbox) addAside(f *Frame) Change {
	if o.aside > 0 && o.aside+f.cost() > o.size/4 {
		return ChangeOverrun
	}
	o.queue = append(o.queue, f)
	o.aside += f.cost()
	return ChangeNone
}

func (o *Outbox) push(f *Frame) {
	o.queue = append(o.queue, f)
	o.waiting += f.cost()
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
func (o *Outbox) Empty() bool { return len(o.queue) == 0 && o.acks.empty() }

// Waiting returns how many bytes the frames that wait take, except SyncStep1.
func (o *Outbox) Waiting() int { return o.waiting + o.aware + o.aside }

// Behind reports whether the connection lacks updates that its room has sent.
func (o *Outbox) Behind() bool { return o.behind }

// Take appends the frames that wait to dst and removes them: all, but for very many acks.
// They count as being written until Wrote is called.
func (o *Outbox) Take(dst []*Frame) []*Frame {
	dst = o.acks.take(dst)
	for _, f := range o.queue {
		if !f.document() {
			continue
		}
		if o.based || f.whole {
			o.based, o.next = true, later(o.next, f.Mark)
		}
	}
	o.busy = o.busy || len(o.queue) > 0
	dst = append(dst, o.queue...)
	if e := o.ending; e != nil && o.based && later(e.Mark, o.next) == o.next {
		dst, o.ending = append(dst, e), nil
	}
	clear(o.queue)
	o.queue = o.queue[:0]
	if cap(o.queue) > keepQueue {
		o.queue = nil
	}
	o.writing += o.waiting
	o.waiting, o.aware, o.aside, o.mergeAt = 0, 0, 0, 0
	return dst
}

// keepQueue is the capacity that an empty queue keeps, in frames.
const keepQueue = 16

// Wrote records that the frames that were taken are written in full.
func (o *Outbox) Wrote() {
	o.written, o.writing, o.busy = o.next, 0, false
}

// Discard drops all frames that wait.
func (o *Outbox) Discard() {
	o.queue, o.waiting, o.aware, o.aside = nil, 0, 0, 0
	o.acks.discard()
}
