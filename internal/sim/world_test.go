package sim

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/worker"
)

var roomNames = []string{"a", "b", "c"}

func roomIndex(name string) int { return slices.Index(roomNames, name) }

// world is one simulated run: a disk, the servers and consumers, which replace each
// other or run at once, the layer between them, and the clients.
type world struct {
	*schedule

	seed       uint64
	plant      plant
	settings   worker.Settings
	pace       time.Duration // between two actions of a client
	faults     int           // how many calls of the store fail, in percent
	deletes    int           // how many requests of programs delete or create a room, in percent
	counting   int           // how many clients count their unsaved updates, as Hocuspocus providers do, in percent
	drops      int           // how many updates of clients are lost on their way without a report, in percent; clients resync then
	losses     int           // how many messages in the layer are affected by a fault, in percent
	both       int           // how many servers have a consumer in their process, in percent
	watches    int           // how many rooms a consumer watches, in percent
	pastes     int           // how many insertions paste some KiB of text, in percent
	judges     bool          // programs change and close connections
	many       bool          // several servers and consumers run at once
	breaks     bool          // processes stall, and the bus fails
	outboxSize int
	few        int // worker.Config.Few

	disk      *disk
	bus       *bus
	servers   []*server   // those that have not ended
	consumers []*consumer // those that have not ended
	draining  int         // how many servers drain
	ran       atomic.Int64
	started   int
	clients   []*client
	lastID    uint64
	lastConn  event.ConnID
	access    map[event.ConnID]event.Access
	shadows   map[uint64]*shadow // by epoch

	calm   bool // nothing fails any more, and clients don't act on their own
	coarse bool // the links take fewer steps, because nothing urgent happens
	closed bool // no server is started any more

	failure string
	tell    func(string) // nil: the history isn't printed
	history uint64       // a hash of the events
	seen    counts
}

// counts holds how many times each kind of event happened.
type counts struct {
	steps, crashes, drains, stalls, faults, compactions, full, responses int

	lost, duplicated, overtaken, delayed, unreachable int // packets
	partitions, isolations, outages, local            int
	gaps, resets, givenUp, nearSilences, deaf, strays int // see link.Stats
	dropped                                           int
	losses, rejoins, behind, catchUps, rewatched      int
	probes                                            int
	offers, shared                                    int
	deletions                                         int
	acks, saved, recounts, uncounted                  int
	judged, expelled                                  int

	pastes, vectors int // vectors that came with a broadcast
}

func (c *counts) add(o counts) {
	c.steps += o.steps
	c.crashes += o.crashes
	c.drains += o.drains
	c.stalls += o.stalls
	c.faults += o.faults
	c.compactions += o.compactions
	c.full += o.full
	c.responses += o.responses
	c.lost += o.lost
	c.duplicated += o.duplicated
	c.overtaken += o.overtaken
	c.delayed += o.delayed
	c.unreachable += o.unreachable
	c.partitions += o.partitions
	c.isolations += o.isolations
	c.outages += o.outages
	c.local += o.local
	c.gaps += o.gaps
	c.resets += o.resets
	c.givenUp += o.givenUp
	c.nearSilences += o.nearSilences
	c.deaf += o.deaf
	c.strays += o.strays
	c.dropped += o.dropped
	c.losses += o.losses
	c.rejoins += o.rejoins
	c.probes += o.probes
	c.behind += o.behind
	c.catchUps += o.catchUps
	c.rewatched += o.rewatched
	c.offers += o.offers
	c.shared += o.shared
	c.deletions += o.deletions
	c.acks += o.acks
	c.saved += o.saved
	c.recounts += o.recounts
	c.uncounted += o.uncounted
	c.judged += o.judged
	c.expelled += o.expelled
	c.pastes += o.pastes
	c.vectors += o.vectors
}

// chaos is the number of steps before a world becomes calm.
const chaos = 20_000

// result is the outcome of a world.
type result struct {
	failure string
	history uint64
	seen    counts
}

// simulate runs the world of a seed in a bubble of testing/synctest, where it can wait
// until a worker that starts or ends is blocked. Nothing else depends on the Go
// scheduler.
func simulate(t *testing.T, seed uint64, planted plant, tell func(string)) (r result) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, planted)
		w.tell = tell
		defer w.end()
		w.live()
		w.seen.steps = w.steps
		r = result{w.failure, w.history, w.seen}
	})
	return r
}

