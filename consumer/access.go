package consumer

import "github.com/yroom/yroom/event"

// Access returns the access of the connection.
func (c *Conn) Access() event.Access {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	return c.access
}

// SetAccess changes the access of the connection. It takes effect for the messages that
// are sent to the room from now on. The error means that the connection has ended, or
// has to.
func (c *Conn) SetAccess(a event.Access) error {
	c.socket.mu.Lock()
	same := c.access == a
	c.access = a
	c.socket.mu.Unlock()
	if same {
		return nil
	}
	return c.send(&event.Input{Kind: event.InputAccess, Access: a})
}
