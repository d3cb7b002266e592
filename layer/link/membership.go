package link

import (
	"slices"
	"time"
)

// nextHeartbeat returns a heartbeat if one is due.
func (n *Node) nextHeartbeat() (Packet, bool) {
	interval := beatInterval
	if n.greeted {
		interval = greetInterval
	}
	if n.ended || !n.beatAt.IsZero() && n.now.Sub(n.beatAt) < interval {
		return Packet{}, false
	}
	n.beatAt = n.now
	n.beats++
	h := heartbeat{
		name: n.config.Name, software: n.config.Software,
		state: n.state, term: n.term, fronts: len(n.fronts) > 0,
		hello: n.hello, bye: n.bye, number: n.beats, load: n.load,
	}
	if n.state != StateNone {
		h.channels = n.config.Channels
	}
	n.hello, n.greeted, n.ended, n.echoes = false, false, n.bye, !n.bye
	data := appendHeader(nil, &header{from: n.config.ID})
	return Packet{Everyone, appendBytes(data, packetBeat, appendHeartbeat(nil, &h))}, true
}

// announce makes a heartbeat due at once.
func (n *Node) announce() { n.beatAt = time.Time{} }

// receiveHeartbeat handles a heartbeat.
func (n *Node) receiveHeartbeat(from ID, b []byte) {
	h, ok := decodeHeartbeat(b)
	if !ok {
		n.stats.Malformed++
		return
	}
	if from == n.config.ID {
		n.heard = n.now
		n.hear()
		return
	}
	p := n.find(from)
	if p == nil {
		if h.bye {
			return
		}
		p = n.add(from)
	}
	if h.number <= p.beat.number {
		return // it was duplicated or overtaken
	}
	n.heardOf(p)
	n.greeted = n.greeted || h.hello
	if h.bye {
		n.forget(p)
		return
	}
	before := p.beat
	p.beat = h
	if h.term > before.term {
		n.workerEnded(p, before.term)
	}
	if h.state == StateNone && h.term > p.ended && p.endedAt.IsZero() {
		p.endedAt = n.now // its last outputs may still be on their way
	}
	n.connect(p)
	if h.state != before.state || h.term != before.term || !slices.Equal(h.channels, before.channels) {
		n.place()
	}
}

// hear is called when something that this Node has sent to itself has arrived.
func (n *Node) hear() {
	if n.now.Sub(n.heard) >= deafness || n.now.Sub(n.echoed) >= deafness {
		return
	}
	if n.joined.IsZero() {
		n.joined = n.now
	}
	if !n.deaf {
		return
	}
	n.deaf = false
	for _, p := range n.peers { // their heartbeats may have been lost until now
		p.heard = n.now
	}
	n.Resume(n.now)
}

// heardOf is called when a packet of a peer has arrived.
func (n *Node) heardOf(p *peer) {
	silent := n.now.Sub(p.heard)
	n.stats.LongestSilence = max(n.stats.LongestSilence, silent)
	if silent >= nearSilence {
		n.stats.NearSilences++
	}
	p.heard = n.now
}

// Resume must be called when the subscription works again after an interruption. It asks
// the others for the number of their last packet, which shows whether packets were lost.
func (n *Node) Resume(now time.Time) {
	n.now = now
	n.hello = true
	n.announce()
	for _, p := range n.peers {
		if p.open {
			p.asks = true
			n.wake(p)
		}
	}
}

// Close makes Next return a last heartbeat, which tells all others that the process ends.
func (n *Node) Close(now time.Time) {
	n.now = now
	n.bye = true
	n.announce()
}

// Tick does what is due now, and returns the peers that were silent for too long and are
// given up. It should be called every TickInterval.
func (n *Node) Tick(now time.Time) (givenUp []Peer) {
	n.now = now
	n.notice()
	for _, p := range slices.Clone(n.peers) {
		switch {
		case now.Sub(p.heard) >= silence && !n.deaf:
			n.stats.GivenUp++
			givenUp = append(givenUp, n.describe(p))
			n.forget(p)
			continue
		case p.saidEnd(now):
			n.workerEnded(p, p.beat.term)
		case !p.takesRooms(now) && n.view.has(p.id):
			n.place()
			n.lostWorker(p.id)
		}
		n.tickSession(p)
	}
	n.sendStrays()
	n.moveGuests()
	return givenUp
}