func newWorld(seed uint64, planted plant) *world {
	w := &world{
		schedule: newSchedule(seed), seed: seed, plant: planted,
		access: make(map[event.ConnID]event.Access), shadows: make(map[uint64]*shadow),
	}
	w.disk, w.bus = newDisk(w), &bus{world: w, parted: make(map[route]int)}
	w.pace = time.Duration(40<<w.rnd.IntN(6)) * time.Millisecond
	w.faults = []int{0, 0, 1, 3, 10}[w.rnd.IntN(5)]
	w.losses = []int{0, 0, 1, 3, 10}[w.rnd.IntN(5)]
	w.pastes = []int{0, 0, 25}[w.rnd.IntN(3)]
	w.both = []int{0, 0, 50}[w.rnd.IntN(3)]
	w.deletes = max(planted.deletes, []int{0, 0, 3}[w.rnd.IntN(3)])
	w.watches = []int{0, 50}[w.rnd.IntN(2)]
	w.judges = w.chance(50)
	w.many = w.chance(70)
	w.breaks = w.chance(70)
	w.counting = 25
	w.drops = []int{0, 0, 10}[w.rnd.IntN(3)]
	if planted.found != "" {
		w.drops = 0 // a resync would mend some of them
		if !planted.rights {
			w.counting, w.judges = 0, false
		}
		w.many, w.breaks = true, true // they are found sooner
	}
	w.few = []int{0, 1}[w.rnd.IntN(2)] // of 0, no room has pauses
	w.outboxSize = []int{6000, 20_000, 1 << 20}[w.rnd.IntN(3)]
	w.settings = worker.Settings{
		RemoveDelay:   1 + w.within(4*time.Second),
		AutosaveDelay: 1 + w.within(4*time.Second),
		MailboxInputs: []int{4, 50, 4096}[w.rnd.IntN(3)],
		MailboxBytes:  []int{300, 1 << 20}[w.rnd.IntN(2)],
		Pace:          1 + w.within(100*time.Millisecond),
	}
	return w
}

func (w *world) live() {
	w.startServer()
	w.startConsumer(nil)
	for i := range roomNames {
		for range 2 + w.rnd.IntN(2) {
			w.newClient(i, event.AccessWrite|event.AccessPresent)
		}
		w.newClient(i, []event.Access{event.AccessRead, event.AccessPresent}[w.rnd.IntN(2)])
	}
	w.keep()
	w.after(nil, w.within(20*w.pace), w.disturb)
	if w.judges {
		w.after(nil, w.within(20*w.pace), w.judge)
	}
	for w.failure == "" && w.steps < chaos {
		w.next()
	}
	w.settle()
}

// next runs a step, and checks servers that drain.
func (w *world) next() {
	if !w.step() {
		w.failf("no call is ready and no timer is set")
	}
	if w.draining == 0 {
		return
	}
	w.wait()
	for _, s := range slices.Clone(w.servers) {
		if s.drained {
			s.checkEnd()
		}
	}
}

// wait waits until the goroutines of workers are blocked.
func (w *world) wait() {
	synctest.Wait()
	w.ran.Load() // synchronizes with what these goroutines did, for the race detector
}

// keep starts servers and consumers if there are too few.
func (w *world) keep() {
	if w.closed {
		return
	}
	want := 1
	if w.many {
		want = 3
	}
	serving := 0
	for _, s := range w.servers {
		if !s.drained {
			serving++
		}
	}
	if serving < want && len(w.servers) < 6 {
		w.startServer()
	}
	open := slices.DeleteFunc(slices.Clone(w.consumers), func(c *consumer) bool { return c.closing })
	if len(open) < want {
		w.startConsumer(nil)
	}
	w.after(nil, w.within(2*w.pace), w.keep)
}

// anyConsumer returns a random consumer that accepts connections, or nil if there is
// none.
func (w *world) anyConsumer() *consumer {
	open := slices.DeleteFunc(slices.Clone(w.consumers), func(c *consumer) bool { return c.closing })
	if len(open) == 0 {
		return nil
	}
	return open[w.rnd.IntN(len(open))]
}

// disturb makes a process crash, drain or stall, or disturbs the bus, and schedules the
// next disturbance.
func (w *world) disturb() {
	if w.calm {
		return
	}
	w.after(nil, w.within(20*w.pace), w.disturb)
	var s *server
	if len(w.servers) > 0 {
		s = w.servers[w.rnd.IntN(len(w.servers))]
	}
	var c *consumer
	if len(w.consumers) > 0 {
		c = w.consumers[w.rnd.IntN(len(w.consumers))]
	}
	n := w.rnd.IntN(100)
	switch {
	case n >= 50 && !w.breaks:
	case n < 15 && s != nil:
		s.crash()
	case n < 35 && s != nil:
		w.after(&s.life, w.within(4*w.pace), func() {
			if !s.drained {
				s.drain()
			}
		})
	case n < 43 && c != nil:
		c.crash()
	case n < 50 && c != nil && !c.closing:
		c.drain()
	case n < 60 && s != nil:
		w.stall(s.node)
	case n < 65 && c != nil:
		w.stall(c.node)
	case n < 80:
		w.bus.part()
	case n < 92:
		w.bus.isolate()
	case n < 97:
		w.bus.fail()
	}
}

