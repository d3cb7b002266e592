package consumer

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/pool"
	"github.com/yroom/yroom/layer"
)

// Config configures a Consumer. Only Layer is required.
type Config struct {
	Layer  layer.Layer
	Hooks  Hooks
	Events Events
	// Origins are the hosts of the pages whose scripts may connect, as path.Match patterns:
	// "app.example.com", "*.example.com", "localhost:*", or "*" for any page. If there are
	// any, the handler's own host must be among them. If there are none, pages of the host
	// that a request names as its Host may connect, and pages of localhost to a loopback
	// address. Name your host if the handler has no login: a page of the web can make its own
	// host name resolve to your server (DNS rebinding), and then its host is the Host of its
	// requests. If the login uses cookies, that page lacks those of your host.
	Origins []string
	// Limits bound the connections.
	Limits Limits
	// Settings returns the settings of a room. nil: the defaults.
	Settings func(room string) Settings
	// Compression says what is compressed for the clients. The default is CompressionOff.
	Compression Compression
	// AnswerMemory bounds the bytes of large answers that are in memory at once: of whole
	// documents and differences that are larger than half of Settings.OutboxSize. An answer
	// that is sent to several connections counts once. Connections wait for their turn. The
	// default is 256 MiB; a single answer may be larger. The compressed form of an answer is
	// in memory in addition, while it is written.
	AnswerMemory int
	// MessageMemory bounds the bytes of messages larger than 64 KiB that are arriving at
	// once. Past it, the connection of a further one is closed with 1013. The default is 256
	// MiB.
	MessageMemory int
	Logger        *slog.Logger // nil: slog.Default()
}

// Settings are those of a room. A zero field stands for its default.
type Settings struct {
	Greeting    event.Greeting // when the first messages are sent to a client
	MessageSize int            // the maximum size of a message from a client; default 16 MiB
	// OutboxSize bounds the bytes that wait for a connection that reads more slowly than
	// others write. The default is 4 MiB. At most one SyncStep1, one message for all
	// connections that is larger than the bound by itself, and one large answer (see
	// Config.AnswerMemory) may wait in addition.
	OutboxSize int
	// User and Address bound what one user, whom Admission.User names, and one address do in
	// these rooms. All rooms count together that have such a bound, each with its own. Addresses
	// count as for Limits.ConnectionsPerAddress.
	User, Address Quota
}

const (
	defaultMessageSize = 16 << 20
	defaultOutboxSize  = 4 << 20
	defaultAnswers     = 256 << 20
)

// Consumer is an http.Handler that connects WebSocket clients with rooms.
type Consumer struct {
	cfg      Config
	log      *slog.Logger
	gate     *gate
	began    time.Time // the origin of clock
	front    layer.Front
	quotas   *quotas
	answers  *answers
	incoming incoming
	counts   counts

	compressors compressors

	pool     *pool.Pool
	writes   *writeQueue
	renewals chan struct{} // holds an element for each renewal that runs
	aborted  chan struct{} // closed when Shutdown stops waiting
	idle     chan struct{} // closed when the last request has ended after Shutdown began
	stop     chan struct{} // closed to end the sweep
	swept    chan struct{} // closed when the sweep has ended
	down     chan struct{} // closed when Shutdown has returned

	mu       sync.Mutex
	stopping bool
	active   int // requests that are being served, and Leaves that are being sent
	sockets  map[*socket]struct{}
	conns    map[event.ConnID]*Conn
	rooms    map[string]*members
}

