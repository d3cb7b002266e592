package consumer

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// offer takes an OutputOffer.
func (c *Conn) offer(o *event.Output) {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	if !c.ended {
		c.out.Offer(o)
		c.askIfDue()
	}
}

// grant grants n bytes, which are reserved for the connection.
func (c *Conn) grant(n int) {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	switch {
	case c.ended: // detach releases them
	case c.out.Need() == 0: // the connection has what it lacked
		c.consumer.answers.giveUp(c)
	default:
		c.large = true
		c.out.Grant(n)
		c.askIfDue()
	}
}

// secure makes the next answer due, if it is a large one and can be had now: as a whole
// document that is in memory, or by reserving it. The socket's lock must be held.
func (c *Conn) secure() {
	n := c.out.Need()
	if n == 0 {
		return
	}
	if mark, ok := c.out.Wants(); ok {
		if data, at, packing := c.consumer.wholeOf(c.room, c.acks, mark); data != nil {
			c.addShared(mark, data, at, packing)
			return
		}
	}
	ok, freed := c.consumer.answers.reserve(c, n)
	if ok {
		c.large = true
		c.out.Grant(n)
	}
	if freed {
		c.socket.background.Go(c.consumer.answers.wake)
	}
}

// The updates that have nothing, in V1 and V2.
var (
	emptyV1 = []byte{0, 0}
	emptyV2 = []byte{0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}
)

// emptyAs returns an update that has nothing, in the encoding of a document. V2 begins with
// 0. V1 does so only if no client has written anything, and then a reader of V1 finds
// nothing in emptyV2, too.
func emptyAs(document []byte) []byte {
	if document[0] == 0 {
		return emptyV2
	}
	return emptyV1
}

// addShared answers an offer of the whole document at mark with the one at another Mark that
// is in memory. The socket's lock must be held.
func (c *Conn) addShared(mark event.Mark, data []byte, at event.Mark, p *packing) {
	frame := func(typ protocol.Type, data []byte, at event.Mark, p *packing) *outbox.Frame {
		return c.consumer.frame(c.dialect, &event.Output{To: c.id, Mark: at, Message: protocol.Message{Type: typ, Data: data}}, p)
	}
	var change outbox.Change
	if at.Seq < mark.Seq {
		f := frame(protocol.Update, data, at, p)
		change = c.out.AddOlder(f, frame(protocol.SyncStep2, emptyAs(data), mark, nil))
		c.added(f)
	} else {
		change, _ = c.addFrame(frame(protocol.SyncStep2, data, at, p)) // only awareness can cause an error
	}
	c.socket.background.Go(func() {
		c.emitChange(change)
		c.consumer.answers.wake() // what was reserved for it is free
	})
}

// holdAnswer accounts for a frame that is a large answer. The socket's lock must be held.
func (c *Conn) holdAnswer(f *outbox.Frame) {
	if !f.Broadcast && f.Type != protocol.Awareness && len(f.Body) > c.allowance {
		c.large = true
		c.consumer.answers.hold(c, f.Body)
	}
}

// freeAnswers frees the answers of the connection that were written, and all that it has
// of the bound once nothing is left to write: an answer may have been replaced by a newer
// one. It reports whether it freed any. The socket's lock must be held.
func (c *Conn) freeAnswers(written []*outbox.Frame) bool {
	switch {
	case !c.large:
		return false
	case !c.out.Idle(): // in a busy room, it may never be
		return c.consumer.answers.wrote(c, written)
	}
	c.large = false
	c.consumer.answers.release(c)
	return true
}
