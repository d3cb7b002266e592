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
	defer p.unlock()
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
	for _, d := range r.destinations {
		p.sendTo(d, frame, out, false)
	}
}

// frameOf returns the frame of a message. It is empty for those that clients don't know.
func frameOf(m protocol.Message) []byte {
	d := protocol.Plain{}
	return d.Append(make([]byte, 0, d.HeadSize()+len(m.Data)), m)
}

// sendTo sends a frame to all connections of a destination. Unless keep is set, the destination is behind
// if it has no capacity for it.
func (p *proxy) sendTo(d *destination, frame []byte, out *event.Output, keep bool) {
	if d.behind && !keep {
		return
	}
	mark := out.Mark
	p.post(post{
		destination: d.address, entry: p.bus.encode(answer{typ: typeForward, payload: frame}, d.names), keep: keep,
		done: func(r result) {
			if !keep && r.sent {
				d.sent = p.bus.now()
			}
			p.sentTo(d, mark, r)
		},
	})
}

// post sends a post. Its done is called with the lock of the proxy.
func (p *proxy) post(one post) {
	done := one.done
	one.done = func(r result) {
		p.mu.Lock()
		defer p.unlock()
		done(r)
	}
	if !p.bus.post(one) {
		done(result{})
	}
}

// sentTo handles what became of something that was sent to a destination.
func (p *proxy) sentTo(d *destination, mark event.Mark, r result) {
	if d.room.destinations[d.address] != d { // all of its connections have left
		return
	}
	if !r.sent {
		p.fallBehind(d)
		return
	}
	now := p.bus.now()
	if p.bus.pubsub {
		p.countProcesses(d, r.processes, now)
	}
	if !d.behind && d.fewer.IsZero() && mark != (event.Mark{}) {
		if now.Sub(d.past[1].at) >= unsureFor {
			d.past[0], d.past[1] = d.past[1], pastMark{d.mark, now}
		}
		d.mark = mark
	}
	if r.processes > 0 && !p.bus.pubsub { // there, all connections of a destination are at one process
		for _, c := range d.conns {
			c.taken = now
		}
	}
}

func (p *proxy) fallBehind(d *destination) {
	d.behind = true
	p.behind[d] = true
}

// rememberFor is how long a process may be cut off from Redis and still be sent only what it
// has missed.
const rememberFor = time.Minute

// countProcesses compares how many processes have taken a broadcast of the pubsub layer. Redis
// keeps nothing for a process that is cut off from it. When one comes back, everything is sent
// again that was sent since one went.
func (p *proxy) countProcesses(d *destination, processes int, now time.Time) {
	switch {
	case processes < d.processes:
		d.fewer = now
	case d.fewer.IsZero():
	case now.Sub(d.fewer) > rememberFor:
		d.fewer = time.Time{}
	case processes > d.processes:
		d.fewer = time.Time{}
		p.fallBehind(d)
	}
	d.processes = processes
}

// answer sends a message to one connection. The answer to the Resync of a destination is sent to all
// connections there.
func (p *proxy) answer(c *conn, out *event.Output) {
	step := out.Message.Type == protocol.SyncStep2
	if step && c.answering {
		c.asksAgain = true
		return
	}
	if !p.bus.fits(p.bus.destinationOfOne(c.channel), len(out.Message.Data)) {
		p.sentOne(c, result{})
		return
	}
	frame := frameOf(out.Message)
	if len(frame) == 0 {
		return
	}
	d := c.destination
	if d.resyncer == c {
		switch out.Message.Type {
		case protocol.Update:
			d.resyncer, d.behind = nil, false
			delete(p.behind, d)
			p.sendTo(d, frame, out, true)
			return
		case protocol.Awareness:
			p.sendTo(d, frame, out, true)
			return
		default:
		}
	}
	if c.answering = c.answering || step; step {
		if c.synced = true; d.mark == (event.Mark{}) {
			d.mark = out.Mark
			d.past[0] = pastMark{out.Mark, p.bus.now()}
			d.past[1] = d.past[0]
		}
	}
	p.sendOne(c, frame, step)
}

// sendOne sends a frame to one connection; step says whether it is a SyncStep2.
func (p *proxy) sendOne(c *conn, frame []byte, step bool) {
	p.post(post{
		destination: p.bus.destinationOfOne(c.channel), keep: true,
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
	case r.processes > 0:
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
		destination: p.bus.destinationOfOne(c.channel), keep: true,
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
