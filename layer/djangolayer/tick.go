package djangolayer

import (
	"context"
	"slices"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

const (
	tickPause   = 50 * time.Millisecond // between two ticks while something waits for one
	restPause   = time.Second           // the same while nothing does
	lookPause   = 5 * time.Second
	probeWait   = 5 * time.Second  // how long a client whose client id another one claims may be silent
	resyncWait  = 10 * time.Second // how long a room may take to answer a Resync
	silence     = 20 * time.Second // after it, something is sent to find out whether the process takes it
	goneAfter   = 60 * time.Second // after it, a connection has ended whose process takes no messages
	joinsAtOnce = 500              // how many connections join again in one tick
)

// tick does what is due, until ctx ends.
func (p *proxy) tick(ctx context.Context) {
	timer := time.NewTimer(tickPause)
	defer timer.Stop()
	for {
		select {
		case <-p.wake:
			timer.Reset(tickPause)
			continue
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if p.doDue() { //nolint:contextcheck // what it starts is short
			timer.Reset(tickPause)
		} else {
			timer.Reset(restPause)
		}
	}
}

// doDue does what is due, and reports whether something else waits for that.
func (p *proxy) doDue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.bus.now()
	p.repair(now)
	p.joinDue()
	p.resync(now)
	p.endProbes(now)
	if now.Sub(p.looked) >= min(lookPause, p.bus.expiry/2) {
		p.looked = now
		p.look(now)
	}
	p.resting = !p.waits()
	return !p.resting
}

// waits reports whether something waits for a tick, other than a look.
func (p *proxy) waits() bool {
	return len(p.due)+len(p.behind)+len(p.probed)+len(p.departed) > 0
}

// unlock unlocks p.mu, and ends the rest of tick if something waits for a tick now. A function that
// may add to what waits calls it.
func (p *proxy) unlock() {
	if p.resting && p.waits() {
		p.resting = false
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
}

// joinDue makes connections join again that have to, unless so much waits for them that the
// answers to them might not fit.
func (p *proxy) joinDue() {
	left := joinsAtOnce
	for c := range p.due {
		if !p.bus.hasRoom(p.bus.destinationOfOne(c.channel)) {
			continue
		}
		if left--; left < 0 {
			return
		}
		p.rejoin(c)
	}
}

// resync asks the rooms of destinations that are behind, and have capacity again, for what they lack.
// It asks for one connection of a destination, and the answer is sent to all.
func (p *proxy) resync(now time.Time) {
	for d := range p.behind {
		if d.resyncer != nil && now.Sub(d.asked) < resyncWait || p.bus.isFull(d.address) {
			continue
		}
		i := slices.IndexFunc(d.conns, func(c *conn) bool { return !p.due[c] })
		if i < 0 {
			continue
		}
		c := d.conns[i]
		if p.send(c, event.Input{Kind: event.InputResync, Conn: c.id, Mark: d.mark}) {
			d.resyncer, d.asked = c, now
		}
	}
}

// endProbes reports the connections whose clients have not sent anything since the room has
// sent a Probe.
func (p *proxy) endProbes(now time.Time) {
	for c := range p.probed {
		if c.heard.After(c.probedAt) {
			delete(p.probed, c)
		} else if now.Sub(c.probedAt) >= probeWait {
			delete(p.probed, c)
			// After an error, a later state of the claimant causes another Probe.
			p.send(c, event.Input{Kind: event.InputSilent, Conn: c.id})
		}
	}
}

// unsureFor is how long before and after the end of a connection its process may lose something.
const unsureFor = time.Second

// depart records that a connection ends. On the core layer, one of the connections of a
// process takes the messages for all. If that one ends, Redis may give it a message that it
// doesn't read any more.
func (p *proxy) depart(c *conn) {
	if !p.bus.pubsub {
		p.departed[c.destination.address] = p.bus.now()
	}
}

// repair sends again what was sent to processes when connections there have ended. A
// connection joins again only once because of that.
func (p *proxy) repair(now time.Time) {
	for address, at := range p.departed {
		if now.Sub(at) < unsureFor {
			continue
		}
		delete(p.departed, address)
		since := at.Add(-unsureFor)
		for _, r := range p.rooms {
			d := r.destinations[address]
			if d == nil {
				continue
			}
			if d.sent.After(since) && !d.behind {
				d.mark = d.past[0].mark
				if !d.past[1].at.After(since) {
					d.mark = d.past[1].mark
				}
				p.fallBehind(d)
			}
			for _, c := range d.conns {
				if c.sent.After(since) && !c.again {
					c.again, c.synced = true, false
					p.due[c] = true
				}
			}
		}
	}
}

// keepalive changes nothing at a client.
var keepalive = protocol.Plain{}.Keepalive()

// look ends the connections whose clients are silent and whose processes take no messages: such
// a process has ended and sent no disconnect. To find that out, look sends something to them.
func (p *proxy) look(now time.Time) {
	asked, silence := make(map[string]bool), min(silence, p.bus.expiry/2) // what nothing takes must still be there
	for _, r := range p.rooms {
		silent := false
		for _, c := range r.conns {
			if c.missed {
				p.due[c] = true
			}
			alive := c.heard
			if c.taken.After(alive) {
				alive = c.taken
			}
			switch quiet := now.Sub(alive); {
			case quiet >= goneAfter:
				p.log.Info("a connection has ended: its Django process has taken no messages for "+goneAfter.String(), "room", r.name, "channel", c.channel)
				p.remove(c)
				p.calls.Go(func() { p.bus.discard(context.Background(), r.name, c.channel) })
			case quiet >= silence && now.Sub(c.asked) >= silence:
				c.asked = now
				if destination := p.bus.destinationOfOne(c.channel); !asked[destination] {
					asked[destination] = true
					p.ask(c, destination)
				}
			}
			silent = silent || now.Sub(c.heard) >= goneAfter
		}
		r.silent = silent
	}
	p.keepGroups()
}

// ask sends something to a connection. If its process takes it, all connections there live.
func (p *proxy) ask(c *conn, destination string) {
	p.post(post{
		destination: destination, entry: p.bus.encode(answer{typ: typeForward, payload: keepalive}, []string{c.channel}),
		done: func(sent result) {
			switch now := p.bus.now(); {
			case sent.processes == 0:
			case p.bus.pubsub:
				c.taken = now
			default:
				for _, r := range p.rooms {
					if d := r.destinations[destination]; d != nil {
						for _, other := range d.conns {
							other.taken = now
						}
					}
				}
			}
		},
	})
}
