package djangolayer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/internal/rate"
)

var errConnecting = errors.New("not connected to Redis yet")

// bus sends answers to Django processes over a layer of channels_redis, and receives from
// them. Each host has a queue and a goroutine, which sends what waits in a batch.
type bus struct {
	address

	codec codec
	now   func() time.Time
	hosts []*host
	log   *slog.Logger
	logs  *rate.Limit // of what Redis refuses
	sent  atomic.Uint64
	full  atomic.Uint64

	refused  atomic.Uint64
	repeated atomic.Uint64
}

// post is an answer on its way to a Django process.
type post struct {
	destination string // where it is sent: a key of the core layer, or a channel of Redis
	entry       []byte
	// keep means that the post waits until the destination has capacity for it. Other posts are
	// dropped then.
	keep  bool
	tries int // how often the batch with it has failed
	// done is called once, with whether the post was sent.
	done func(result)
}

const (
	batchPosts       = 128
	batchBytes       = 1 << 20
	queueBytes       = 128 << 20 // what waits for a host
	destinationBytes = 32 << 20  // what waits for a destination
	queuePosts       = 50_000
	fullPause        = 50 * time.Millisecond // until a destination without capacity is tried again
	errorPause       = 200 * time.Millisecond
	refusePause      = 5 * time.Second // until something is sent again where Redis has refused it
	triesMost        = 25              // how often a post is tried while its batch fails
	takenWithin      = 5 * time.Second // a process that lives takes what is sent to it within this time
)

// host is one of the hosts of the layer.
type host struct {
	bus    *bus
	number int

	connecting sync.Mutex // held while a client connects

	mu      sync.Mutex
	client  rueidis.Client // nil: not connected yet
	queue   []post
	bytes   int
	waits   map[string]int   // how many bytes wait for a destination
	paused  map[string]pause // destinations to which nothing is sent now
	closed  bool
	failure error         // the last attempt to receive failed
	sending error         // the last batch could not be sent
	wake    chan struct{} // holds a value if there is something to do
	ended   chan struct{}
	last    float64 // the last score
}

// pause is how long nothing is sent to a destination.
type pause struct {
	until time.Time
	err   error // why Redis has refused what was sent there; nil if there was no capacity
}

func newBus(a address, log *slog.Logger, now func() time.Time) *bus {
	b := &bus{address: a, now: now, log: log, logs: rate.New(1)}
	ttl := a.expiry + graceTTL
	if a.pubsub {
		ttl = 0
	} else {
		b.codec.prefix = randomPrefix
	}
	b.codec.crypter = newCrypter(a.keys, ttl, now)
	for i := range a.hosts {
		h := &host{bus: b, number: i, waits: make(map[string]int), paused: make(map[string]pause), wake: make(chan struct{}, 1), ended: make(chan struct{})}
		b.hosts = append(b.hosts, h)
		go h.send()
	}
	return b
}

// connect returns the client, and connects if that wasn't done.
func (h *host) connect() (rueidis.Client, error) {
	h.connecting.Lock()
	defer h.connecting.Unlock()
	h.mu.Lock()
	c := h.client
	h.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := rueidis.NewClient(h.bus.address.hosts[h.number])
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.client = c
	h.mu.Unlock()
	return c, nil
}

// hostsOf returns the hosts at which messages for a channel of the worker arrive.
func (b *bus) hostsOf(channel string) []*host {
	if b.pubsub {
		return b.hosts[hostOf(channel, len(b.hosts)):][:1]
	}
	return b.hosts
}

// destinationOf returns where a broadcast of a room is sent to reach a connection.
func (b *bus) destinationOf(room, channel string) string {
	if b.pubsub {
		return b.prefix + "__group__" + room
	}
	return nonLocal(channel)
}

// destinationOfOne returns where an answer is sent that is for one connection only.
func (b *bus) destinationOfOne(channel string) string {
	if b.pubsub {
		return channel
	}
	return nonLocal(channel)
}

// encode returns an answer as it is sent to some channels of a destination.
func (b *bus) encode(a answer, to []string) []byte {
	if b.pubsub {
		to = nil
	}
	return b.codec.write(a, to)
}

func (b *bus) hostFor(destination string) *host { return b.hosts[hostOf(destination, len(b.hosts))] }

// post sends a post, and reports whether it will be tried. If not, done isn't called. post
// doesn't block, and never calls done itself.
func (b *bus) post(p post) bool { return b.hostFor(p.destination).add(p) }

// fits reports whether so many bytes more may wait for a destination.
func (b *bus) fits(destination string, bytes int) bool {
	h := b.hostFor(destination)
	h.mu.Lock()
	defer h.mu.Unlock()
	fits := h.fits(destination, bytes)
	if !fits {
		b.full.Add(1)
	}
	return fits
}

// fits reports whether so many bytes more may wait for a destination. Where nothing waits, any number
// may: a large document has to be sent, too.
func (h *host) fits(destination string, bytes int) bool {
	return h.paused[destination].err == nil && len(h.queue) < queuePosts &&
		(h.bytes == 0 || h.bytes+bytes <= queueBytes) && (h.waits[destination] == 0 || h.waits[destination]+bytes <= destinationBytes)
}

// hasRoom reports whether so little waits for a destination that an answer most likely fits.
func (b *bus) hasRoom(destination string) bool {
	h := b.hostFor(destination)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fits(destination, 0) && h.bytes <= queueBytes/2 && h.waits[destination] <= destinationBytes/2
}

// isFull reports whether nothing but what is kept is sent to a destination now.
func (b *bus) isFull(destination string) bool {
	h := b.hostFor(destination)
	h.mu.Lock()
	defer h.mu.Unlock()
	_, full := h.paused[destination]
	return full
}

