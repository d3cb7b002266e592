package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// client is a browser tab with a stock y-websocket provider.
type client struct {
	world  *world
	id     uint64
	room   int
	access event.Access
	doc    *blocks.Store
	clock  uint64
	sent   []byte // the last update, to send it again
	conn   *conn  // nil: offline
	asleep bool   // offline on purpose
	closed bool   // for good
	frozen bool   // the client handles nothing, while its connection stays open

	judged    bool // a program takes its right to write away: see judge_test.go
	counts    bool // it counts the updates that are not saved: see acks_test.go
	unsaved   int
	uncounted [][]byte // what was typed while it was not connected

	states map[uint64]state // as in the Awareness of y-protocols
	clocks map[uint64]uint64
}

type state struct {
	json    string
	renewed time.Time
}

// message is a message on its way to a client. A message of type Close ends the
// connection.
type message struct {
	typ  protocol.Type
	data []byte
}

func (w *world) newClient(room int, access event.Access) {
	w.lastID++
	c := &client{
		world: w, id: w.lastID, room: room, access: access, doc: blocks.New(),
		states: make(map[uint64]state), clocks: make(map[uint64]uint64),
	}
	c.counts = w.drops == 0 && w.chance(w.counting) // an update that was lost without a report is never acknowledged
	c.show()
	w.clients = append(w.clients, c)
	w.after(nil, w.within(w.pace), c.connect)
	w.after(nil, w.within(w.pace), c.act)
	w.after(nil, w.within(3*time.Second), c.tick)
	if w.drops > 0 {
		w.after(nil, w.within(resyncInterval), c.resync)
	}
}

// resyncInterval is that of the provider, in a world in which updates are lost.
const resyncInterval = 20 * time.Second

// resync does what the provider does every resyncInterval.
func (c *client) resync() {
	if c.closed || c.frozen {
		return
	}
	c.send(protocol.SyncStep1, c.doc.StateVector())
	c.world.after(nil, resyncInterval, c.resync)
}

// connect opens a connection, or tries again later, as the provider does.
func (c *client) connect() {
	w := c.world
	if c.conn != nil || c.asleep || c.closed {
		return
	}
	to := w.anyConsumer()
	if to == nil {
		c.connectSoon()
		return
	}
	c.conn = to.connect(c)
	c.recount()
	c.send(protocol.SyncStep1, c.doc.StateVector())
	c.sendUncounted()
	if _, here := c.states[c.id]; here {
		c.sendPresent(c.id)
	}
}

func (c *client) connectSoon() { c.world.after(nil, c.world.within(time.Second), c.connect) }

// offline does what the provider does when the connection has closed: it removes
// the states of the other clients.
func (c *client) offline() {
	c.conn = nil
	own, here := c.states[c.id]
	clear(c.states)
	if here {
		c.states[c.id] = own
	}
}

func (c *client) send(typ protocol.Type, data []byte) {
	if c.conn != nil {
		c.conn.send(protocol.Message{Type: typ, Data: slices.Clone(data)})
	}
}

func (c *client) sendPresent(ids ...uint64) {
	b := lib0.AppendUint(nil, uint64(len(ids)))
	for _, id := range ids {
		b = lib0.AppendUint(lib0.AppendUint(b, id), c.clocks[id])
		json := "null"
		if s, here := c.states[id]; here {
			json = s.json
		}
		b = lib0.AppendString(b, json)
	}
	c.send(protocol.Awareness, b)
}

// show changes the client's own awareness state.
func (c *client) show() {
	c.clocks[c.id]++
	c.states[c.id] = state{fmt.Sprintf(`{"at":%d}`, c.world.rnd.IntN(100)), c.world.now}
	c.sendPresent(c.id)
}

func (c *client) hide() {
	c.clocks[c.id]++
	delete(c.states, c.id)
	c.sendPresent(c.id)
}

// tick does what the Awareness of y-protocols does every three seconds.
func (c *client) tick() {
	if c.closed || c.frozen {
		return
	}
	now := c.world.now
	if own, here := c.states[c.id]; here && now.Sub(own.renewed) >= 15*time.Second {
		c.clocks[c.id]++
		own.renewed = now
		c.states[c.id] = own
		c.sendPresent(c.id)
	}
	var removed []uint64
	for _, id := range slices.Sorted(maps.Keys(c.states)) {
		if id != c.id && now.Sub(c.states[id].renewed) >= 30*time.Second {
			delete(c.states, id)
			removed = append(removed, id)
		}
	}
	if removed != nil {
		c.sendPresent(removed...)
	}
	c.world.after(nil, 3*time.Second, c.tick)
}

// take handles a message as the provider does.
func (c *client) take(m message) {
	w := c.world
	if c.frozen {
		return
	}
	switch m.typ {
	case protocol.SyncStep1:
		diff, err := c.doc.Diff(m.data, blocks.V1)
		if err != nil {
			w.failf("client %d was sent a state vector that can't be read: %v", c.id, err)
		}
		c.send(protocol.SyncStep2, diff)
	case protocol.SyncStep2, protocol.Update:
		if _, err := c.doc.Apply(m.data, blocks.V1); err != nil {
			w.failf("client %d was sent an update that can't be read: %v", c.id, err)
		}
	case protocol.Awareness:
		c.takePresent(m.data)
	case protocol.Ack:
		c.saved()
	}
}

