package djangolayer

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/rate"
	"github.com/yroom/yroom/layer"
)

// proxy is the consumer of the connections at Django processes. It adds a connection when its
// first message arrives. That may be of any type, because the worker before may have taken
// those before it. Broadcasts are sent to the connections that the proxy knows, not to the group
// in Redis. So they go on when Redis is emptied.
type proxy struct {
	front     layer.Front
	bus       *bus
	documents *document.Documents
	greeting  func(room string) event.Greeting
	pace      func(room string) time.Duration
	log       *slog.Logger
	logs      *rate.Limit // of messages that can't be used
	slots     chan struct{}
	waiting   chan struct{}
	calls     sync.WaitGroup
	calling   context.Context // ends some time after the worker has begun to end
	wake      chan struct{}   // has a value if the rest of tick is to end

	mu       sync.Mutex
	rooms    map[string]*room
	conns    int
	behind   map[*destination]bool
	due      map[*conn]bool
	probed   map[*conn]bool
	departed map[string]time.Time // processes at which connections have ended, and when
	left     *recent              // the keys of connections that have left
	early    *recent              // the keys of those whose disconnect has arrived before their connect
	ended    *recent              // the keys of those that a room has closed
	resting  bool                 // tick rests, because nothing waited for it
	looked   time.Time            // when look was last called
	draining bool
	keeping  bool // keepGroups runs
	received uint64
	skipped  uint64
}

// room is a room and its connections.
type room struct {
	name         string
	pause        time.Duration // how long its messages may wait in Redis if it has many connections
	conns        map[event.ConnID]*conn
	channels     map[string]*conn
	destinations map[string]*destination
	silent       bool      // the client of a connection has sent nothing for a while
	compared     time.Time // when the connections were last compared with the group
	renewed      time.Time // when the group was last kept from ending, or the room was added
	lacking      bool      // the group may lack connections, because Redis was emptied
}

// destination is where broadcasts of a room reach some of its connections: on the core layer those
// of a process, on the pubsub layer all.
type destination struct {
	room    *room
	address string
	conns   []*conn // in the order in which they joined
	names   []string
	// mark is the newest state to which what was sent has brought all of conns.
	mark event.Mark
	// behind means that a broadcast could not be sent. Then none is sent until the room has
	// sent everything that was added after mark. resyncer is the connection for which the room
	// was asked for that, at the time asked, and has not answered.
	behind   bool
	resyncer *conn
	asked    time.Time
	// past holds marks of before, at least unsureFor apart, and sent is when the last broadcast
	// was sent: see depart.
	past [2]pastMark
	sent time.Time
	// processes is how many processes have taken the last broadcast, and fewer when it last was
	// less than before. Until one comes back, or rememberFor has passed, mark stays as it was.
	processes int
	fewer     time.Time
}

// pastMark is the mark that a destination had just before a time.
type pastMark struct {
	mark event.Mark
	at   time.Time
}

// conn is a connection at a Django process.
type conn struct {
	id          event.ConnID
	channel     string
	room        *room
	destination *destination

	access     event.Access
	accessSeq  uint64
	options    event.Access // the access that its last options gave
	hasOptions bool         // it has sent a message, so its options are known
	connected  bool         // its connect has arrived
	joined     bool         // its room has taken a Join of it
	member     bool         // it was in the group of its room when that was last known
	own        awareness.Own
	synced     bool      // it has been sent the document
	answering  bool      // a SyncStep2 waits to be sent to it
	asksAgain  bool      // it has requested another one since, and joins again after the first
	missed     bool      // something was sent to it alone, and nothing took that
	sent       time.Time // when something was sent to it alone
	again      bool      // it was made to join again because of a departure
	heard      time.Time // when its client last sent something
	taken      time.Time // when its process last took something
	asked      time.Time // when it was last sent something because it was silent
	probedAt   time.Time
}

// maxConns bounds the connections that the proxy knows.
const maxConns = 200_000

// connKey returns what identifies a connection, also after it has left.
func connKey(room, channel string) string { return room + " " + channel }

func newProxy(c Config, b *bus, d *document.Documents) *proxy {
	return &proxy{
		bus: b, documents: d, greeting: c.Greeting, pace: c.Pace, log: c.Logger, logs: rate.New(1),
		slots: make(chan struct{}, callsAtOnce), waiting: make(chan struct{}, callsWaiting), wake: make(chan struct{}, 1),
		rooms: make(map[string]*room), behind: make(map[*destination]bool), due: make(map[*conn]bool), probed: make(map[*conn]bool),
		departed: make(map[string]time.Time),
		left:     newRecent(4096), early: newRecent(4096), ended: newRecent(4096),
	}
}

