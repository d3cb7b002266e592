package link

import (
	"slices"
	"time"

	"github.com/yroom/yroom/layer"
)

// The times of the protocol.
const (
	// TickInterval is how often Tick should be called.
	TickInterval = 50 * time.Millisecond
	// beatInterval is the time between two heartbeats.
	beatInterval = 500 * time.Millisecond
	// greetInterval is the least time between two heartbeats if others want one. Many do
	// at once when the broker has restarted.
	greetInterval = 50 * time.Millisecond
	// silence is how long a Node may be silent before it is given up.
	silence = 3 * time.Second
	// nearSilence is the silence that Stats counts as coming close to that.
	nearSilence = silence / 2
	// deafness is how long a Node may miss what it sends to itself before it is deaf: two
	// seconds, less a tick or two.
	deafness = 1900 * time.Millisecond
	// stall is the least time between two Ticks from which a Node concludes that its own
	// process was not running.
	stall = time.Second
	// settling is how long a new Node waits for the heartbeats of the others before it
	// sends inputs to the workers that it knows.
	settling = 200 * time.Millisecond
	// helloInterval is the time between two attempts to open a session.
	helloInterval = 250 * time.Millisecond
	// ackDelay is how long an acknowledgement waits for a packet to travel with.
	ackDelay = 200 * time.Millisecond
	// askInterval is the time between two requests for a missing acknowledgement.
	askInterval = time.Second
	// mostAsks is how many such requests in a row may remain unanswered. After them, the
	// session is reset: the peer doesn't receive packets, though its heartbeats arrive.
	mostAsks = 5
	// flushInterval is the time between two such requests of Flush.
	flushInterval = 20 * time.Millisecond
	// agreement is how long two Nodes may place a room differently. After that, a worker
	// runs the room though it would place it elsewhere.
	agreement = silence
	// handOver is how long a worker may take to hand over rooms that are placed elsewhere.
	handOver = 30 * time.Second
	// strayInterval is the longest time between two attempts to send what another worker
	// refused.
	strayInterval = 200 * time.Millisecond
	// strayPatience is how long a request that workers refuse is sent again.
	strayPatience = 10 * time.Second
)

// The bounds on packets and on what waits, in bytes.
const (
	ackBytes     = 64 << 10  // received packets that are acknowledged at once; at most a quarter of the window
	mostWindow   = 512 << 10 // packets to one peer that are not acknowledged
	leastWindow  = 64 << 10
	leastPacket  = 16 << 10  // no packet is sent while the window has less space, unless all are acknowledged
	windows      = 8 << 20   // the windows of all Nodes that send to one, together
	mostInputs   = 32 << 20  // inputs that wait for one peer
	roomInputs   = 8 << 20   // inputs of one room that wait
	roomOutputs  = 64 << 20  // outputs of one room that wait
	mostOutputs  = 256 << 20 // outputs that wait for one peer
	mostReturned = 16 << 20  // returned requests that are to be sent again
)

// Config configures a Node.
type Config struct {
	ID ID
	// Name and Software, the version of the program, are shown to operators.
	Name, Software string
	// Channel returns the channel of a room. nil: all rooms are on the channel "".
	Channel func(room string) string
	// Channels are the channels whose rooms the worker of this process runs. nil: "".
	Channels []string
}

// Node is one process at a bus. Its methods must be called one at a time. After each
// call, the caller takes the Events, and the packets that Next returns.
type Node struct {
	config Config
	now    time.Time // of the latest call
	epoch  uint64    // the last number given to a half of a session, or to a peer
	events []Event
	frames []field // of the packet that is handled
	stats  Stats

	peers []*peer     // by ascending ID
	ready fifo[*peer] // those that have something to send
	view  *view
	past  []pastView // the views before, for as long as their rooms may still be handed over

	lastFront uint64 // the number of the last front
	fronts    map[uint64]*front
	remote    map[layer.Address]remote // the fronts of peers that have sent something
	state     State
	term      uint64 // how many workers there were

	strays      map[string]bool // rooms whose inputs a worker has refused
	straysDue   time.Time       // when their connections join again
	returned    []returned
	returnedDue time.Time // when these are sent again
	guests      bool      // inputs of rooms that are placed elsewhere were accepted
	guestsAsked time.Time // when the worker was last asked to hand such rooms over

	load    Load      // for the next heartbeats
	beats   uint64    // the number of the last heartbeat
	beatAt  time.Time // when it was sent; zero if one is due at once
	hello   bool      // the next heartbeat wants those of all others
	greeted bool      // another Node wants a heartbeat
	bye     bool      // the next heartbeat is the last one
	ended   bool      // the last heartbeat was sent
	ticked  time.Time // when Tick was called last
	heard   time.Time // when the last own heartbeat arrived
	echoed  time.Time // when the last packet to itself arrived
	echoes  bool      // a packet to itself is due
	joined  time.Time // when the first own heartbeat arrived
	settled bool      // the heartbeats of all others should have arrived
	deaf    bool
}

// pastView is a view that was replaced.
type pastView struct {
	*view
	until time.Time
}

// remote is a front of a peer.
type remote struct {
	peer  *peer
	front uint64
}

// New returns a Node without fronts and worker.
func New(c Config, now time.Time) *Node {
	if c.Channel == nil {
		c.Channel = func(string) string { return "" }
	}
	if c.Channels == nil {
		c.Channels = []string{""}
	}
	return &Node{
		config: c, now: now, ticked: now, heard: now, echoed: now,
		hello:  true,
		view:   new(view),
		fronts: make(map[uint64]*front),
		remote: make(map[layer.Address]remote),
	}
}

// find returns a peer, nil if it isn't known.
func (n *Node) find(id ID) *peer {
	if i, found := n.search(id); found {
		return n.peers[i]
	}
	return nil
}

