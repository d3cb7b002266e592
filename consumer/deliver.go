package consumer

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// deliver handles outputs of a room. It never blocks, because it only adds frames to
// outboxes.
func (c *Consumer) deliver(outs []layer.Output) {
	for i := range outs {
		o := &outs[i]
		if o.Vector != nil {
			c.addVector(o.Room, o.Mark, o.Vector)
		}
		if o.Output.To == event.Everyone {
			c.deliverTraced(o)
		} else {
			c.deliverOne(o)
		}
	}
}

func (c *Consumer) deliverOne(o *layer.Output) {
	conn := c.conn(o.Room, o.Output.To)
	switch {
	case conn == nil || o.Kind == event.OutputRejoin && !conn.rejoin():
		c.leaveUnknown(o.Room, o.Output.To)
	case o.Kind == event.OutputAccess:
		conn.receiveAccess(&o.Output)
	case o.Kind == event.OutputProbe:
		conn.probe()
	case o.Kind == event.OutputOffer:
		conn.offer(&o.Output)
	case o.Whole && len(o.Message.Data) > dataCopied:
		packing := c.noteWhole(o, conn.acks)
		conn.take(&o.Message, c.frame(conn.dialect, &o.Output, packing))
		c.shareWhole(o.Room)
	case o.Kind == event.OutputMessage:
		conn.take(&o.Message, c.frame(conn.dialect, &o.Output, c.packing(&o.Output)))
	}
}

// deliverEveryone returns the number of connections that it delivers to.
func (c *Consumer) deliverEveryone(o *layer.Output) (conns int) {
	if o.Kind != event.OutputMessage {
		return 0
	}
	packing := c.packing(&o.Output)
	for _, g := range c.everyone(o.Room) {
		if o.Reach == event.ReachV1 && !g.v1 || o.Reach == event.ReachOthers && g.v1 {
			continue
		}
		f := c.frame(g.dialect, &o.Output, packing)
		for _, conn := range g.conns {
			conn.take(&o.Message, f)
		}
		conns += len(g.conns)
	}
	return conns
}

// take adds a message from the room to the outbox, or ends the connection. f is the
// frame that holds m.
func (c *Conn) take(m *protocol.Message, f *outbox.Frame) {
	switch {
	case m.Type == protocol.Close:
		c.end(cause{CloseError: protocol.CloseError{Code: m.Code, Reason: m.Reason}})
	case f.Head != nil, m.Type == protocol.Uncounted:
		c.add(f)
	}
}