// stall stops a process for a while, as SIGSTOP does. When the process runs again,
// everything that was due meanwhile happens at once.
func (w *world) stall(n *node) {
	if n.stalled {
		return
	}
	w.tracef("%s stalls", n.name)
	w.seen.stalls++
	if n.back != nil {
		n.back.of.land()
	}
	n.stalled = true
	for _, of := range n.lives {
		of.stalled = true
	}
	w.after(nil, w.outage(), func() { w.unstall(n) })
}

func (w *world) unstall(n *node) {
	if !n.stalled || n.dead {
		return
	}
	w.tracef("%s goes on", n.name)
	for _, of := range n.lives {
		w.resume(of)
	}
	w.resume(&n.life)
	if w.chance(30) { // the broker has given up the connection
		n.inbox = nil
		n.reconnect(true)
	}
	w.add(&n.life, n.read)
}

// settle makes the world calm, and checks that everything heals and nothing is lost.
func (w *world) settle() {
	w.calm, w.coarse, w.hasty = true, true, false
	w.bus.mend()
	for _, n := range slices.Clone(w.bus.nodes) {
		w.unstall(n)
	}
	for i := range roomNames {
		w.recreate(i)
	}
	w.rest(15 * time.Second)
	w.checkLinks()
	resets := w.resets()
	w.rest(time.Minute)
	w.converged()
	if now := w.resets(); now != resets && w.failure == "" {
		w.failf("%d sessions were reset while nothing failed", now-resets)
	}
	w.closed = true
	for _, s := range w.servers {
		if !s.drained {
			s.drain()
		}
	}
	for limit := w.steps + 100_000; w.failure == "" && len(w.servers) > 0; {
		w.next()
		if w.steps > limit {
			w.failf("the servers do not end")
		}
	}
	if w.failure == "" {
		w.startServer()
		if w.anyConsumer() == nil {
			w.startConsumer(nil)
		}
		w.rest(time.Minute)
		w.converged()
	}
	if w.failure == "" {
		w.lapse()
	}
}

// resets returns how many sessions were reset so far.
func (w *world) resets() (n uint64) {
	for _, x := range w.bus.nodes {
		n += x.link.Stats().Resets
	}
	return n
}

// lapse checks that awareness shows at once which clients connect and leave, that
// silent clients are removed after a while, and that rooms without connections close.
func (w *world) lapse() {
	first := func() (first []*client) {
		for i := range roomNames {
			first = append(first, w.clients[slices.IndexFunc(w.clients, func(c *client) bool { return c.room == i })])
		}
		for _, c := range first {
			w.clients = slices.DeleteFunc(w.clients, func(x *client) bool { return x == c })
		}
		return first
	}
	for _, c := range first() {
		c.closed = true
		c.conn.leave()
		c.offline()
		w.newClient(c.room, c.access)
	}
	w.rest(time.Second)
	w.converged()
	for _, c := range first() {
		c.frozen = true
	}
	w.rest(time.Minute)
	w.converged()
	if w.failure != "" {
		return
	}
	for _, c := range w.consumers {
		for _, conn := range slices.Clone(c.conns) {
			conn.client.closed = true
			conn.leave()
			conn.client.offline()
		}
		for _, x := range c.watches {
			x.ended = true
			x.leave()
		}
		c.watches = nil
	}
	w.clients = nil
	w.rest(time.Minute)
	opens := w.servers[0].opens
	for i := range roomNames {
		w.newClient(i, event.AccessRead)
	}
	w.rest(time.Minute)
	w.converged()
	if opened := w.servers[0].opens - opens; opened != len(roomNames) {
		w.failf("%d rooms were opened again, want all: they were empty", opened)
	}
}

// rest lets time pass. A minute suffices for every client to reconnect and for the
// others to receive its awareness state.
func (w *world) rest(d time.Duration) {
	end := w.now.Add(d + 30*w.pace)
	for limit := w.steps + 100_000; w.failure == "" && w.now.Before(end); {
		if w.over() {
			w.now = end
			return
		}
		w.next()
		if w.steps > limit {
			w.failf("the world still runs calls after the limit of steps")
		}
	}
}