// takePresent applies an awareness update as applyAwarenessUpdate of y-protocols does,
// and sends the entries that changed.
func (c *client) takePresent(data []byte) {
	var changed []uint64
	r := lib0.NewReader(data)
	for n := r.Uint(); n > 0; n-- {
		id, clock, json := r.Uint(), r.Uint(), string(r.Text())
		known := c.clocks[id]
		_, here := c.states[id]
		if known > clock || known == clock && (json != "null" || !here) {
			continue
		}
		switch {
		case json != "null":
			c.states[id] = state{json, c.world.now}
		case id == c.id && here:
			clock++ // only this client removes its own state
		default:
			delete(c.states, id)
		}
		c.clocks[id] = clock
		changed = append(changed, id)
	}
	if r.Err() != nil {
		c.world.failf("client %d was sent awareness that can't be read: %v", c.id, r.Err())
	}
	if changed != nil {
		c.sendPresent(changed...)
	}
}

// act performs a random action of the client and schedules the next one, until the
// world is calm.
func (c *client) act() {
	w := c.world
	if c.closed || w.calm {
		return
	}
	switch n := w.rnd.IntN(100); {
	case n < 45:
		c.edit(c.typed)
	case n < 58:
		c.edit(c.deleted)
	case n < 66:
		c.show()
	case n < 68:
		c.hide()
	case n < 72:
		c.send(protocol.QueryAwareness, nil)
	case n < 76 && c.unsaved == 0: // otherwise a provider shows too few unsaved changes if acks are on their way
		c.recount()
		c.send(protocol.SyncStep1, c.doc.StateVector())
	case n < 80 && c.sent != nil && !c.counts: // a provider that counts sends nothing again
		c.send(protocol.Update, c.sent)
	case n < 84 && c.conn != nil: // the connection breaks
		c.conn.lose()
	case n < 88 && c.conn != nil: // the connection closes, and opens again later
		c.asleep = true
		c.conn.leave()
		c.offline()
		w.after(nil, w.within(20*w.pace), func() { c.asleep = false; c.connect() })
	case n < 90: // the tab closes, and another one opens
		c.hide()
		c.closed = true
		if c.conn != nil {
			c.conn.leave()
			c.offline()
		}
		c.reload()
		return
	}
	w.after(nil, w.within(2*w.pace), c.act)
}

// reload closes the tab and opens another one, which has nothing.
func (c *client) reload() {
	w := c.world
	c.closed = true
	w.clients = slices.DeleteFunc(w.clients, func(x *client) bool { return x == c })
	w.newClient(c.room, c.access)
}

func (c *client) edit(change func() []byte) {
	update := change()
	if update == nil {
		return
	}
	if !c.access.May(event.AccessWrite) {
		c.count(1)
		c.send(protocol.Update, forged(c.id)) // not applied to the client's own document, because the room must reject it
		return
	}
	if _, err := c.doc.Apply(update, blocks.V1); err != nil {
		panic(err) // change returned a malformed update
	}
	c.sent = update
	if c.counts && c.conn == nil && update[0] > 0 {
		c.uncounted = append(c.uncounted, update)
	}
	c.count(1)
	c.send(protocol.Update, update)
}

// forgers is larger than the ids of all clients that may write.
const forgers = 1 << 32

// forged returns an update for a client that may not write.
func forged(id uint64) []byte { return testkit.Typed(forgers+id, 0, "x") }

// typed returns an update that inserts some characters, or pasted text, after an
// existing one.
func (c *client) typed() []byte {
	w := c.world
	b := []byte{1, 1}
	b = lib0.AppendUint(lib0.AppendUint(b, c.id), c.clock)
	all := readVector(c.doc.StateVector())
	switch {
	case c.clock > 0 && w.chance(60):
		b = lib0.AppendUint(lib0.AppendUint(append(b, 4|0x80), c.id), c.clock-1)
	case len(all) > 0:
		at := all[w.rnd.IntN(len(all))]
		b = lib0.AppendUint(lib0.AppendUint(append(b, 4|0x80), at.client), w.rnd.Uint64N(at.clock))
	default:
		b = lib0.AppendString(append(b, 4, 1), "text")
	}
	text := "abc"[:1+w.rnd.IntN(3)]
	if w.chance(w.pastes) {
		w.seen.pastes++
		text = strings.Repeat("pasted ", 600+w.rnd.IntN(1800))
	}
	c.clock += uint64(len(text))
	return append(lib0.AppendString(b, text), 0)
}

// deleted returns an update that deletes some elements of the document.
func (c *client) deleted() []byte {
	all := readVector(c.doc.StateVector())
	if len(all) == 0 {
		return nil
	}
	rnd := c.world.rnd
	at := all[rnd.IntN(len(all))]
	first := rnd.Uint64N(at.clock)
	b := lib0.AppendUint([]byte{0, 1}, at.client)
	b = lib0.AppendUint(append(b, 1), first)
	return lib0.AppendUint(b, 1+rnd.Uint64N(min(4, at.clock-first)))
}

// vector is a state vector.
type vector []clientClock

type clientClock struct{ client, clock uint64 }

func readVector(data []byte) vector {
	v := vector{}
	r := lib0.NewReader(data)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		v = append(v, clientClock{r.Uint(), r.Uint()})
	}
	return v
}

// join returns the smallest state vector that covers v and other.
func (v vector) join(other vector) vector {
	joined := slices.Clone(v)
	for _, o := range other {
		i := slices.IndexFunc(joined, func(x clientClock) bool { return x.client == o.client })
		if i < 0 {
			joined = append(joined, o)
		} else {
			joined[i].clock = max(joined[i].clock, o.clock)
		}
	}
	return joined
}

func (v vector) covers(other vector) bool {
	for _, o := range other {
		if !slices.ContainsFunc(v, func(x clientClock) bool { return x.client == o.client && x.clock >= o.clock }) {
			return false
		}
	}
	return true
}
