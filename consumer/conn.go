package consumer

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Conn is one client's connection to one room. Its methods can be called at any
// time.
type Conn struct {
	id      room.ConnID
	room    string
	access  room.Access
	user    any
	request *http.Request

	consumer *Consumer
	open     room.Opening
	sock     socket
	since    time.Time
	pinged   time.Time    // the sweep's
	wrote    atomic.Int64 // when the client's program was last sent something, in Unix nanoseconds
	ending   chan struct{}
	run      func() // c.write, made once so that starting it allocates nothing

	mu      sync.Mutex
	out     outbox
	running bool // the writer is
	ended   bool // nothing more is taken into the outbox
	cause   cause
	writer  sync.WaitGroup
}

var (
	errStopping = errors.New("consumer: shutting down")
	errEnding   = errors.New("consumer: the connection ends")
)

func (c *Consumer) newConn(a Admission, r *http.Request) *Conn {
	var set Settings
	if c.cfg.Settings != nil {
		set = c.cfg.Settings(a.Room)
	}
	if set.MessageSize <= 0 {
		set.MessageSize = defaultMessageSize
	}
	if set.OutboxSize <= 0 {
		set.OutboxSize = defaultOutboxSize
	}
	conn := &Conn{
		room: a.Room, access: a.Access, user: a.User, request: r,
		consumer: c,
		open:     set.Open,
		since:    time.Now(),
		ending:   make(chan struct{}),
	}
	for conn.id == room.Everyone {
		conn.id = room.ConnID(rand.Uint64())
	}
	conn.run = conn.write
	conn.sock.max = set.MessageSize
	conn.out.size = set.OutboxSize
	return conn
}

func (c *Conn) upgrade(w http.ResponseWriter) error {
	if err := upgrade(w, c.request, &c.sock); err != nil {
		return err
	}
	c.pinged = time.Now()
	c.wrote.Store(c.pinged.UnixNano())
	return nil
}

// serve runs the connection from the upgrade to its end.
func (c *Conn) serve() {
	hooks := &c.consumer.cfg.Hooks
	if err := c.consumer.enter(c); err != nil {
		c.linger(c.endFor(err))
		return
	}
	joined := false
	err := c.send(room.Input{Kind: room.Join, Access: c.access, Open: c.open}, fullPatience, c.ending)
	if err == nil {
		joined = true
		c.log().Debug("connected", c.attrs()...)
		if hooks.PostConnect != nil {
			err = c.guard("PostConnect", func() error { hooks.PostConnect(c); return nil })
		}
	}
	if err == nil {
		err = c.guard("the reader", c.receive)
	}
	c.linger(c.endFor(err))

	if joined {
		if hooks.PreDisconnect != nil {
			_ = c.guard("PreDisconnect", func() error { hooks.PreDisconnect(c, c.cause.CloseError); return nil })
		}
		err = c.send(room.Input{Kind: room.Leave}, 0, c.consumer.aborted)
		if err != nil {
			c.log().Warn("the room was not told that a connection left", append(c.attrs(), "error", err)...)
		}
	}
	if err := c.consumer.exit(c); err != nil {
		c.log().Warn("the layer did not leave the room", append(c.attrs(), "error", err)...)
	}
}

// receive reads until the connection ends, and says why.
func (c *Conn) receive() error {
	for {
		op, data, err := c.sock.read()
		if err != nil {
			return &readError{err}
		}
		switch op {
		case ws.OpPing:
			c.add(&frame{kind: kindPong, head: encode(ws.OpPong, data)})
		case ws.OpClose:
			said, err := parseClose(data)
			if err != nil {
				return &readError{err}
			}
			return &peerCloseError{said}
		case ws.OpText, ws.OpBinary:
			if err := c.message(Frame{Text: op == ws.OpText, Data: data}); err != nil {
				return err
			}
		}
	}
}

// message takes one message through the hooks to the room.
func (c *Conn) message(f Frame) error {
	if c.isEnding() {
		return errEnding
	}
	hooks := &c.consumer.cfg.Hooks
	if hooks.PreReceive != nil {
		err := c.guard("PreReceive", func() error { return hooks.PreReceive(c, f) })
		if errors.Is(err, ErrDrop) {
			return nil
		}
		if err != nil {
			return &hookError{err}
		}
	}
	if !f.Text {
		if err := c.pass(f.Data); err != nil {
			return err
		}
	}
	if hooks.PostReceive != nil {
		return c.guard("PostReceive", func() error { hooks.PostReceive(c, f); return nil })
	}
	return nil
}

// pass gives the room what is in a frame, one message at a time: a frame may
// hold millions.
func (c *Conn) pass(frame []byte) error {
	for rest := frame; ; {
		m, next, ok, err := dialect.Next(rest)
		if err != nil {
			return &protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}
		}
		if !ok {
			return nil
		}
		if c.isEnding() {
			return errEnding
		}
		if len(frame) > 2*len(m.Data)+aliasSlack {
			m.Data = bytes.Clone(m.Data) // what waits for the room must not keep all of the frame
		}
		if err := c.send(room.Input{Kind: room.Message, Msg: m}, fullPatience, c.ending); err != nil {
			return err
		}
		rest = next
	}
}

func (c *Conn) isEnding() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

// send gives an input to the room. While the room is full it tries again, with
// growing waits, for as long as patience (0: for ever) and until stop is closed.
func (c *Conn) send(in room.Input, patience time.Duration, stop <-chan struct{}) error {
	in.Conn, in.At = c.id, time.Now()
	started := in.At
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := c.consumer.port.Send(layer.Input{Room: c.room, Input: in})
		if !errors.Is(err, layer.ErrFull) || patience > 0 && time.Since(started) >= patience {
			return err
		}
		select {
		case <-stop:
			return errEnding
		case <-time.After(wait):
		}
	}
}

// hookError is what PreReceive returned.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

// readError means that nothing more can be read: a *protocol.CloseError where
// the client broke the rules, else the line broke.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// peerCloseError is a close frame from the client.
type peerCloseError struct{ protocol.CloseError }

// causeOf says what an error means for the client.
func causeOf(err error) cause {
	because := func(code protocol.CloseCode, reason string) cause {
		return cause{CloseError: protocol.CloseError{Code: code, Reason: reason}, err: err}
	}
	var ce *protocol.CloseError
	var he *hookError
	switch {
	case errors.As(err, &ce):
		return cause{CloseError: *ce}
	case errors.Is(err, errPanic):
		return because(protocol.CloseInternal, "the server made a mistake")
	case errors.As(err, &he):
		return because(protocol.CloseInternal, "the message could not be processed")
	case errors.Is(err, layer.ErrFull):
		return because(protocol.CloseTryLater, "the room has too much to do")
	case errors.Is(err, layer.ErrNoOwner):
		return because(protocol.CloseTryLater, "nobody serves the room at the moment")
	case errors.Is(err, errStopping), errors.Is(err, layer.ErrClosed):
		return because(protocol.CloseRestart, "the server restarts")
	default:
		return because(protocol.CloseTryLater, "the room can't be reached")
	}
}
