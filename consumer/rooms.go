package consumer

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
)

// members are the connections that this consumer has in a room.
type members struct {
	conns   map[event.ConnID]*Conn
	groups  []group // the connections in conns by dialect; never changed, nil if they must be computed again
	vectors outbox.Vectors
	whole   [2]whole // for connections without and with event.Input.V1
}

// group is the connections of a room with the same dialect, for which a message is
// framed once.
type group struct {
	dialect dialect
	v1      bool // they have joined with event.Input.V1
	conns   []*Conn
}

// enter adds conn to the receivers of its room's outputs.
func (c *Consumer) enter(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.rooms[conn.room]
	if m == nil {
		m = &members{conns: make(map[event.ConnID]*Conn)}
		c.rooms[conn.room] = m
	}
	m.conns[conn.id] = conn
	m.groups = nil
	c.conns[conn.id] = conn
	c.counts.enter(conn, 1)
}

// exit undoes enter.
func (c *Consumer) exit(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn.id)
	c.counts.enter(conn, -1)
	m := c.rooms[conn.room]
	delete(m.conns, conn.id)
	m.groups = nil
	if len(m.conns) == 0 {
		delete(c.rooms, conn.room)
	}
}

// conn returns the connection with this id if it is in the room, and nil otherwise.
func (c *Consumer) conn(room string, id event.ConnID) *Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.conns[id]; conn != nil && conn.room == room {
		return conn
	}
	return nil
}

// everyone returns the connections in a room. The groups must not be changed.
func (c *Consumer) everyone(room string) []group {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.rooms[room]
	if m == nil {
		return nil
	}
	if m.groups == nil {
		index := make(map[dialect]int)
		for _, conn := range m.conns {
			i, known := index[conn.dialect]
			if !known {
				i = len(m.groups)
				index[conn.dialect] = i
				m.groups = append(m.groups, group{dialect: conn.dialect, v1: conn.acks})
			}
			m.groups[i].conns = append(m.groups[i].conns, conn)
		}
	}
	return m.groups
}

// in returns the connections in the rooms for which affected returns true.
func (c *Consumer) in(affected func(room string) bool) (conns []*Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for room, m := range c.rooms {
		if affected(room) {
			for _, conn := range m.conns {
				conns = append(conns, conn)
			}
		}
	}
	return conns
}

// addVector records the state vector of a room that arrived with mark.
func (c *Consumer) addVector(room string, mark event.Mark, vector []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.rooms[room]; m != nil {
		m.vectors.Add(mark, vector)
	}
}

// vector returns a state vector of a room, as outbox.Vectors.At does.
func (c *Consumer) vector(room string, mark event.Mark) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.rooms[room]; m != nil {
		return m.vectors.At(mark)
	}
	return nil
}