// ready returns why messages can't be received or sent now, or nil.
func (b *bus) ready() error {
	for _, h := range b.hosts {
		if err := h.ready(); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.paused {
		if p.err != nil {
			return p.err
		}
	}
	return cmp.Or(h.failure, h.sending)
}

// close sends what waits until ctx ends, and closes the connections.
func (b *bus) close(ctx context.Context) {
	for _, h := range b.hosts {
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		h.nudge()
	}
	for _, h := range b.hosts {
		select {
		case <-h.ended:
		case <-ctx.Done():
		}
		h.connecting.Lock() // at most for the time in which a connection has to be made
		h.mu.Lock()
		c := h.client
		h.mu.Unlock()
		h.connecting.Unlock()
		if c != nil {
			c.Close()
		}
	}
}

func (h *host) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *host) add(p post) bool {
	h.mu.Lock()
	_, full := h.paused[p.destination]
	taken := !h.closed && (p.keep || !full) && h.fits(p.destination, len(p.entry))
	if taken {
		h.queue = append(h.queue, p)
		h.bytes += len(p.entry)
		h.waits[p.destination] += len(p.entry)
	}
	h.mu.Unlock()
	if taken {
		h.nudge()
	}
	return taken
}

// send sends what waits, until the host is closed.
func (h *host) send() {
	defer close(h.ended)
	for {
		batch, wait, closed := h.take()
		if len(batch) == 0 {
			if closed {
				return
			}
			var timer <-chan time.Time
			if wait > 0 {
				timer = time.After(wait)
			}
			select {
			case <-h.wake:
			case <-timer:
			}
			continue
		}
		results, err := h.deliver(batch)
		h.finish(batch, results, err)
		if err != nil && !closed {
			time.Sleep(errorPause)
		}
	}
}

// result is what became of a post.
type result struct {
	sent bool
	// processes is how many processes take what is sent there, as far as the layer shows it. The
	// core layer shows whether one does.
	processes int
	err       error // why Redis has refused the post
}

// take removes a batch from the queue. If it is empty, wait is when to look again; 0 is
// when something is added. Once the host is closed, nothing waits for capacity any more.
func (h *host) take() (batch []post, wait time.Duration, closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.bus.now()
	for destination, pause := range h.paused {
		if d := pause.until.Sub(now); d <= 0 || h.closed {
			delete(h.paused, destination)
		} else if wait == 0 || d < wait {
			wait = d
		}
	}
	bytes, kept := 0, h.queue[:0]
	for _, p := range h.queue {
		_, full := h.paused[p.destination]
		if full || len(batch) == batchPosts || bytes >= batchBytes {
			kept = append(kept, p)
			continue
		}
		batch = append(batch, p)
		bytes += len(p.entry)
	}
	clear(h.queue[len(kept):])
	h.queue = kept
	return batch, wait, h.closed
}

// finish handles the results of a batch, or why it could not be sent.
func (h *host) finish(batch []post, results []result, err error) {
	h.mu.Lock()
	if err != nil && h.sending == nil {
		h.bus.log.Warn("messages to Django processes can't be sent, and are tried again", "error", err)
	}
	h.sending = err
	var again []post
	var done []func()
	for i, p := range batch {
		var r result
		if err == nil {
			r = results[i]
		} else if p.tries++; p.tries == triesMost {
			r.err = err
		}
		switch now := h.bus.now(); {
		case r.sent:
			h.bus.sent.Add(1)
		case r.err != nil:
			h.bus.refused.Add(1)
			h.paused[p.destination] = pause{now.Add(refusePause), r.err}
			if h.bus.logs.Take(now) {
				h.bus.log.Error("Redis refuses a message to a Django process: its clients are sent what they lack once Redis takes it", "error", r.err)
			}
		case err == nil:
			h.bus.full.Add(1)
			h.paused[p.destination] = pause{until: now.Add(fullPause)}
		}
		if !r.sent && r.err == nil && p.keep && !h.closed {
			again = append(again, p)
			continue
		}
		h.bytes -= len(p.entry)
		if h.waits[p.destination] -= len(p.entry); h.waits[p.destination] == 0 {
			delete(h.waits, p.destination)
		}
		done = append(done, func() { p.done(r) })
	}
	h.queue = append(again, h.queue...)
	h.mu.Unlock()
	for _, f := range done {
		f()
	}
}

// deliver sends a batch.
func (h *host) deliver(batch []post) ([]result, error) {
	c, err := h.connect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
	defer cancel()
	if h.bus.pubsub {
		return h.publish(ctx, c, batch)
	}
	return h.push(ctx, c, batch)
}

// receive receives from a channel until ctx ends, and lets p handle it.
func (h *host) receive(ctx context.Context, channel string, p *proxy) {
	pause := errorPause
	// It outlives an error, after which the messages that were being handled come again.
	seen := newRecent(4 * popMost)
	for first := true; ctx.Err() == nil; {
		c, err := h.connect()
		if err == nil {
			begun := func(emptied bool) { //nolint:contextcheck // the groups are kept even if the worker ends
				h.setFailure(nil)
				pause = errorPause
				switch {
				case first:
				case emptied:
					p.emptied()
				default:
					p.lost()
				}
				if h.bus.pubsub {
					p.calls.Go(func() { p.find(p.calling) })
				}
				first = false
			}
			if h.bus.pubsub {
				err = h.subscribe(ctx, c, channel, p, begun)
			} else {
				err = h.pop(ctx, c, channel, p, seen, begun)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("the connection was closed by Redis")
		}
		h.setFailure(err)
		p.log.Warn("no messages of Django processes can be taken from Redis, which is tried again", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func (h *host) setFailure(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failure = err
}
