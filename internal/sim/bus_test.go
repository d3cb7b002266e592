package sim

import (
	"slices"
	"time"

	"github.com/yroom/yroom/layer/link"
)

// bus carries packets between nodes. It keeps the order of packets from one node to
// another. But until the world is calm, it loses, duplicates, delays and reorders some
// packets, carries none between some pairs of nodes, and cuts nodes off.
type bus struct {
	world  *world
	nodes  []*node       // subscribed
	parted map[route]int // the number of partitions that block the route
	down   bool          // the bus carries nothing
}

// route leads from one node to another one.
type route struct{ from, to *node }

// publish sends a packet to one node, or to every node including the sender.
func (b *bus) publish(from *node, p link.Packet) {
	beat := 0
	if p.To == link.Everyone {
		from.beats++
		beat = from.beats
	}
	if w := b.world; beat > 0 && w.coarse {
		w.after(nil, w.within(time.Millisecond), func() {
			for _, to := range b.nodes {
				to.arrive(arrival{from, beat, p.Data})
			}
		})
		return
	}
	for _, to := range b.nodes {
		if beat > 0 || to.id == p.To {
			b.carry(from, to, arrival{from, beat, p.Data})
		}
	}
}

// arrival is a packet that arrives at a node.
type arrival struct {
	from *node
	beat int // the number of the heartbeat, from 1; 0: the packet is not a heartbeat
	data []byte
}

func (b *bus) carry(from, to *node, a arrival) {
	w := b.world
	if b.down || from.cut || to.cut || b.parted[route{from, to}] > 0 {
		w.seen.unreachable++
		return
	}
	at := w.now.Add(w.within(time.Millisecond))
	if !w.calm && w.chance(3) {
		at = at.Add(w.within(100 * time.Millisecond))
	}
	if last := from.latest[to]; last.After(at) {
		at = last
	}
	if !w.calm && w.chance(w.losses) {
		switch n := w.rnd.IntN(100); {
		case n < 40:
			w.seen.lost++
			return
		case n < 60:
			w.seen.duplicated++
			b.deliver(to, a, at.Add(w.within(time.Second)))
		case n < 80: // later ones overtake it
			w.seen.overtaken++
			b.deliver(to, a, at.Add(w.within(time.Second)))
			return
		default:
			w.seen.delayed++
			at = at.Add(w.within(500 * time.Millisecond))
		}
	}
	from.latest[to] = at
	b.deliver(to, a, at)
}

func (b *bus) deliver(to *node, a arrival, at time.Time) {
	b.world.after(nil, at.Sub(b.world.now), func() { to.arrive(a) })
}

// part loses all packets between two nodes for a while, in one direction or in both.
func (b *bus) part() {
	w := b.world
	if len(b.nodes) < 2 {
		return
	}
	one, other := b.any(), b.any()
	if one == other {
		return
	}
	routes := []route{{one, other}, {other, one}}[:1+w.rnd.IntN(2)]
	w.tracef("%s and %s are parted in %d directions", one.name, other.name, len(routes))
	w.seen.partitions++
	for _, r := range routes {
		b.parted[r]++
	}
	w.after(nil, w.outage(), func() {
		w.tracef("%s and %s are together again", one.name, other.name)
		for _, r := range routes {
			if b.parted[r]--; b.parted[r] <= 0 {
				delete(b.parted, r)
			}
		}
	})
}

// isolate cuts a node off from the bus for a while.
func (b *bus) isolate() {
	if len(b.nodes) == 0 {
		return
	}
	b.world.seen.isolations++
	b.cutOff(b.any(), b.world.outage())
}

func (b *bus) cutOff(n *node, d time.Duration) {
	w := b.world
	if n.cut {
		return
	}
	w.tracef("%s is cut off", n.name)
	n.cut = true
	w.after(nil, d, func() { n.reconnect(w.chance(50)) })
}

// fail stops the bus for a while.
func (b *bus) fail() {
	w := b.world
	if b.down {
		return
	}
	w.tracef("the bus is down")
	w.seen.outages++
	b.down = true
	w.after(nil, w.outage(), b.recover)
}

func (b *bus) recover() {
	if !b.down {
		return
	}
	b.world.tracef("the bus is up")
	b.down = false
	for _, n := range slices.Clone(b.nodes) {
		n.reconnect(b.world.chance(50))
	}
}

// mend ends all faults.
func (b *bus) mend() {
	clear(b.parted)
	b.recover()
	for _, n := range slices.Clone(b.nodes) {
		if n.cut {
			n.reconnect(b.world.chance(50))
		}
	}
}

func (b *bus) any() *node { return b.nodes[b.world.rnd.IntN(len(b.nodes))] }

// outage returns how long an outage lasts. During a short one, some packets are missing.
// During a long one, nodes become deaf or give each other up.
func (w *world) outage() time.Duration {
	return w.within([]time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second, 12 * time.Second}[w.rnd.IntN(4)])
}
