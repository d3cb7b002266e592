package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Config says how a Consumer works. Only Layer is needed.
type Config struct {
	Layer layer.Layer
	Hooks Hooks
	// Origins are the hosts of the pages whose scripts may connect, beside the
	// handler's own host, as path.Match patterns: "app.example.com",
	// "*.example.com", "localhost:*", or "*" for any page of the world.
	Origins []string
	// Settings gives the settings of a room; nil: the defaults.
	Settings func(room string) Settings
	Logger   *slog.Logger // nil: slog.Default()
}

// Settings are a room's. A zero field is its default.
type Settings struct {
	Open        room.Opening // what a client is sent first
	MessageSize int          // bytes in a message from a client; 16 MiB
	// OutboxSize bounds the bytes that wait for a connection that doesn't read
	// as fast as the others write; 4 MiB. Beyond it wait at most one SyncStep1,
	// the first answer to a client, what brings a slow client up to date, and
	// one message that is larger than the bound by itself.
	OutboxSize int
}

const (
	defaultMessageSize = 16 << 20
	defaultOutboxSize  = 4 << 20

	fullPatience = 5 * time.Second // how long a full room is waited for
	aliasSlack   = 512             // how much of a frame a small message may keep beside itself
	pacePerConn  = 2 * time.Millisecond
	paceLongest  = 5 * time.Second
	abortGrace   = time.Second
)

// Consumer is an http.Handler that connects WebSocket clients with rooms.
type Consumer struct {
	cfg     Config
	log     *slog.Logger
	port    layer.Port
	aborted chan struct{} // closed when Shutdown waits no longer
	idle    chan struct{} // closed when the last request is done after Shutdown began
	stop    chan struct{} // ends the sweep
	swept   chan struct{} // closed when the sweep has ended
	down    chan struct{} // closed when Shutdown has returned

	mu       sync.Mutex
	stopping bool
	active   int // requests being served
	conns    map[room.ConnID]*Conn
	rooms    map[string]*members
}

// New attaches a Consumer to its layer. Shutdown ends it.
func New(cfg Config) (*Consumer, error) {
	if cfg.Layer == nil {
		return nil, errors.New("consumer: Config.Layer is missing")
	}
	for _, pattern := range cfg.Origins {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("consumer: origin %q: %w", pattern, err)
		}
		if strings.Contains(pattern, "/") { // it could never match
			return nil, fmt.Errorf("consumer: origin %q: want a host such as app.example.com, without https://", pattern)
		}
	}
	c := &Consumer{
		cfg:     cfg,
		log:     cmp.Or(cfg.Logger, slog.Default()),
		aborted: make(chan struct{}),
		idle:    make(chan struct{}),
		stop:    make(chan struct{}),
		swept:   make(chan struct{}),
		down:    make(chan struct{}),
		conns:   make(map[room.ConnID]*Conn),
		rooms:   make(map[string]*members),
	}
	port, err := cfg.Layer.Attach(c.deliver)
	if err != nil {
		return nil, fmt.Errorf("consumer: attach to the layer: %w", err)
	}
	c.port = port
	go c.sweep()
	return c, nil
}

// ServeHTTP upgrades the request and serves the connection until it is closed.
func (c *Consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.begin() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "The server is shutting down. Try again.", http.StatusServiceUnavailable)
		return
	}
	defer c.done()
	conn, err := c.admit(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	err = conn.upgrade(w)
	if err == nil {
		conn.serve()
	} else {
		conn.cause = cause{CloseError: protocol.CloseError{Code: closeBroken, Reason: "no upgrade"}, err: err}
	}
	conn.logEnd()
	if hook := c.cfg.Hooks.PostDisconnect; hook != nil {
		_ = conn.guard("PostDisconnect", func() error { hook(conn, conn.cause.CloseError); return nil })
	}
}

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

// deliver is the layer's callback. It never blocks: it only puts frames into
// outboxes.
func (c *Consumer) deliver(outs []layer.Output) {
	for i := range outs {
		o := &outs[i]
		if id := o.To; id != room.Everyone {
			if conn := c.conn(id); conn != nil && conn.room == o.Room {
				conn.tell(o.Msg, newMessage(o.Msg, o.Seq))
			}
			continue
		}
		if conns := c.everyone(o.Room); len(conns) > 0 {
			f := newMessage(o.Msg, o.Seq)
			f.shared = true
			for _, conn := range conns {
				conn.tell(o.Msg, f)
			}
		}
	}
}

func (c *Consumer) conn(id room.ConnID) *Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conns[id]
}

// Shutdown admits nobody any more, closes the connections with 1012, a few at a
// time so that they don't all come back at the same instant, waits for their
// goroutines and detaches from the layer. When ctx ends first, what is left is
// cut off, and the error is ctx's. A second call waits for the first.
func (c *Consumer) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	again := c.stopping
	c.stopping = true
	if !again && c.active == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	if again {
		select {
		case <-c.down:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("consumer: shutdown: %w", ctx.Err())
		}
	}
	defer close(c.down)

	c.closeAll(ctx)
	var err error
	select {
	case <-c.idle:
	case <-ctx.Done():
		err = fmt.Errorf("consumer: shutdown: %w", ctx.Err())
		close(c.aborted)
		for _, conn := range c.all(nil) {
			conn.kill(cause{CloseError: protocol.CloseError{Code: protocol.CloseRestart, Reason: "the server restarts"}, err: err})
		}
		select {
		case <-c.idle:
		case <-time.After(abortGrace):
		}
	}
	close(c.stop)
	<-c.swept
	if e := c.port.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("consumer: detach: %w", e))
	}
	return err
}

// closeAll closes the connections evenly over a time that grows with their number.
func (c *Consumer) closeAll(ctx context.Context) {
	conns := c.all(nil)
	window := min(time.Duration(len(conns))*pacePerConn, paceLongest)
	if end, ok := ctx.Deadline(); ok {
		window = min(window, max(0, time.Until(end)/2))
	}
	start := time.Now()
	for i, conn := range conns {
		due := window * time.Duration(i) / time.Duration(len(conns))
		if wait := due - time.Since(start); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		conn.end(cause{CloseError: protocol.CloseError{Code: protocol.CloseRestart, Reason: "the server restarts"}})
	}
}

// all appends the connections to dst.
func (c *Consumer) all(dst []*Conn) []*Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		dst = append(dst, conn)
	}
	return dst
}

var errPanic = errors.New("consumer: panic")

// guard runs f and turns a panic into errPanic and a line in the log. conn may be nil.
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
