package consumer

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// DeliverInfo describes a broadcast that was put into the outboxes of connections.
type DeliverInfo struct {
	Room     string
	Trace    *event.Trace // of an edit that the broadcast has
	Conns    int          // to which it is sent
	Duration time.Duration
}

// receiveTraced handles one message as receiveMessage does. If a trace is kept of it, its room
// is told.
func (c *Conn) receiveTraced(m protocol.Message, frameSize int) error {
	begin := c.consumer.cfg.Events.Trace
	if begin == nil || m.Type != protocol.Update {
		return c.receiveMessage(m, frameSize, nil)
	}
	var t *event.Trace
	var end func()
	_ = c.guard("Events", func() error { t, end = begin(c); return nil })
	err := c.receiveMessage(m, frameSize, t)
	if end != nil {
		_ = c.guard("Events", func() error { end(); return nil })
	}
	return err
}

// deliverTraced delivers a broadcast, and reports it if a trace is kept of it.
func (c *Consumer) deliverTraced(o *layer.Output) {
	delivered := c.cfg.Events.Delivered
	if o.Trace == nil || delivered == nil {
		c.deliverEveryone(o)
		return
	}
	begin := time.Now()
	info := DeliverInfo{Room: o.Room, Trace: o.Trace, Conns: c.deliverEveryone(o)}
	info.Duration = time.Since(begin)
	_ = c.guard(nil, "Events", func() error { delivered(info); return nil })
}
