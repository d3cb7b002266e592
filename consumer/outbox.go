package consumer

import (
	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/protocol"
)

// outbox holds the frames that wait for one connection, and decides what
// becomes of them when the connection reads more slowly than others write. Its
// connection's lock guards it.
//
// Of the size, half is for document updates and answers, a quarter for
// awareness that waits and a quarter for awareness that is being written.
//
// # Why no update is lost
//
// Every update has the document sequence that it brings the receiver to, and
// the outputs of one room arrive in the order of their sequences. The outbox
// keeps one promise: when a frame with sequence s that is an update or whole has
// been written, and a whole frame was written before or is this one, then the
// client has everything up to s. written is the largest such s; 0, before the
// first whole frame, promises nothing.
//
// A frame is whole when it doesn't build on what was written just before: a
// SyncStep2, which the room computed from the client's own state vector, and the
// answer to a Resync, which it computed from written. An update for everyone is
// not whole: it continues the one before it. So:
//
//   - When an update doesn't fit, it and all updates that wait are dropped, and
//     the outbox is behind. What is being written stays: it is written in full or
//     the connection dies.
//   - While behind, an update for everyone is dropped: it would stand after a gap,
//     and its sequence would promise what isn't so. This holds before the Resync
//     is sent and while its answer is on the way. Those broadcasts the room made
//     before it answered, so the answer covers them: its sequence isn't smaller.
//   - The answer ends being behind, and so does a SyncStep2. What the room
//     broadcasts after it arrives after it, and is taken again.
//   - The Resync is sent with written when nothing that belongs to the document
//     waits or is being written. Awareness may still wait, or a lively room would
//     keep a slow client from ever catching up.
//   - At most one Resync is under way. When its answer comes, written may have
//     grown since, by a SyncStep2; then the answer repeats what the client has.
//
// The answer is kept when the outbox overflows after it. So each round brings
// the client to a later sequence, however small the outbox is. The first
// SyncStep2 is kept too, because the client waits for it.
//
// # Order
//
// Messages are written in the room's order, so that the room alone decides
// whether SyncStep1 comes before SyncStep2 or behind it. Of SyncStep1 only the
// newest waits, and takes the last place: it tells what the server has, and the
// later word includes the earlier. It is never dropped, because a client that
// doesn't hear it keeps what it wrote offline to itself.
type outbox struct {
	size   int
	queue  []*frame
	newest [newestOnly]*frame // of each such kind the one that waits; written before queue
	bye    *frame             // the close frame, written last
	batch  []*frame           // what is being written, or spare room for it

	waiting int // cost of the document frames in queue
	writing int // cost of the document frames in batch
	aware   int // cost of the awareness frames in queue
	mergeAt int // merge the awareness when it costs more; 0: at the usual size

	greeted bool // the first SyncStep2 was queued
	behind  bool // updates were dropped
	asked   bool // a Resync is under way
	based   bool // a whole frame was written
	written uint64
}

const (
	frameCost  = 128      // what a frame costs beside its bytes
	awareBatch = 16 << 10 // how much awareness waits before it is merged, at least
	keepBatch  = 16       // how many frames of room an idle outbox keeps
)

func (f *frame) cost() int { return frameCost + len(f.head) + len(f.data) + len(f.state) }

func (f *frame) document() bool { return f.kind == kindUpdate || f.kind == kindSyncStep2 }

// add takes a frame or drops it.
func (o *outbox) add(f *frame) error {
	switch {
	case f.kind < newestOnly:
		o.newest[f.kind] = f
	case f.kind == kindSyncStep1:
		o.filter(func(f *frame) bool { return f.kind != kindSyncStep1 })
		o.queue = append(o.queue, f)
	case f.kind == kindAwareness:
		return o.addAwareness(f)
	case f.document():
		o.addDocument(f)
	}
	return nil
}

func (o *outbox) addDocument(f *frame) {
	first := f.kind == kindSyncStep2 && !o.greeted
	answer := f.kind == kindUpdate && !f.shared && o.asked
	whole := f.kind == kindSyncStep2 || answer
	if o.behind && !whole {
		return
	}
	if o.waiting+o.writing > 0 && o.waiting+o.writing+f.cost() > o.size/2 && !first && !answer {
		o.dropDocument()
		o.behind = true
		return
	}
	if whole { // such a frame is this connection's alone
		f.whole, f.keep = true, first || answer
		o.behind = false
	}
	if first {
		o.greeted = true
	}
	if answer {
		o.asked = false
	}
	o.queue = append(o.queue, f)
	o.waiting += f.cost()
}

// dropDocument drops the document frames that wait, except those to be kept.
func (o *outbox) dropDocument() {
	o.filter(func(f *frame) bool {
		if !f.document() || f.keep {
			return true
		}
		o.waiting -= f.cost()
		return false
	})
}

func (o *outbox) filter(keep func(*frame) bool) {
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

// addAwareness merges the awareness that waits each time its size has doubled,
// so that it stays in proportion to the number of people. Where even the merged
// awareness is too much it is dropped: clients repeat theirs every 15 seconds,
// and forget those who don't after 30.
func (o *outbox) addAwareness(f *frame) error {
	if o.aware == 0 || o.aware+f.cost() <= max(o.mergeAt, min(awareBatch, o.size/8)) {
		o.queue = append(o.queue, f)
		o.aware += f.cost()
		return nil
	}
	var states [][]byte
	o.filter(func(f *frame) bool {
		if f.kind == kindAwareness {
			states = append(states, f.state)
		}
		return f.kind != kindAwareness
	})
	o.aware, o.mergeAt = 0, 0
	data, err := awareness.Merge(append(states, f.state)...)
	if err != nil {
		return err
	}
	merged := newMessage(protocol.Message{Type: protocol.Awareness, Data: data}, 0)
	if cost := merged.cost(); cost <= o.size/8 {
		o.queue = append(o.queue, merged)
		o.aware, o.mergeAt = cost, 2*cost
	}
	return nil
}

// empty tells whether nothing waits but perhaps the close frame.
func (o *outbox) empty() bool {
	return len(o.queue) == 0 && o.newest == [newestOnly]*frame{}
}

// due tells whether it is time to ask for a Resync.
func (o *outbox) due() bool {
	return o.behind && !o.asked && o.waiting+o.writing == 0
}

// take moves all that waits into the batch that is being written.
func (o *outbox) take() []*frame {
	for i, f := range o.newest {
		if f != nil {
			o.batch = append(o.batch, f)
			o.newest[i] = nil
		}
	}
	o.batch = append(o.batch, o.queue...)
	o.queue = emptied(o.queue)
	o.writing, o.waiting = o.waiting, 0
	o.aware, o.mergeAt = 0, 0
	return o.batch
}

// wrote says that the batch was written in full. It tells whether the client's
// program was sent something: control frames end in its WebSocket library.
func (o *outbox) wrote() (told bool) {
	for _, f := range o.batch {
		if f.kind != kindPing && f.kind != kindPong {
			told = true
		}
		if f.whole {
			o.based = true
		}
		if f.document() && o.based {
			o.written = f.seq
		}
	}
	o.batch = emptied(o.batch)
	o.writing = 0
	return told
}

// discard drops all that waits.
func (o *outbox) discard() {
	o.queue, o.newest = nil, [newestOnly]*frame{}
	o.waiting, o.aware = 0, 0
}

// emptied is s without its frames, and without its room when that is large.
func emptied(s []*frame) []*frame {
	clear(s)
	if cap(s) > keepBatch {
		return nil
	}
	return s[:0]
}
