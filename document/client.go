package document

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Config configures a Client.
type Config struct {
	// Layer is where the workers of the rooms are.
	Layer layer.Layer
}

// Client is a program's end of a layer. Its methods, and those of its
// Documents, can be called from any goroutine.
type Client struct {
	front   layer.Front
	editors editors

	mu        sync.Mutex
	receivers map[event.ConnID]receiver
	drained   bool // shows no presence any more

	presences sync.WaitGroup // goroutines of EditAs
	draining  chan struct{}  // closed by Drain
	closed    chan struct{}  // closed by Close
}

// receiver handles what arrives for one ConnID. Its functions must not block.
type receiver struct {
	room    string // empty for a list of rooms
	deliver func(event.Output)
	lost    func()
}

// New attaches a Client to a layer.
func New(cfg Config) (*Client, error) {
	if cfg.Layer == nil {
		return nil, errors.New("document: Config.Layer is nil")
	}
	c := &Client{
		receivers: make(map[event.ConnID]receiver),
		draining:  make(chan struct{}),
		closed:    make(chan struct{}),
	}
	front, err := cfg.Layer.Attach(layer.FrontHandler{Deliver: c.deliver, Lost: c.lost})
	if err != nil {
		return nil, fmt.Errorf("document: attach to the layer: %w", err)
	}
	c.front = front
	return c, nil
}

// Document returns the document of a room, which need not exist.
func (c *Client) Document(room string) *Document { return &Document{c, room} }

// Drain ends streams of changes with ErrClosed, and waits until the presence of
// each EditAs has left. Edits fail from then on; everything else works until Close.
func (c *Client) Drain() {
	c.mu.Lock()
	if !c.drained {
		c.drained = true
		close(c.draining)
	}
	c.mu.Unlock()
	c.presences.Wait()
}

// Close drains the Client and detaches it from the layer. What waits for a
// response returns ErrClosed. A second Close changes nothing.
func (c *Client) Close() error {
	c.Drain()
	c.editors.close()
	err := c.front.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return err
}

// register returns a ConnID for which r handles what arrives, until unregister.
func (c *Client) register(r receiver) event.ConnID {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		conn := event.ConnID(rand.Uint64())
		if _, taken := c.receivers[conn]; conn != event.Everyone && !taken {
			c.receivers[conn] = r
			return conn
		}
	}
}

func (c *Client) unregister(conn event.ConnID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.receivers, conn)
}

// deliver is layer.FrontHandler.Deliver.
func (c *Client) deliver(outs []layer.Output) {
	for i := range outs {
		out := outs[i].Output
		if out.To == event.Everyone {
			continue // a broadcast, for the connections that show presence: they don't read
		}
		c.mu.Lock()
		r, ok := c.receivers[out.To]
		c.mu.Unlock()
		switch {
		case ok:
			r.deliver(out)
		case out.Kind != event.OutputMessage || out.Message.Type != protocol.Close:
			// The room still has what is gone here: its InputLeave was lost, or is on
			// its way. If this one can't be sent either, the next output leads to another.
			_ = c.front.Send(layer.Input{Room: outs[i].Room, Input: event.Input{Kind: event.InputLeave, Conn: out.To}})
		}
	}
}

// lost is layer.FrontHandler.Lost.
func (c *Client) lost(affected func(room string) bool) {
	c.mu.Lock()
	var all []receiver
	for _, r := range c.receivers {
		all = append(all, r)
	}
	c.mu.Unlock()
	for _, r := range all {
		if r.room == "" || affected(r.room) {
			r.lost()
		}
	}
}

// begin runs show, which shows the presence of an edit, in a goroutine unless
// Drain has begun, and reports whether it does.
func (c *Client) begin(show func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.drained {
		c.presences.Go(show)
	}
	return !c.drained
}
