package link

import (
	"time"

	"github.com/yroom/yroom/layer"
)

// Receive handles a packet that has arrived. It keeps no part of data.
func (n *Node) Receive(now time.Time, data []byte) {
	n.now = now
	n.stats.PacketsReceived++
	n.stats.BytesReceived += uint64(len(data))
	pk, ok := decodePacket(data, n.frames[:0])
	n.frames = pk.frames
	defer clear(pk.frames)
	if !ok {
		n.stats.Malformed++
		return
	}
	if pk.beat != nil {
		n.receiveHeartbeat(pk.from, pk.beat)
		return
	}
	if pk.from == n.config.ID {
		n.echoed = n.now
		n.hear()
		return
	}
	p := n.find(pk.from)
	if p == nil {
		if !pk.reply {
			return
		}
		p = n.add(pk.from)
	}
	n.heardOf(p)
	if !n.checkSession(p, &pk.header) {
		return
	}
	n.acknowledge(p, pk.ack)
	switch {
	case pk.seq == 0:
		if pk.sent > p.received {
			n.gap(p)
		}
	case pk.seq <= p.received: // a duplicate
	case pk.seq > p.received+1:
		n.gap(p)
	default:
		p.received = pk.seq
		if p.unacked == 0 {
			p.since = n.now
		}
		p.unacked += len(data)
		if p.unacked >= min(ackBytes, n.window()/4) {
			p.replies = true
			n.wake(p)
		}
		n.receiveFrames(p, pk.frames)
	}
}

// gap is called when packets are missing.
func (n *Node) gap(p *peer) {
	n.stats.Gaps++
	n.reset(p)
}

func (n *Node) receiveFrames(p *peer, frames []field) {
	session := p.mine
	for _, f := range frames {
		owned := false
		if f.number == framePart {
			whole, complete, ok := p.parts.add(f.bytes)
			if !ok {
				n.malformed(p)
				return
			}
			if !complete {
				continue
			}
			f, owned = whole, true
		}
		if !n.receiveFrame(p, f, owned) {
			n.malformed(p)
			return
		}
		if p.gone || p.mine != session {
			return
		}
	}
}

// malformed is called when a packet of a peer can't be decoded. Its content is lost.
func (n *Node) malformed(p *peer) {
	n.stats.Malformed++
	n.gap(p)
}

// receiveFrame handles a frame. It reports false if the frame is malformed. Frames of
// unknown kinds are skipped.
func (n *Node) receiveFrame(p *peer, f field, owned bool) (ok bool) {
	switch f.number {
	case frameInput:
		front, in, ok := decodeInput(f.bytes, owned)
		if !ok {
			return false
		}
		n.receiveInput(p, front, in)
	case frameOutput:
		birth, front, out, ok := decodeOutput(f.bytes, owned)
		if !ok {
			return false
		}
		n.receiveOutput(p, birth, front, out)
	case frameFrontClosed:
		return each(f.bytes, func(f field) bool {
			if f.number == fieldFront {
				n.frontClosed(p, f.value)
			}
			return true
		})
	case frameBackClosed:
		return each(f.bytes, func(f field) bool {
			if f.number == fieldTerm {
				n.workerEnded(p, f.value)
			}
			return true
		})
	case frameStray:
		_, in, ok := decodeInput(f.bytes, owned)
		if ok {
			n.stray(in.Room)
		}
		return ok
	case frameReturned:
		front, in, ok := decodeInput(f.bytes, owned)
		if ok {
			n.keepReturned(front, in, overhead+len(f.bytes))
		}
		return ok
	case frameDropped:
		return n.receiveDropped(f.bytes)
	}
	return true
}

func (n *Node) receiveInput(p *peer, front uint64, in layer.Input) {
	if p.closed[front] {
		return
	}
	if !n.runs(p, in.Room) {
		n.refuseStray(p, front, in)
		return
	}
	address, known := p.fronts[front]
	if !known {
		address = addressOf(p.id, p.birth, front)
		if p.fronts == nil {
			p.fronts = make(map[uint64]layer.Address)
		}
		p.fronts[front] = address
		n.remote[address] = remote{p, front}
	}
	in.From = address
	n.emit(Event{Kind: EventInput, Input: in})
}

// receiveOutput emits an event for an output, or adds the output to the last event if
// that has outputs of the same room for the same front.
func (n *Node) receiveOutput(p *peer, birth, front uint64, out layer.Output) {
	f := n.fronts[front]
	if f == nil {
		n.sayClosed(p, front)
		return
	}
	out.To = f.addressAt(n.config.ID, birth, front)
	if i := len(n.events) - 1; i >= 0 {
		if e := &n.events[i]; e.Kind == EventOutputs && e.Front == front && e.Outputs[0].Room == out.Room {
			e.Outputs = append(e.Outputs, out)
			return
		}
	}
	n.emit(Event{Kind: EventOutputs, Front: front, Outputs: []layer.Output{out}})
}

func (n *Node) frontClosed(p *peer, front uint64) {
	if p.closed == nil {
		p.closed = make(map[uint64]bool)
	}
	p.closed[front] = true
	if address, known := p.fronts[front]; known {
		delete(p.fronts, front)
		delete(n.remote, address)
		n.emit(Event{Kind: EventGone, Address: address})
	}
}

// receiveDropped handles the message that outputs of a room were dropped.
func (n *Node) receiveDropped(b []byte) bool {
	var dropped string
	ok := each(b, func(f field) bool {
		if f.number == fieldRoom {
			dropped = string(f.bytes)
		}
		return true
	})
	if ok && len(n.fronts) > 0 {
		n.emit(Event{Kind: EventFrontLost, Rooms: func(room string) bool { return room == dropped }})
	}
	return ok
}
