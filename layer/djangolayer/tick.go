package djangolayer

import (
	"context"
	"slices"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

const (
	tickPause   = 50 * time.Millisecond
	lookPause   = 5 * time.Second
	probeWait   = 5 * time.Second  // how long a client whose client id another one claims may be silent
	resyncWait  = 10 * time.Second // how long a room may take to answer a Resync
	silence     = 20 * time.Second // after it, something is sent to find out whether it is taken
	goneAfter   = 60 * time.Second // after it, a connection has ended whose process takes nothing
	joinsAtOnce = 500              // how many connections join again in one tick
)

// tick does what is due, until ctx ends.
func (p *proxy) tick(ctx context.Context) {
	ticker := time.NewTicker(tickPause)
	defer ticker.Stop()
	looked := p.bus.now()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		now := p.bus.now()
		p.joinDue()
		p.resync(now)
		p.endProbes(now)
		if now.Sub(looked) >= lookPause {
			looked = now
			p.look(now)
		}
		p.mu.Unlock()
	}
}

// joinDue makes connections join again that have to.
func (p *proxy) joinDue() {
	left := joinsAtOnce
	for c := range p.due {
		if left--; left < 0 {
			return
		}
		p.join(c, event.GreetingRejoin)
	}
}

// resync asks the rooms of homes that are behind and have capacity again for what they have
// missed. One of the connections of a home asks for all of them.
func (p *proxy) resync(now time.Time) {
	for h := range p.behind {
		if h.asker != nil && now.Sub(h.asked) < resyncWait || p.bus.isFull(h.address) {
			continue
		}
		i := slices.IndexFunc(h.conns, func(c *conn) bool { return !p.due[c] })
		if i < 0 {
			continue
		}
		c := h.conns[i]
		if p.send(c, event.Input{Kind: event.InputResync, Conn: c.id, Mark: h.mark}) {
			h.asker, h.asked = c, now
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

// keepalive changes nothing at a client.
var keepalive = protocol.Plain{}.Keepalive()

// look ends the connections whose clients are silent and whose processes take nothing: these
// have ended without a word. It sends something to find that out.
func (p *proxy) look(now time.Time) {
	asked := make(map[string]bool)
	for _, r := range p.rooms {
		for _, c := range r.conns {
			alive := c.heard
			if c.taken.After(alive) {
				alive = c.taken
			}
			if c.missed {
				p.due[c] = true
			}
			switch silent := now.Sub(alive); {
			case silent >= goneAfter:
				p.log.Info("a connection has ended: its Django process takes nothing", "room", r.name, "channel", c.channel)
				p.remove(c)
			case silent >= silence && now.Sub(c.asked) >= silence:
				c.asked = now
				if home := p.bus.homeOfOne(c.channel); !asked[home] {
					asked[home] = true
					p.ask(c, home)
				}
			}
		}
	}
}

// ask sends something to a process, on behalf of all of its connections.
func (p *proxy) ask(c *conn, home string) {
	p.post(post{
		home: home, entry: p.bus.encode(answer{typ: typeForward, payload: keepalive}, []string{c.channel}),
		done: func(sent result) {
			if sent.takers == 0 {
				return
			}
			for _, r := range p.rooms {
				for _, other := range r.conns {
					if p.bus.homeOfOne(other.channel) == home {
						other.taken = p.bus.now()
					}
				}
			}
		},
	})
}
