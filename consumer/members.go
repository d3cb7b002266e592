package consumer

import (
	"errors"
	"slices"

	"github.com/yroom/yroom/room"
)

// members are the connections that this consumer has in one room.
type members struct {
	busy  chan struct{} // not nil while the port is joining or leaving; closed when it's done
	conns map[room.ConnID]*Conn
	list  []*Conn // conns as a slice that never changes; nil: to be made again
}

// enter makes conn receive what the room says. The first connection of a room
// joins the room at the layer; others wait until that is done.
func (c *Consumer) enter(conn *Conn) error {
	for {
		c.mu.Lock()
		if c.stopping {
			c.mu.Unlock()
			return errStopping
		}
		m := c.rooms[conn.room]
		switch {
		case m == nil:
			m = &members{busy: make(chan struct{}), conns: make(map[room.ConnID]*Conn)}
			c.rooms[conn.room] = m
			c.mu.Unlock()
			err := c.port.Join(conn.room)
			c.mu.Lock()
			if err == nil && c.stopping { // Shutdown has made its list, and conn is not in it
				c.mu.Unlock()
				err = errors.Join(errStopping, c.port.Leave(conn.room))
				c.mu.Lock()
			}
			close(m.busy)
			m.busy = nil
			if err != nil {
				delete(c.rooms, conn.room)
				c.mu.Unlock()
				return err
			}
			m.add(conn)
			c.conns[conn.id] = conn
			c.mu.Unlock()
			return nil
		case m.busy != nil:
			wait := m.busy
			c.mu.Unlock()
			<-wait
		default:
			m.add(conn)
			c.conns[conn.id] = conn
			c.mu.Unlock()
			return nil
		}
	}
}

// exit undoes enter. The last connection of a room leaves it at the layer.
func (c *Consumer) exit(conn *Conn) error {
	c.mu.Lock()
	delete(c.conns, conn.id)
	m := c.rooms[conn.room]
	delete(m.conns, conn.id)
	m.list = nil
	if len(m.conns) > 0 {
		c.mu.Unlock()
		return nil
	}
	m.busy = make(chan struct{})
	c.mu.Unlock()
	err := c.port.Leave(conn.room)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rooms, conn.room)
	close(m.busy)
	return err
}

func (m *members) add(conn *Conn) {
	m.conns[conn.id] = conn
	m.list = nil
}

// everyone is the connections in a room. The slice must not be changed.
func (c *Consumer) everyone(name string) []*Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.rooms[name]
	if m == nil {
		return nil
	}
	if m.list == nil {
		m.list = slices.Grow(m.list, len(m.conns))
		for _, conn := range m.conns {
			m.list = append(m.list, conn)
		}
	}
	return m.list
}
