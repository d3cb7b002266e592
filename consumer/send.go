package consumer

import (
	"errors"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// send sends the Join and the Resync that are due, and then in, unless it is nil. Only
// one send runs at a time, which keeps this order: a message that arrived before the
// Join would be lost.
//
// While the room is full, or no worker serves it, send tries again with growing pauses,
// until fullPatience or ownerPatience is over or the connection ends.
func (c *Conn) send(in *event.Input) error {
	c.sending <- struct{}{} // a send that runs ends soon if the connection does
	defer func() { <-c.sending }()
	if c.isEnding() {
		return errEnding
	}
	if in != nil {
		if now, err := c.prepare(in); !now {
			return err
		}
	}
	var r retry
	for {
		err := c.sendDue()
		if err == nil {
			if in == nil {
				return nil
			}
			in.Conn = c.id
			err = c.consumer.front.Send(layer.Input{Room: c.room, Input: *in})
		}
		if err == nil || !r.again(err) {
			return err
		}
		select {
		case <-c.whenEnding():
			return errEnding
		case <-time.After(r.pause):
		}
	}
}

// prepare prepares a message of the client, and reports whether it is to be sent now.
func (c *Conn) prepare(in *event.Input) (now bool, err error) {
	switch in.Message.Type {
	case protocol.Awareness:
		if err := c.stamp(&in.Message); err != nil {
			return false, err
		}
		c.own.Note(in.Message.Data)
		in.Client = c.own.Client()
	case protocol.SyncStep2, protocol.Update:
		if c.acks {
			c.socket.mu.Lock()
			c.out.Update()
			c.socket.mu.Unlock()
		}
	case protocol.SyncStep1:
		c.socket.mu.Lock()
		defer c.socket.mu.Unlock()
		in.Most = c.out.Question()
	case protocol.QueryAwareness:
		c.socket.mu.Lock()
		defer c.socket.mu.Unlock()
		return c.out.Query(), nil
	}
	return true, nil
}

// stamp writes the name of the user, if it is known, into an awareness message.
func (c *Conn) stamp(m *protocol.Message) error {
	c.socket.mu.Lock()
	name := c.name
	c.socket.mu.Unlock()
	if name == "" {
		return nil
	}
	named, err := awareness.Named(m.Data, name)
	if err != nil {
		return &protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}
	}
	m.Data = named
	return nil
}

// leave sends the Leave of the connection. While the room is full, it tries again,
// until Shutdown stops waiting.
func (c *Conn) leave() {
	c.sending <- struct{}{}
	defer func() { <-c.sending }()
	if err := c.consumer.leave(c.room, c.id); err != nil {
		c.log().Warn("a Leave could not be sent to the room", append(c.attrs(), "error", err)...)
	}
}

func (c *Consumer) leave(room string, id event.ConnID) error {
	var r retry
	for {
		err := c.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputLeave, Conn: id}})
		switch {
		case errors.Is(err, layer.ErrNoOwner):
			return nil // no room has the connection any more
		case !errors.Is(err, layer.ErrFull):
			return err
		}
		r.again(err)
		select {
		case <-c.aborted:
			return err
		case <-time.After(r.pause):
		}
	}
}

const (
	firstPause   = time.Millisecond
	longestPause = 100 * time.Millisecond
)

// retry determines the pauses between attempts to send.
type retry struct {
	pause           time.Duration
	full, ownerless time.Duration // the sum of the pauses so far, for each reason
}

// again reports whether to try again after err, once r.pause has passed.
func (r *retry) again(err error) bool {
	r.pause = min(max(2*r.pause, firstPause), longestPause)
	switch {
	case errors.Is(err, layer.ErrFull):
		patient := r.full < fullPatience
		r.full += r.pause
		return patient
	case errors.Is(err, layer.ErrNoOwner):
		patient := r.ownerless < ownerPatience
		r.ownerless += r.pause
		return patient
	default:
		return false
	}
}