// New returns a Consumer that is attached to its layer, until Shutdown.
func New(cfg Config) (*Consumer, error) {
	if cfg.Layer == nil {
		return nil, errors.New("consumer: Config.Layer is missing")
	}
	for _, pattern := range cfg.Origins {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("consumer: origin %q: %w", pattern, err)
		}
		if strings.Contains(pattern, "/") { // the pattern could never match
			return nil, fmt.Errorf("consumer: origin %q: want a host such as app.example.com, without https://", pattern)
		}
	}
	c := &Consumer{
		cfg:      cfg,
		log:      cmp.Or(cfg.Logger, slog.Default()),
		gate:     newGate(cfg.Limits),
		began:    time.Now().Add(-1), // so that no reading of the clock is 0
		quotas:   newQuotas(),
		answers:  newAnswers(cmp.Or(max(cfg.AnswerMemory, 0), defaultAnswers)),
		incoming: incoming{limit: int64(cmp.Or(max(cfg.MessageMemory, 0), defaultMessages))},
		pool:     pool.New(),

		compressors: newCompressors(),

		renewals: make(chan struct{}, renewals),
		aborted:  make(chan struct{}),
		idle:     make(chan struct{}),
		stop:     make(chan struct{}),
		swept:    make(chan struct{}),
		down:     make(chan struct{}),
		sockets:  make(map[*socket]struct{}),
		conns:    make(map[event.ConnID]*Conn),
		rooms:    make(map[string]*members),
	}
	c.writes = newWriteQueue(c.pool)
	front, err := cfg.Layer.Attach(layer.FrontHandler{Deliver: c.deliver, Lost: c.lost})
	if err != nil {
		return nil, fmt.Errorf("consumer: attach to the layer: %w", err)
	}
	c.front = front
	go c.sweep()
	return c, nil
}

// ServeHTTP upgrades the request and returns. The connection is served by goroutines of
// the Consumer until it is closed, so that nothing of the request, whose header may be
// large, stays in memory. Shutdown waits for them. Header fields that were set on w
// before, such as cookies, are part of the response.
//
// The http.Server bounds what a request takes before it is admitted: set its
// MaxHeaderBytes, whose default is 1 MB, and its ReadHeaderTimeout.
func (c *Consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.begin() {
		c.refuse(w, r, refuseStopping(w))
		return
	}
	conn, err := c.accept(w, r)
	if err != nil {
		c.done()
		return
	}
	go func() {
		conn.socket.serve(conn.open)
		c.gate.leave(conn.socket.from)
		c.done()
	}()
}

func refuseStopping(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", "1")
	return &StatusError{http.StatusServiceUnavailable, "The server is shutting down. Try again.", RefusalShutdown}
}

// accept admits a request and upgrades it. After an error, it has answered the request.
func (c *Consumer) accept(w http.ResponseWriter, r *http.Request) (conn *Conn, err error) {
	ctx := r.Context()
	err = c.guard(nil, "the admission", func() error {
		conn, err = c.admit(ctx, w, r)
		return err
	})
	if err != nil {
		c.refuse(w, r, err)
		return nil, err
	}
	if err := conn.socket.upgrade(w, r); err != nil {
		c.gate.leave(conn.socket.from)
		return nil, err
	}
	return conn, nil
}

// begin reports whether one more activity may begin. If so, done must be called at its
// end.
func (c *Consumer) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.active++
	return true
}

func (c *Consumer) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	if c.stopping && c.active == 0 {
		close(c.idle)
	}
}

// settings returns the settings of a room, with their defaults.
func (c *Consumer) settings(room string) Settings {
	var set Settings
	if c.cfg.Settings != nil {
		set = c.cfg.Settings(room)
	}
	if set.MessageSize <= 0 {
		set.MessageSize = defaultMessageSize
	}
	if set.OutboxSize <= 0 {
		set.OutboxSize = defaultOutboxSize
	}
	return set
}

// addSocket reports whether s may be served. If so, Shutdown closes it.
func (c *Consumer) addSocket(s *socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.sockets[s] = struct{}{}
	return true
}

func (c *Consumer) removeSocket(s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sockets, s)
}

// all appends the sockets to dst.
func (c *Consumer) all(dst []*socket) []*socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sockets {
		dst = append(dst, s)
	}
	return dst
}

var errPanic = errors.New("consumer: panic")

// guard runs f. It logs a panic and returns errPanic. conn may be nil.
func (c *Consumer) guard(conn *Conn, what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			attrs := []any{"panic", p, "stack", string(debug.Stack())}
			if conn != nil {
				attrs = append(conn.attrs(), attrs...)
			}
			c.log.Error("panic in "+what, attrs...)
			err = errPanic
		}
	}()
	return f()
}

// How long the consumer waits for various events.
const (
	fullPatience  = 5 * time.Second  // for a room that is full
	ownerPatience = 10 * time.Second // for a room that no worker serves
	closeWait     = 5 * time.Second  // for the outbox to be written, and then for the client to answer
	rudeWait      = time.Second      // for a client that broke the rules to read the reason
	abortGrace    = time.Second      // for connections that Shutdown has cut off to end
)