// converged checks that every client has the document of the log, and the awareness
// states of all clients that show one, and that every room has the connections that
// exist in it.
func (w *world) converged() {
	for i, name := range roomNames {
		l := w.disk.logs[i]
		stored := l.document()
		if last := slices.MaxFunc(append(l.durableVector(), clientClock{}), func(a, b clientClock) int {
			return cmp.Compare(a.client, b.client)
		}); last.client >= forgers {
			w.failf("%s: an update of a client that may only read was stored", name)
		}
		w.equal(name+": all that was ever stored, and the log", l.durable, stored)
		stored = integrated(stored)
		var here []*client
		for _, c := range w.clients {
			if _, shown := c.states[c.id]; c.room == i && shown && c.access.May(event.AccessPresent) {
				here = append(here, c)
			}
		}
		for _, c := range w.clients {
			if c.room != i {
				continue
			}
			if !c.judged && (l.deletions == 0 || c.access.May(event.AccessWrite)) {
				w.equal(fmt.Sprintf("%s: the log, and client %d", name, c.id), stored, integrated(c.doc))
			} else if held, err := c.doc.Contains(stored.Encode(blocks.V1), blocks.V1); !held || err != nil {
				// It may have more, of a document that was deleted or that it may not change any more.
				w.failf("%s: client %d lacks a part of the log (%v)", name, c.id, err)
			}
			want := make(map[uint64]string)
			for _, other := range here {
				want[other.id] = other.states[other.id].json
			}
			if own, shown := c.states[c.id]; shown {
				want[c.id] = own.json
			}
			got := make(map[uint64]string)
			for id, s := range c.states {
				got[id] = s.json
			}
			if fmt.Sprint(want) != fmt.Sprint(got) { // which sorts
				w.failf("%s: client %d sees %v, want %v", name, c.id, got, want)
			}
		}
	}
	for _, c := range w.consumers {
		for _, x := range c.watches {
			if x.conn != 0 {
				l := w.disk.logs[x.room]
				w.equal(fmt.Sprintf("%s: the log, and what consumer %d watches", roomNames[x.room], c.nth), integrated(l.document()), integrated(x.doc))
			} else if len(w.disk.logs[x.room].Entries) > 0 {
				w.failf("%s: consumer %d doesn't watch", roomNames[x.room], c.nth)
			}
		}
	}
	for i := range roomNames {
		w.checkMembers(i)
	}
	w.checkSaved()
}

// integrated returns a document without what is pending, which no room sends.
func integrated(doc *blocks.Store) *blocks.Store {
	out := blocks.New()
	out.HoldPending()
	for range 2 { // the second time without what is pending
		if err := out.Load(doc.Encode(blocks.V1), blocks.V1); err != nil {
			panic(err)
		}
		doc, out = out, blocks.New()
	}
	return doc
}

func (w *world) equal(what string, a, b *blocks.Store) {
	if w.failure != "" || bytes.Equal(a.Encode(blocks.V1), b.Encode(blocks.V1)) {
		return
	}
	inA, errA := a.Contains(b.Encode(blocks.V1), blocks.V1)
	inB, errB := b.Contains(a.Encode(blocks.V1), blocks.V1)
	if !inA || !inB || errA != nil || errB != nil {
		w.failf("%s differ: the first contains the second: %v; the second contains the first: %v", what, inA, inB)
	}
}

// end crashes all servers and ends all goroutines.
func (w *world) end() {
	for len(w.servers) > 0 {
		w.servers[0].crash()
	}
	w.schedule.end()
}

// failf records a failure. Only the first one is kept, because it may cause others.
func (w *world) failf(format string, args ...any) {
	w.tracef("FAILED: "+format, args...)
	if w.failure == "" {
		w.failure = fmt.Sprintf("seed %d, step %d: %s", w.seed, w.steps, fmt.Sprintf(format, args...))
	}
}

func (w *world) tracef(format string, args ...any) {
	if w.tell != nil {
		at := w.now.Sub(time.Unix(1_000_000_000, 0))
		w.tell(fmt.Sprintf("%6d %9s ", w.steps, at.Round(time.Millisecond)) + strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

// note adds an event to the hash of the history.
func (w *world) note(what ...uint64) {
	for _, x := range what {
		w.history = (w.history ^ x) * 0x100000001b3
	}
	if w.tell != nil {
		w.tracef("%v", what)
	}
}
