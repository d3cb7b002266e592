package consumer

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/layer"
)

// wholeTime is how long a whole document that is in memory for some connections is also
// sent to others. They are sent what was added meanwhile after it. So newcomers to a
// document that is being edited share one encoding, too.
const wholeTime = time.Minute

// whole is a whole document, as a room has sent it to a connection.
type whole struct {
	data    weakbytes.Pointer // in memory as long as it waits for a connection
	packing *packing          // see Consumer.packing
	mark    event.Mark
	at      time.Time
}

// noteWhole notes the whole document that o carries, for a connection that has joined with
// event.Input.V1 or without. If the same arrived before, as it
// does from a worker in another process, o shares its memory. noteWhole returns its packing.
func (c *Consumer) noteWhole(o *layer.Output, v1 bool) *packing {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.rooms[o.Room]
	if m == nil {
		return nil
	}
	w := m.wholeFor(v1)
	if w.mark != o.Mark {
		*w = whole{packing: c.packing(&o.Output), mark: o.Mark}
	}
	if data := w.data.Value(); data != nil {
		o.Message.Data = data
	} else {
		w.data, w.at = weakbytes.Make(o.Message.Data), time.Now()
	}
	return w.packing
}

// wholeFor returns the place for whole documents of connections that have or have not
// joined with event.Input.V1: the encoding may differ.
func (m *members) wholeFor(v1 bool) *whole {
	if v1 {
		return &m.whole[1]
	}
	return &m.whole[0]
}

// wholeOf returns a whole document of a room that is in memory, of the epoch of mark, or
// nil, and its packing.
func (c *Consumer) wholeOf(room string, v1 bool, mark event.Mark) (data []byte, at event.Mark, p *packing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.rooms[room]
	if m == nil {
		return nil, event.Mark{}, nil
	}
	w := m.wholeFor(v1)
	if w.mark.Epoch != mark.Epoch || time.Since(w.at) > wholeTime {
		return nil, event.Mark{}, nil
	}
	return w.data.Value(), w.mark, w.packing
}

// shareWhole sends a whole document that has arrived for one connection of a room to those
// that wait for one.
func (c *Consumer) shareWhole(room string) {
	for _, conn := range c.answers.in(room) {
		conn.socket.mu.Lock()
		conn.askIfDue()
		conn.socket.mu.Unlock()
	}
	c.answers.wake()
}