func (n *Node) search(id ID) (int, bool) {
	return slices.BinarySearchFunc(n.peers, id, func(p *peer, id ID) int { return p.id.Compare(id) })
}

// nextEpoch returns a number that is larger than all before.
func (n *Node) nextEpoch() uint64 {
	n.epoch++
	return n.epoch
}

// Deaf reports whether the Node doesn't receive what it sends to itself or to everyone,
// because the bus carries no messages. While it is deaf, Send takes no input for another
// worker except a Leave.
func (n *Node) Deaf() bool { return n.deaf }

// Settled reports whether the heartbeats of all other Nodes should have arrived.
func (n *Node) Settled() bool { return n.settled }

// SetLoad sets the Load that the next heartbeats say.
func (n *Node) SetLoad(l Load) { n.load = l }

// Workers returns the number of workers among which rooms are placed.
func (n *Node) Workers() int { return len(n.view.workers) }

// Stats counts what has happened at a Node.
type Stats struct {
	PacketsSent, PacketsReceived uint64
	BytesSent, BytesReceived     uint64
	Malformed                    uint64 // packets that could not be read
	Gaps                         uint64 // how often packets or their acknowledgements were missing, or packets malformed
	Resets                       uint64 // sessions that ended with a loss
	GivenUp                      uint64 // Nodes that were silent for too long
	NearSilences                 uint64 // how often a Node was silent for half of that time and came back
	LongestSilence               time.Duration
	Deaf                         uint64 // how often the bus carried no messages
	Strays                       uint64 // inputs that reached a worker at which their room isn't placed
	Dropped                      uint64 // how often outputs of a room were dropped, because too many waited
}

// Stats returns what has happened so far.
func (n *Node) Stats() Stats { return n.stats }

// Peer describes another Node.
type Peer struct {
	ID             ID
	Name, Software string
	Fronts         bool
	Worker         State
	Open           bool // messages can be exchanged with it
	Load           Load // as its last heartbeat says

	Waiting  int // bytes of messages that wait to be sent to it
	InFlight int // bytes of packets to it that are not acknowledged
	Window   int // InFlight may be as large
}

// Peers returns the other Nodes, by ascending ID.
func (n *Node) Peers() []Peer {
	all := make([]Peer, 0, len(n.peers))
	for _, p := range n.peers {
		all = append(all, n.describe(p))
	}
	return all
}

func (n *Node) describe(p *peer) Peer {
	return Peer{p.id, p.beat.name, p.beat.software, p.beat.fronts, p.beat.state, p.open, p.beat.load, p.queue.bytes, p.inFlight, n.window()}
}

// EventKind is the kind of an Event.
type EventKind uint8

// The kinds of events.
const (
	EventInput     EventKind = iota + 1 // BackHandler.Handle(Input). If it returns ErrFull, deliver Refusal(Input)
	EventOutputs                        // FrontHandler.Deliver(Outputs) of Front
	EventFrontLost                      // FrontHandler.Lost(Rooms) of all fronts
	EventBackLost                       // BackHandler.Lost(Address)
	EventGone                           // BackHandler.Gone(Address)
	EventMoved                          // BackHandler.Moved(Rooms)
)

// Event is a call of a handler that is due. The calls must be made in the order of the
// Events.
type Event struct {
	Kind    EventKind
	Input   layer.Input
	Front   uint64
	Outputs []layer.Output
	Rooms   func(room string) bool
	Address layer.Address
}

// Events returns the calls that are due. The caller owns the result.
func (n *Node) Events() []Event {
	events := n.events
	n.events = nil
	return events
}

func (n *Node) emit(e Event) { n.events = append(n.events, e) }

// Packet is a packet to be published.
type Packet struct {
	To   ID // or Everyone
	Data []byte
}

// Next returns the next packet to be published. Packets must be published in this
// order. The caller owns the data.
func (n *Node) Next(now time.Time) (Packet, bool) {
	n.now = now
	if p, due := n.nextHeartbeat(); due {
		return n.published(p), true
	}
	if n.echoes {
		n.echoes = false
		return n.published(Packet{n.config.ID, appendHeader(nil, &header{from: n.config.ID})}), true
	}
	for n.ready.len() > 0 {
		p := n.ready.pop()
		p.ready = false
		data, ok := n.nextOf(p)
		if !ok {
			continue
		}
		n.wakeIfDue(p)
		return n.published(Packet{p.id, data}), true
	}
	return Packet{}, false
}

func (n *Node) published(p Packet) Packet {
	n.stats.PacketsSent++
	n.stats.BytesSent += uint64(len(p.Data))
	return p
}

// Flushed reports whether Next has returned everything that the ends have sent.
func (n *Node) Flushed() bool {
	return !slices.ContainsFunc(n.peers, func(p *peer) bool { return !p.queue.empty() })
}

// Flush reports whether everything that the ends have sent has arrived, and asks for
// the acknowledgements that are missing. A process calls it repeatedly before it calls
// Close, since what it sends to all others may overtake what it has sent to one.
func (n *Node) Flush(now time.Time) bool {
	n.now = now
	done := true
	for _, p := range n.peers {
		if p.queue.empty() && (!p.open || p.flight.len() == 0) {
			continue
		}
		done = false
		if !n.sends(p) && now.Sub(p.asked) >= flushInterval {
			p.asked = now
			p.asks = true
			n.wake(p)
		}
	}
	return done
}

// window returns how many bytes may be on their way to a peer. A broker holds them for
// the peer, and ends the connection of a subscriber for which it holds too much, so the
// windows of all Nodes that may send to the peer are limited together.
func (n *Node) window() int {
	return max(leastWindow, min(mostWindow, windows/max(len(n.peers), 1)))
}
