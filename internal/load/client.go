package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// person is what a client does with the messages of the server. All methods are called on
// the goroutine of the client, with data that is valid until they return.
type person interface {
	// stateVector returns what the person has of the document.
	stateVector() []byte
	// lacked returns what the person has and a server with this state vector lacks.
	lacked(stateVector []byte) ([]byte, error)
	// update takes an update, which had arrived at a time.
	update(update []byte, at time.Duration) error
	// presence takes an awareness update.
	presence(update []byte, at time.Duration) error
	// state returns the person's own awareness state as an update, or nil.
	state() []byte
	// synced is called once the person has what the server had when it connected.
	synced()
}

// client is a connection to a room.
type client struct {
	*socket
	person

	target *Target
	number int
	room   string
	began  bool // the client was admitted, and has sent SyncStep1
	done   bool // synced was called

	left atomic.Bool   // the client ends the connection
	gone chan struct{} // closed when the connection is no longer read
}

// connect opens a connection to a room. Its messages are read by read.
func (t *Target) connect(ctx context.Context, number int, room string, p person, clock func() time.Duration) (*client, error) {
	s, err := t.dial(ctx, number, room, clock)
	if err != nil {
		return nil, err
	}
	c := &client{socket: s, person: p, target: t, number: number, room: room, gone: make(chan struct{})}
	if to, ok := p.(partTaker); ok {
		s.large = func(size int64) error { return c.takeLarge(size, to) }
	}
	if t.Dialect == Hocuspocus {
		err = c.authenticate()
	} else {
		err = c.begin()
	}
	if err != nil {
		return nil, errors.Join(err, s.conn.Close())
	}
	return c, nil
}

// close ends the connection without a close frame, as a client does that loses its network.
func (c *client) close() { _ = c.conn.Close() }

// leave ends the connection, and waits until it is no longer read.
func (c *client) leave() {
	c.left.Store(true)
	c.close()
	<-c.gone
}

// send sends a message.
func (c *client) send(kind protocol.Type, data []byte) error {
	m := protocol.Message{Type: kind, Data: data}
	b := c.message()
	if c.target.Dialect == Hocuspocus {
		b = protocol.Hocuspocus{Address: c.room}.AppendHead(b, m)
	} else {
		b = protocol.Plain{}.AppendHead(b, m)
	}
	return c.flush(ws.OpBinary, append(b, data...))
}

// begin asks for the document, and shows the others that the person is there.
func (c *client) begin() error {
	c.began = true
	if err := c.send(protocol.SyncStep1, c.stateVector()); err != nil {
		return err
	}
	if state := c.state(); state != nil {
		return c.send(protocol.Awareness, state)
	}
	return nil
}

// The types of messages on the wire that package protocol doesn't read, because only
// servers send them.
const (
	wireSync      = 0
	wireAwareness = 1
	wireAuth      = 2
	wireQuery     = 3
	wireClose     = 7
	wireStatus    = 8

	wireStep1 = 0
	wireStep2 = 1

	authToken  = 0
	authDenied = 1
)

// providerVersion is the version of Hocuspocus provider that the clients claim to be.
const providerVersion = "4.8.0"

// authenticate sends the token for the document.
func (c *client) authenticate() error {
	b := lib0.AppendString(c.message(), c.room)
	b = lib0.AppendString(append(b, wireAuth, authToken), c.target.Token)
	return c.flush(ws.OpBinary, lib0.AppendString(b, providerVersion))
}

// readAll handles messages until the connection ends, and returns why.
func (c *client) readAll() error {
	for {
		frame, err := c.next()
		if err != nil {
			return err
		}
		if err := c.handle(frame); err != nil {
			return err
		}
	}
}

// handle handles the messages of a frame. Some servers send several in one.
func (c *client) handle(frame []byte) error {
	r := lib0.NewReader(frame)
	hocuspocus := c.target.Dialect == Hocuspocus
	if hocuspocus {
		if len(frame) == 1 && frame[0] == protocol.HocuspocusPing {
			return c.flush(ws.OpBinary, append(c.message(), protocol.HocuspocusPong))
		}
		r.Bytes() // the address, which is that of the only document
	}
	for r.Len() > 0 {
		kind := r.Uint()
		switch {
		case kind == wireSync:
			step, data := r.Uint(), r.Bytes()
			if r.Err() == nil {
				if err := c.handleSync(step, data); err != nil {
					return err
				}
			}
		case kind == wireAwareness:
			data := r.Bytes()
			if r.Err() == nil {
				if err := c.presence(data, c.read); err != nil {
					return err
				}
			}
		case kind == wireQuery:
			if state := c.state(); state != nil {
				if err := c.send(protocol.Awareness, state); err != nil {
					return err
				}
			}
		case hocuspocus:
			return c.handleControl(kind, &r)
		default: // the length of the message isn't known
			return nil
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("the server sends a message that can't be read: %w", err)
	}
	return nil
}

func (c *client) handleSync(step uint64, data []byte) error {
	if step == wireStep1 {
		update, err := c.lacked(data)
		if err != nil {
			return fmt.Errorf("the server sends a state vector that can't be read: %w", err)
		}
		return c.send(protocol.SyncStep2, update)
	}
	if err := c.update(data, c.read); err != nil {
		return err
	}
	if step == wireStep2 {
		c.hasSynced()
	}
	return nil
}

// hasSynced is called with each SyncStep2.
func (c *client) hasSynced() {
	if !c.done {
		c.done = true
		c.synced()
	}
}

// handleControl handles a message that only Hocuspocus servers send.
func (c *client) handleControl(kind uint64, r *lib0.Reader) error {
	switch kind {
	case wireAuth:
		switch r.Uint() {
		case authToken:
			return c.authenticate()
		case authDenied:
			return fmt.Errorf("the server doesn't admit the client to the room: %s", r.Text())
		}
		if !c.began {
			return c.begin()
		}
	case wireClose:
		return fmt.Errorf("the server ends the document: %s", r.Text())
	case wireStatus:
		if r.Uint() == 0 {
			return errors.New("the server has not taken an update, because the client may not write")
		}
	}
	return nil
}
