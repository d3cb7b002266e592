package consumer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// aliasSlack is how many bytes of a frame a small message may keep in memory in
// addition to its own.
const aliasSlack = 512

// receive passes the messages of a frame to the hooks and the room, one at a time,
// because a frame may hold millions.
func (c *Conn) receive(frame []byte) error {
	c.handling.Lock()
	defer c.handling.Unlock()
	c.received.add(0, len(frame))
	c.consumer.counts.received.bytes.Add(uint64(len(frame)))
	if c.tallies != nil {
		c.spend(len(frame))
	}
	for rest := frame; ; {
		m, next, ok, err := c.dialect.Next(rest)
		if err != nil {
			return fmt.Errorf("%w: %w", &protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}, err)
		}
		if !ok {
			return nil
		}
		c.received.add(1, 0)
		c.consumer.counts.received.messages.Add(1)
		if c.isEnding() {
			return errEnding
		}
		if m.Type == protocol.Close {
			c.end(cause{CloseError: protocol.CloseError{Code: closeNormal, Reason: "provider_initiated"}, peer: true})
			return errEnding
		}
		if err := c.receiveTraced(m, len(frame)); err != nil {
			return err
		}
		rest = next
	}
}

// receiveMessage handles one message, which aliases a frame of frameSize bytes. trace is nil unless a
// trace is kept of it.
func (c *Conn) receiveMessage(m protocol.Message, frameSize int, trace *event.Trace) error {
	hooks := &c.consumer.cfg.Hooks
	if hooks.PreReceive != nil {
		err := c.guard("PreReceive", func() error { return hooks.PreReceive(c, m) })
		if errors.Is(err, ErrDrop) {
			c.reject(m)
			return nil
		}
		if err != nil {
			return &hookError{err}
		}
	}
	if m.Type == protocol.Stateless {
		if hooks.Stateless != nil {
			return c.guard("Stateless", func() error { hooks.Stateless(c, string(m.Data)); return nil })
		}
		return nil
	}
	if frameSize > 2*len(m.Data)+aliasSlack {
		m.Data = bytes.Clone(m.Data) // a message that waits for the room must not keep the whole frame in memory
	}
	if err := c.send(&event.Input{Kind: event.InputMessage, Message: m, Trace: trace}); err != nil {
		return err
	}
	if hooks.PostReceive != nil {
		return c.guard("PostReceive", func() error { hooks.PostReceive(c, m); return nil })
	}
	return nil
}