func (p *proxy) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Conns: p.conns, Behind: len(p.behind), Received: p.received, Skipped: p.skipped}
}

// begin makes the proxy work for a worker. It returns a function that ends calls of
// YroomDocument.
func (p *proxy) begin() context.CancelFunc {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining, p.resting, p.looked = false, false, p.bus.now()
	var cut context.CancelFunc
	p.calling, cut = context.WithCancel(context.Background())
	return cut
}

// drain makes the proxy ignore the Rejoins of the worker that ends: the next worker makes
// the connections join again.
func (p *proxy) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
}

// add returns a new connection, nil if there are too many.
func (p *proxy) add(name, channel string) *conn {
	if p.conns == maxConns {
		return nil
	}
	r := p.rooms[name]
	if r == nil {
		r = &room{name: name, pause: min(cmp.Or(p.pace(name), pace), pace), conns: make(map[event.ConnID]*conn), channels: make(map[string]*conn), destinations: make(map[string]*destination), renewed: p.bus.now()}
		p.rooms[name] = r
	}
	c := &conn{id: event.ConnID(rand.Uint64()), channel: channel, room: r, heard: p.bus.now()}
	for c.id == event.Everyone || r.conns[c.id] != nil {
		c.id = event.ConnID(rand.Uint64())
	}
	c.taken = c.heard
	address := p.bus.destinationOf(name, channel)
	d := r.destinations[address]
	if d == nil {
		d = &destination{room: r, address: address}
		r.destinations[address] = d
	}
	c.destination = d
	d.conns, d.names = append(d.conns, c), append(d.names, channel)
	r.conns[c.id], r.channels[channel] = c, c
	p.conns++
	return c
}

// remove removes a connection, and tells the worker.
func (p *proxy) remove(c *conn) {
	r, d := c.room, c.destination
	delete(r.conns, c.id)
	delete(r.channels, c.channel)
	delete(p.due, c)
	delete(p.probed, c)
	p.conns--
	i := slices.Index(d.conns, c)
	d.conns = slices.Delete(d.conns, i, i+1)
	d.names = slices.Delete(d.names, i, i+1)
	if d.resyncer == c {
		d.resyncer = nil
	}
	if len(d.conns) == 0 {
		delete(r.destinations, d.address)
		delete(p.behind, d)
	}
	if len(r.conns) == 0 {
		delete(p.rooms, r.name)
	}
	p.leave(r.name, c.id)
}

func (p *proxy) leave(room string, id event.ConnID) {
	// The worker always takes a Leave. Without a worker, no room has the connection.
	_ = p.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputLeave, Conn: id}})
}

// join makes a connection join its room, and reports whether the room has taken that. If not,
// tick tries again.
func (p *proxy) join(c *conn, g event.Greeting) bool {
	in := event.Input{Kind: event.InputJoin, Conn: c.id, Access: c.access, AccessSeq: c.accessSeq, Greeting: g}
	if g == event.GreetingRejoin && c.synced {
		in.Mark = c.destination.mark
	}
	c.synced, c.missed = false, false // until it is sent the answer
	// After any other greeting, the client may still lack something.
	if g == event.GreetingRejoin {
		delete(p.due, c)
	}
	taken := p.send(c, in)
	c.joined = c.joined || taken
	return taken
}

// rejoin makes a connection join again that may lack messages, and whose messages the room may
// lack. If the room has not taken a Join of it yet, it joins as a new connection first: the
// worker bounds how fast rooms are opened, but not by a Rejoin.
func (p *proxy) rejoin(c *conn) {
	if !c.joined && !p.join(c, event.GreetingClient) || !p.join(c, event.GreetingRejoin) {
		return
	}
	if update := c.own.Update(); update != nil {
		p.send(c, event.Input{Kind: event.InputMessage, Conn: c.id, Client: c.own.Client(), Message: awarenessMessage(update)})
	}
}

// send sends an input of a connection. If the room can't take it, the connection joins again
// later: then the room asks its client for what it has missed.
func (p *proxy) send(c *conn, in event.Input) bool {
	if err := p.front.Send(layer.Input{Room: c.room.name, Input: in}); err != nil {
		p.due[c] = true
		return false
	}
	return true
}

// lost makes all connections join again, because messages of their clients may be lost.
func (p *proxy) lost() {
	p.mu.Lock()
	defer p.unlock()
	for _, r := range p.rooms {
		for _, c := range r.conns {
			p.due[c] = true
		}
	}
}
