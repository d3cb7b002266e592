package consumer

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// Access returns the access of the connection.
func (c *Conn) Access() event.Access {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	return c.access
}

// SetAccess changes the access of the connection. It takes effect for the messages that
// are sent to the room from now on, and the client is told if its dialect has a message
// for that. The awareness states of a client that may no longer be present are removed.
// SetAccess doesn't block.
func (c *Conn) SetAccess(a event.Access) {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	c.setAccess(a)
}

// setAccess is SetAccess with the socket's lock held.
func (c *Conn) setAccess(a event.Access) {
	if c.changeAccess(a) {
		c.untold = true
		c.askIfDue()
	}
}

// receiveAccess takes the access that a program has given to the connection, and tells the
// room so.
func (c *Conn) receiveAccess(o *event.Output) {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	if o.AccessSeq < c.accessSeq {
		return
	}
	c.accessSeq = o.AccessSeq
	c.changeAccess(o.Access)
	c.untold = true
	c.askIfDue()
}

// changeAccess reports whether it has changed the access. The socket's lock must be held.
func (c *Conn) changeAccess(a event.Access) (changed bool) {
	if c.ended || a == c.access {
		return false
	}
	could, can := c.access.May(event.AccessWrite), a.May(event.AccessWrite)
	c.access = a
	if could == can || !c.told && !c.out.Joined() {
		return true
	}
	if f := c.scopeFrame(); f.Head != nil {
		_, _ = c.addFrame(f) // only awareness can cause an error
	}
	return true
}

// scopeFrame returns the frame that tells the client whether it may write. The socket's
// lock must be held.
func (c *Conn) scopeFrame() *outbox.Frame {
	m := protocol.Message{Type: protocol.ReadOnly}
	if c.access.May(event.AccessWrite) {
		m.Type = protocol.ReadWrite
	}
	return newFrame(c.dialect, &event.Output{To: c.id, Message: m})
}

// askAccess returns the input that tells the room of a changed access, and reports whether
// it is due. The socket's lock must be held.
func (c *Conn) askAccess() (in event.Input, due bool) {
	return event.Input{Kind: event.InputAccess}, c.untold
}

// Close ends the connection with a code and a reason that the client sees. Stock clients
// connect again, except those of y-websocket 3.1 and later after a code from 4400 to 4499.
// So Hooks.Admit has to refuse a client that is to stay out. For a Hocuspocus client, only
// the document ends, and the client doesn't open it again by itself. If the code is 1001,
// 1011, 1012, 1013 or 4205, its socket ends, and the client connects again. Close doesn't
// block.
func (c *Conn) Close(code protocol.CloseCode, reason string) {
	c.end(cause{CloseError: protocol.CloseError{Code: code, Reason: reason}})
}
