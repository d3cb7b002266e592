package link

import (
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/layer"
)

// peer is another Node, and this Node's half of the session with it.
//
// A session carries packets in both directions until one of them is lost. Then both
// sides forget what was on its way, report the loss, and open another session. Each
// half has a number of its own, its epoch. A packet carries both epochs, and counts only
// if they are the current ones.
type peer struct {
	id    ID
	birth uint64 // a part of its fronts' addresses; it has another one if it is given up and returns
	heard time.Time
	beat  heartbeat // the latest
	gone  bool

	ended   uint64    // the term of the last of its workers that has ended
	endedAt time.Time // when its heartbeat said first that the worker has ended; zero: it didn't
	fronts  map[uint64]layer.Address
	closed  map[uint64]bool // fronts that were closed

	mine, theirs uint64 // the epochs of the two halves; theirs is 0 if it isn't known
	wanted       bool   // one side has fronts, and the other one a worker
	open         bool
	again        bool      // the session is not the first one
	lost         bool      // a former session has ended with a loss, which is reported once this one opens
	opening      time.Time // since when the session has not been open
	said         time.Time // when an opening packet was sent last

	queue    queue
	seq      uint64       // the number of the last packet sent
	flight   fifo[flying] // packets that are not acknowledged, in order
	inFlight int          // their size in bytes
	asked    time.Time    // when an acknowledgement was last received or asked for
	asking   int          // how often an acknowledgement was asked for in vain

	received uint64    // the number of the last packet received
	unacked  int       // bytes received since the last acknowledgement
	since    time.Time // when the first of these was received
	parts    parts

	firstStray time.Time // when the first of a series of inputs arrived whose rooms aren't placed here
	lastStray  time.Time // when the last of these arrived

	ready   bool // it is in Node.ready
	replies bool // a packet without frames is due
	asks    bool // a packet that asks for an answer is due
}

// flying is a packet that is not acknowledged.
type flying struct {
	seq  uint64
	size int
}

// sortedFronts returns the numbers of the fronts that have sent something.
func (p *peer) sortedFronts() []uint64 { return slices.Sorted(maps.Keys(p.fronts)) }

// takesRooms reports whether rooms can be placed at the peer's worker.
func (p *peer) takesRooms(now time.Time) bool {
	if p.beat.state != StateServing || p.beat.term <= p.ended {
		return false
	}
	// If only the heartbeats of a peer arrive and no other packets, its session never opens.
	return p.open || !p.wanted || now.Sub(p.opening) < silence
}

// connect opens a session if one side has fronts and the other one a worker.
func (n *Node) connect(p *peer) {
	fronts := len(n.fronts) > 0
	before := p.wanted
	p.wanted = fronts && p.beat.state != StateNone || p.beat.fronts && n.state != StateNone ||
		len(p.fronts) > 0 // the worker doesn't know yet that they were closed
	if p.wanted && !before && !p.open {
		p.opening = n.now
		n.say(p)
	}
}

// connectAll is called when this Node's fronts or worker change.
func (n *Node) connectAll() {
	for _, p := range n.peers {
		n.connect(p)
	}
}

// say makes a packet without frames due, which p has to answer unless the session is
// open.
func (n *Node) say(p *peer) {
	p.said = n.now
	p.replies = true
	n.wake(p)
}

// wake makes Next look at a peer.
func (n *Node) wake(p *peer) {
	if !p.ready && !p.gone {
		p.ready = true
		n.ready.push(p)
	}
}

func (n *Node) wakeIfDue(p *peer) {
	if n.sends(p) || p.replies || p.asks {
		n.wake(p)
	}
}

// sends reports whether a packet with frames can be sent to a peer.
func (n *Node) sends(p *peer) bool {
	return p.open && !p.queue.empty() && (p.inFlight == 0 || p.inFlight+leastPacket <= n.window())
}

// nextOf returns the next packet for a peer.
func (n *Node) nextOf(p *peer) ([]byte, bool) {
	frames := n.sends(p)
	if p.gone || !frames && !p.replies && !p.asks {
		return nil, false
	}
	h := header{from: n.config.ID, mine: p.mine, yours: p.theirs, ack: p.received, reply: !p.open || p.asks}
	p.replies, p.asks, p.unacked = false, false, 0
	h.lost = p.seq == 0 && (p.lost || p.again)
	if !frames {
		h.sent = p.seq
		return appendHeader(nil, &h), true
	}
	p.seq++
	h.seq = p.seq
	size := min(packetSize, n.window()-p.inFlight)
	data := p.queue.fill(appendHeader(make([]byte, 0, min(size+1<<10, 256+p.queue.bytes)), &h), size)
	if p.flight.len() == 0 {
		p.asked = n.now
	}
	p.flight.push(flying{p.seq, len(data)})
	p.inFlight += len(data)
	return data, true
}

// tickSession does what is due in the session with a peer.
func (n *Node) tickSession(p *peer) {
	switch {
	case !p.open:
		if p.wanted && n.now.Sub(p.said) >= helloInterval {
			if n.now.Sub(p.opening) >= silence {
				p.theirs = 0 // a damaged packet may have set it to more than any that follows
			}
			n.say(p)
		}
	case p.unacked > 0 && n.now.Sub(p.since) >= ackDelay:
		p.replies = true
		n.wake(p)
	}
	if p.open && p.flight.len() > 0 && !n.deaf && n.now.Sub(p.asked) >= askInterval {
		if p.asking == mostAsks {
			n.gap(p)
			return
		}
		p.asking++
		p.asked = n.now
		p.asks = true
		n.wake(p)
	}
}

// reset ends the session with a peer after a loss and opens another one. Messages that
// wait are dropped.
func (n *Node) reset(p *peer) {
	n.stats.Resets++
	p.lost = p.lost || p.open
	p.open, p.opening = false, n.now
	p.mine = n.nextEpoch()
	p.queue.clear()
	p.seq, p.received, p.unacked = 0, 0, 0
	p.flight, p.inFlight, p.asking = fifo[flying]{}, 0, 0
	p.parts = parts{}
	n.say(p)
}

// opened is called when both sides know the epochs of a session.
func (n *Node) opened(p *peer) {
	p.open = true
	p.replies = true // the peer has to learn that the session is open
	n.wake(p)
	n.place()
	if p.lost {
		p.lost, p.again = false, true
		n.lostWorker(p.id)
		n.lostFronts(p, EventBackLost)
	}
}

// checkSession compares the epochs of a packet with those of the session, and reports
// whether the packet belongs to it.
func (n *Node) checkSession(p *peer, h *header) bool {
	if h.mine == 0 || h.mine < p.theirs {
		return false // the packet is from a former session
	}
	if h.mine > p.theirs {
		if p.open {
			n.reset(p)
		}
		p.theirs = h.mine
	}
	if h.yours != p.mine {
		if h.yours < p.mine {
			p.replies = true // the peer doesn't know this half yet
			n.wake(p)
		}
		return false
	}
	if !p.open {
		p.lost = p.lost || h.lost // the peer's former session counts, though this Node gave up the peer
		n.opened(p)
	}
	if h.reply {
		p.replies = true
		n.wake(p)
	}
	return true
}

// acknowledge handles the acknowledgement of all packets up to ack.
func (n *Node) acknowledge(p *peer, ack uint64) {
	for p.flight.len() > 0 && p.flight.first().seq <= ack {
		p.inFlight -= p.flight.pop().size
		p.asked, p.asking = n.now, 0
	}
	if n.sends(p) {
		n.wake(p)
	}
}
