package djangolayer

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// deliver is layer.FrontHandler.Deliver.
func (p *proxy) deliver(outs []layer.Output) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range outs {
		p.deliverOne(outs[i].Room, &outs[i].Output)
	}
}

func (p *proxy) deliverOne(name string, out *event.Output) {
	r := p.rooms[name]
	if out.To == event.Everyone {
		if r != nil && out.Reach != event.ReachV1 {
			p.broadcast(r, out)
		}
		return
	}
	var c *conn
	if r != nil {
		c = r.conns[out.To]
	}
	if c == nil {
		if out.Kind != event.OutputMessage || out.Message.Type != protocol.Close {
			p.leave(name, out.To)
		}
		return
	}
	switch out.Kind {
	case event.OutputMessage:
		if out.Message.Type == protocol.Close {
			p.closed(c, out.Message)
		} else {
			p.answer(c, out)
		}
	case event.OutputRejoin:
		if !p.draining {
			p.due[c] = true
		}
	case event.OutputProbe:
		if !p.probed[c] {
			p.probed[c], c.probedAt = true, p.bus.now()
		}
	case event.OutputAccess:
		c.access, c.accessSeq = out.Access, out.AccessSeq
		p.send(c, event.Input{Kind: event.InputAccess, Conn: c.id, Access: c.access, AccessSeq: c.accessSeq})
	case event.OutputResponse, event.OutputOffer: // the proxy asks for neither
	}
}

// broadcast sends a message to all connections of a room.
func (p *proxy) broadcast(r *room, out *event.Output) {
	frame := frameOf(out.Message)
	if len(frame) == 0 {
		return
	}
	for _, h := range r.homes {
		p.sendHome(h, frame, out, false)
	}
}

// frameOf returns the frame of a message. It is empty for those that clients don't know.
func frameOf(m protocol.Message) []byte {
	d := protocol.Plain{}
	return d.Append(make([]byte, 0, d.HeadSize()+len(m.Data)), m)
}

// sendHome sends a frame to all connections of a home. Unless keep is set, the home is behind
// if it has no capacity for it.
func (p *proxy) sendHome(h *home, frame []byte, out *event.Output, keep bool) {
	if h.behind && !keep {
		return
	}
	mark := out.Mark
	p.post(post{
		home: h.address, entry: p.bus.encode(answer{typ: typeForward, payload: frame}, h.names), keep: keep,
		done: func(r result) {
			if !keep && r.sent {
				h.sent = p.bus.now()
			}
			p.sentHome(h, mark, r)
		},
	})
}

// post sends a post. Its done is called with the lock of the proxy.
func (p *proxy) post(one post) {
	done := one.done
	one.done = func(r result) {
		p.mu.Lock()
		defer p.mu.Unlock()
		done(r)
	}
	if !p.bus.post(one) {
		done(result{})
	}
}

// sentHome handles what became of something that was sent to a home.
func (p *proxy) sentHome(h *home, mark event.Mark, r result) {
	if h.room.homes[h.address] != h { // all of its connections have left
		return
	}
	if !r.sent {
		p.fallBehind(h)
		return
	}
	now := p.bus.now()
	if p.bus.pubsub {
		p.countTakers(h, r.takers, now)
	}
	if !h.behind && h.fewer.IsZero() && mark != (event.Mark{}) {
		if now.Sub(h.past[1].at) >= unsureFor {
			h.past[0], h.past[1] = h.past[1], pastMark{h.mark, now}
		}
		h.mark = mark
	}
	if r.takers > 0 && !p.bus.pubsub { // there, all connections of a home are at one process
		for _, c := range h.conns {
			c.taken = now
		}
	}
}

func (p *proxy) fallBehind(h *home) {
	h.behind = true
	p.behind[h] = true
}

// rememberFor is how long a process may be cut off from Redis and still be sent only what it
// has missed.
const rememberFor = time.Minute

// countTakers compares how many processes have taken a broadcast of the pubsub layer. Redis
// keeps nothing for a process that is cut off from it. When one comes back, everything is sent
// again that was sent since one went.
func (p *proxy) countTakers(h *home, takers int, now time.Time) {
	switch {
	case takers < h.takers:
		h.fewer = now
	case h.fewer.IsZero():
	case now.Sub(h.fewer) > rememberFor:
		h.fewer = time.Time{}
	case takers > h.takers:
		h.fewer = time.Time{}
		p.fallBehind(h)
	}
	h.takers = takers
}

// answer sends a message to one connection. The answer to the Resync of a home is sent to all
// connections there.
func (p *proxy) answer(c *conn, out *event.Output) {
	step := out.Message.Type == protocol.SyncStep2
	if step && c.answering {
		c.asksAgain = true
		return
	}
	if !p.bus.fits(p.bus.homeOfOne(c.channel), len(out.Message.Data)) {
		p.sentOne(c, result{})
		return
	}
	frame := frameOf(out.Message)
	if len(frame) == 0 {
		return
	}
	h := c.home
	if h.resyncer == c {
		switch out.Message.Type {
		case protocol.Update:
			h.resyncer, h.behind = nil, false
			delete(p.behind, h)
			p.sendHome(h, frame, out, true)
			return
		case protocol.Awareness:
			p.sendHome(h, frame, out, true)
			return
		default:
		}
	}
	if c.answering = c.answering || step; step {
		if c.synced = true; h.mark == (event.Mark{}) {
			h.mark = out.Mark
			h.past[0] = pastMark{out.Mark, p.bus.now()}
			h.past[1] = h.past[0]
		}
	}
	p.sendOne(c, frame, step)
}

// sendOne sends a frame to one connection; step says whether it is a SyncStep2.
func (p *proxy) sendOne(c *conn, frame []byte, step bool) {
	p.post(post{
		home: p.bus.homeOfOne(c.channel), keep: true,
		entry: p.bus.encode(answer{typ: typeForward, payload: frame}, []string{c.channel}),
		done: func(r result) {
			p.sentOne(c, r)
			if step {
				p.answered(c)
			}
		},
	})
}

// answered handles that no SyncStep2 waits for a connection any more. At most one does, so that
// a client can't fill the queue with requests.
func (p *proxy) answered(c *conn) {
	if c.asksAgain && c.room.conns[c.id] == c {
		c.synced = false
		p.due[c] = true
	}
	c.answering, c.asksAgain = false, false
}

func (p *proxy) sentOne(c *conn, r result) {
	switch {
	case c.room.conns[c.id] != c:
	case !r.sent:
		c.synced = false
		p.due[c] = true
	case r.takers > 0:
		c.taken = p.bus.now()
		c.sent = c.taken
	case p.bus.pubsub:
		c.synced, c.missed = false, true
	}
}

// closed handles the end of a connection that the room wants. The layer can't close the
// connection of a client. It sends a websocket.close to the consumer, which ends with an
// error if it has no such handler, and so closes the connection with 1011.
func (p *proxy) closed(c *conn, m protocol.Message) {
	p.log.Info("a room closes a connection at a Django process", "room", c.room.name, "code", int(m.Code), "reason", m.Reason)
	key := connKey(c.room.name, c.channel)
	p.ended.add(key)
	p.post(post{
		home: p.bus.homeOfOne(c.channel), keep: true,
		entry: p.bus.encode(answer{typ: typeClose, code: m.Code, reason: m.Reason}, []string{c.channel}),
		done: func(r result) {
			if !r.sent { // the room closes it again when it sends something
				delete(p.ended.has, key)
			}
		},
	})
	p.depart(c)
	p.remove(c)
}
