package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// tell passes on what the room says. f is the frame that holds m.
func (c *Conn) tell(m protocol.Message, f *frame) {
	switch {
	case m.Type == protocol.Close:
		c.end(cause{CloseError: protocol.CloseError{Code: m.Code, Reason: m.Reason}})
	case f.head != nil:
		c.add(f)
	}
}

// add puts a frame into the outbox and has it written. It doesn't block.
func (c *Conn) add(f *frame) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	err := c.out.add(f)
	start := c.start()
	c.mu.Unlock()
	if start {
		go c.run()
	}
	if err != nil {
		c.end(cause{
			CloseError: protocol.CloseError{Code: protocol.CloseInternal, Reason: "the server made a mistake"},
			err:        fmt.Errorf("merge awareness: %w", err),
		})
	}
}

// start tells whether the caller must start the writer. The lock is held.
func (c *Conn) start() bool {
	if c.running || c.out.empty() && c.out.bye == nil {
		return false
	}
	c.running = true
	c.writer.Add(1)
	return true
}

// write writes until nothing waits. It runs on a goroutine of its own, at most
// one at a time.
func (c *Conn) write() {
	defer c.writer.Done()
	err := c.guard("the writer", c.flush)
	switch {
	case errors.Is(err, errPanic):
		c.kill(causeOf(err))
	case err != nil:
		c.kill(broken(err))
	}
}

func (c *Conn) flush() error {
	for {
		c.mu.Lock()
		switch {
		case c.out.due() && !c.ended:
			c.out.asked = true
			seq := c.out.written
			c.mu.Unlock()
			if err := c.send(room.Input{Kind: room.Resync, Seq: seq}, fullPatience, c.ending); err != nil {
				c.end(causeOf(err))
			}
		case !c.out.empty():
			batch := c.out.take()
			c.mu.Unlock()
			if err := c.sock.write(batch); err != nil {
				return err
			}
			c.mu.Lock()
			if c.out.wrote() {
				c.wrote.Store(time.Now().UnixNano())
			}
			c.mu.Unlock()
		case c.out.bye != nil:
			bye := c.out.bye
			c.out.bye = nil
			c.mu.Unlock()
			if err := c.sock.write([]*frame{bye}); err != nil {
				return err
			}
			return c.sock.conn.SetReadDeadline(time.Now().Add(closeWait))
		default:
			c.running = false
			c.mu.Unlock()
			return nil
		}
	}
}