// notice finds out whether the process was not running, and whether the bus carries
// messages.
func (n *Node) notice() {
	if gap := n.now.Sub(n.ticked); gap >= stall {
		// What the others have sent meanwhile may not have been read yet.
		n.heard = earlier(n.heard.Add(gap), n.now)
		n.echoed = earlier(n.echoed.Add(gap), n.now)
		for _, p := range n.peers {
			p.heard = earlier(p.heard.Add(gap), n.now)
		}
	}
	n.ticked = n.now
	if !n.deaf && (n.now.Sub(n.heard) >= deafness || n.now.Sub(n.echoed) >= deafness) {
		n.deaf = true
		n.stats.Deaf++
	}
	n.settled = n.settled || !n.joined.IsZero() && n.now.Sub(n.joined) >= settling
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// add adds a peer.
func (n *Node) add(id ID) *peer {
	p := &peer{id: id, birth: n.nextEpoch(), mine: n.nextEpoch(), heard: n.now, opening: n.now}
	i, _ := n.search(id)
	n.peers = slices.Insert(n.peers, i, p)
	return p
}

// forget removes a peer that is gone.
func (n *Node) forget(p *peer) {
	i, found := n.search(p.id)
	if !found || n.peers[i] != p {
		return
	}
	n.peers = slices.Delete(n.peers, i, i+1)
	p.gone = true
	n.place()
	if p.beat.term > p.ended { // otherwise the end of its worker was reported
		n.lostWorker(p.id)
	}
	n.lostFronts(p, EventGone)
}

// workerEnded is called when a worker of a peer has ended.
func (n *Node) workerEnded(p *peer, term uint64) {
	p.endedAt = time.Time{}
	if term <= p.ended {
		return
	}
	p.ended = term
	n.place()
	n.lostWorker(p.id)
}

// saidEnd reports whether a heartbeat has said that the worker has ended, long enough ago
// for the worker's last outputs to have arrived.
func (p *peer) saidEnd(now time.Time) bool {
	if p.endedAt.IsZero() {
		return false
	}
	since := now.Sub(p.endedAt)
	return since >= silence || since >= beatInterval && !p.open
}

// lostWorker reports that messages from or to a worker were lost: those of the rooms
// that it runs, or has run until recently.
func (n *Node) lostWorker(id ID) {
	if len(n.fronts) == 0 {
		return
	}
	views := []*view{n.view}
	for _, v := range n.past {
		views = append(views, v.view)
	}
	views = slices.DeleteFunc(views, func(v *view) bool { return !v.has(id) })
	if len(views) == 0 {
		return
	}
	channel := n.config.Channel
	n.emit(Event{Kind: EventFrontLost, Rooms: func(room string) bool {
		c, h := channel(room), hash(room)
		return slices.ContainsFunc(views, func(v *view) bool { return v.owns(id, c, h) })
	}})
}

// lostFronts reports that the fronts of a peer, or messages from or to them, were lost.
func (n *Node) lostFronts(p *peer, kind EventKind) {
	for _, front := range p.sortedFronts() {
		address := p.fronts[front]
		if kind == EventGone {
			delete(n.remote, address)
		}
		n.emit(Event{Kind: kind, Address: address})
	}
	if kind == EventGone {
		p.fronts = nil
	}
}

// place determines the workers among which rooms are placed.
func (n *Node) place() {
	next := new(view)
	for _, p := range n.peers {
		if p.takesRooms(n.now) {
			next.workers = append(next.workers, newPlaced(p.id, p.beat.channels))
		}
	}
	if n.state == StateServing {
		next.workers = append(next.workers, newPlaced(n.config.ID, n.config.Channels))
		slices.SortFunc(next.workers, func(a, b placed) int { return a.id.Compare(b.id) })
	}
	before := n.view
	if next.equal(before) {
		return
	}
	n.view = next
	n.past = slices.DeleteFunc(n.past, func(v pastView) bool { return n.now.Sub(v.until) >= handOver })
	n.past = append(n.past, pastView{before, n.now})
	grown := slices.ContainsFunc(next.workers, func(w placed) bool { return !before.has(w.id) && w.id != n.config.ID })
	if grown && n.state == StateServing {
		n.emit(Event{Kind: EventMoved, Rooms: n.placedElsewhere(next)})
	}
	n.straysDue, n.returnedDue = time.Time{}, time.Time{} // what was refused may be placed elsewhere now
}

// placedElsewhere returns a function that reports whether another worker runs a room.
func (n *Node) placedElsewhere(v *view) func(room string) bool {
	channel, self := n.config.Channel, n.config.ID
	return func(room string) bool {
		owner, found := v.owner(channel(room), room)
		return found && owner != self
	}
}
