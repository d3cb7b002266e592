package consumer

import (
	"errors"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// lost is called by the layer when messages from or to the workers of some rooms
// were lost, or these workers. Each connection in these rooms joins again: its
// room sends what its client lacks, and asks for what the room lacks.
func (c *Consumer) lost(affected func(room string) bool) {
	for _, conn := range c.in(affected) {
		conn.rejoin()
	}
}

// leaveUnknown sends a Leave for a connection that the consumer doesn't have, or
// that has ended. It doesn't block.
func (c *Consumer) leaveUnknown(room string, id event.ConnID) {
	in := layer.Input{Room: room, Input: event.Input{Kind: event.InputLeave, Conn: id}}
	if err := c.front.Send(in); !errors.Is(err, layer.ErrFull) || !c.begin() {
		return
	}
	go func() {
		defer c.done()
		if err := c.leave(room, id); err != nil {
			c.log.Warn("a Leave could not be sent to the room", "room", room, "conn", id.String(), "error", err)
		}
	}()
}

// rejoin makes the connection join its room again. It reports false for a connection
// that has ended. It doesn't block.
//
// The client of a connection with acks counts its updates, and the acks for some of them
// may be lost. So its socket is closed: the client connects again and begins to count.
func (c *Conn) rejoin() bool {
	s := c.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.ended:
		return false
	case c.acks && c.out.Joined():
		s.setEnding(cause{CloseError: resetting, err: errLost})
	default:
		c.out.Rejoin()
		c.askIfDue()
	}
	return true
}

// due reports whether an input has to be sent. The socket's lock must be held.
func (c *Conn) due() bool { return c.untold || c.out.Due() }

// askIfDue starts a goroutine that sends the inputs that are due, if any.
// The socket's lock must be held.
func (c *Conn) askIfDue() {
	if c.asking || c.ended || !c.out.Joined() {
		return
	}
	c.secure()
	if !c.due() {
		return
	}
	c.asking = true
	c.socket.background.Go(c.runAsk)
}

// runAsk sends the inputs that are due until none is.
func (c *Conn) runAsk() {
	for {
		err := c.guard("the request for missing updates", func() error { return c.send(nil) })
		switch {
		case errors.Is(err, errPanic):
			c.socket.kill(causeOf(err))
		case err != nil && !errors.Is(err, errEnding):
			c.end(causeOf(err))
		}
		c.socket.mu.Lock()
		if c.asking = err == nil && !c.ended; c.asking {
			c.secure()
			c.asking = c.due()
		}
		again := c.asking
		c.socket.mu.Unlock()
		if !again {
			return
		}
	}
}

// sendDue sends the Join and the Resync that are due. It runs within send.
//
// After a Join that answers a Rejoin, it sends the awareness state of the client again. A
// worker that has taken the room over doesn't know that state, so it could neither show
// the client to others nor tell them that the client has left.
func (c *Conn) sendDue() error {
	for {
		if c.hidden {
			if err := c.show(); err != nil {
				return err
			}
			c.hidden = false
		}
		c.socket.mu.Lock()
		if c.ended {
			c.socket.mu.Unlock()
			return errEnding
		}
		in, due := c.out.Ask(func(mark event.Mark) []byte { return c.consumer.vector(c.room, mark) })
		if !due {
			in, due = c.askAccess()
		}
		in.Conn, in.Access, in.AccessSeq, in.User = c.id, c.access, c.accessSeq, userName(c.user)
		c.untold = c.untold && in.Kind != event.InputJoin && in.Kind != event.InputAccess
		in.Acks, in.V1 = c.acks, c.acks
		c.socket.mu.Unlock()
		if !due {
			return nil
		}
		if err := c.consumer.front.Send(layer.Input{Room: c.room, Input: in}); err != nil {
			c.socket.mu.Lock()
			if in.Kind == event.InputAccess {
				c.untold = true
			} else {
				c.out.Failed(in)
			}
			c.socket.mu.Unlock()
			return err
		}
		c.hidden = in.Greeting == event.GreetingRejoin
	}
}

// show sends the state of the client.
func (c *Conn) show() error {
	update := c.own.Update()
	if update == nil {
		return nil
	}
	m := protocol.Message{Type: protocol.Awareness, Data: update}
	return c.consumer.front.Send(layer.Input{Room: c.room, Input: event.Input{
		Kind: event.InputMessage, Conn: c.id, Client: c.own.Client(), Message: m,
	}})
}
