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

// Config configures Documents.
type Config struct {
	// Layer connects to the workers of the rooms.
	Layer layer.Layer
}

// Documents is a program's end of a layer. It has the document of each room, and the
// list of rooms. Its methods, and those of each Document, can be called from any
// goroutine.
type Documents struct {
	front   layer.Front
	editors editors

	mu        sync.Mutex
	receivers map[event.ConnID]receiver
	drained   bool // no presence is shown any more

	presences sync.WaitGroup // goroutines of EditAs
	draining  chan struct{}  // closed by Drain
	closed    chan struct{}  // closed by Close
}

// receiver handles what arrives for one ConnID. Its functions must not block.
type receiver struct {
	room    string // "" for a list of rooms
	deliver func(event.Output)
	lost    func()
}

// New attaches Documents to a layer.
func New(cfg Config) (*Documents, error) {
	if cfg.Layer == nil {
		return nil, errors.New("document: Config.Layer is nil")
	}
	ds := &Documents{
		receivers: make(map[event.ConnID]receiver),
		draining:  make(chan struct{}),
		closed:    make(chan struct{}),
	}
	front, err := cfg.Layer.Attach(layer.FrontHandler{Deliver: ds.deliver, Lost: ds.lost})
	if err != nil {
		return nil, fmt.Errorf("document: attach to the layer: %w", err)
	}
	ds.front = front
	return ds, nil
}

// Document returns the document of a room, which need not exist.
func (ds *Documents) Document(room string) *Document { return &Document{ds, room} }

// Drain ends streams of changes with ErrClosed, and waits until the presence of each
// EditAs has left. From then on edits fail; all other methods work until Close.
func (ds *Documents) Drain() {
	ds.mu.Lock()
	if !ds.drained {
		ds.drained = true
		close(ds.draining)
	}
	ds.mu.Unlock()
	ds.presences.Wait()
}

// Close calls Drain and detaches ds from the layer. Calls that wait for a response
// return ErrClosed. A second Close changes nothing.
func (ds *Documents) Close() error {
	ds.Drain()
	ds.editors.close()
	err := ds.front.Close()
	ds.mu.Lock()
	defer ds.mu.Unlock()
	select {
	case <-ds.closed:
	default:
		close(ds.closed)
	}
	return err
}

// register returns a ConnID for which r handles what arrives, until unregister.
func (ds *Documents) register(r receiver) event.ConnID {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for {
		conn := event.ConnID(rand.Uint64())
		if _, taken := ds.receivers[conn]; conn != event.Everyone && !taken {
			ds.receivers[conn] = r
			return conn
		}
	}
}

func (ds *Documents) unregister(conn event.ConnID) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	delete(ds.receivers, conn)
}

// deliver is layer.FrontHandler.Deliver.
func (ds *Documents) deliver(outs []layer.Output) {
	for i := range outs {
		out := outs[i].Output
		if out.To == event.Everyone {
			continue // a broadcast, which connections that show presence don't need
		}
		ds.mu.Lock()
		r, ok := ds.receivers[out.To]
		ds.mu.Unlock()
		switch {
		case ok:
			r.deliver(out)
		case out.Kind != event.OutputMessage || out.Message.Type != protocol.Close:
			// The room has a connection that no longer exists here: its InputLeave was lost, or
			// is on its way. If this one can't be sent either, the next output causes another.
			_ = ds.front.Send(layer.Input{Room: outs[i].Room, Input: event.Input{Kind: event.InputLeave, Conn: out.To}})
		}
	}
}

// lost is layer.FrontHandler.Lost.
func (ds *Documents) lost(affected func(room string) bool) {
	ds.mu.Lock()
	var all []receiver
	for _, r := range ds.receivers {
		all = append(all, r)
	}
	ds.mu.Unlock()
	for _, r := range all {
		if r.room == "" || affected(r.room) {
			r.lost()
		}
	}
}

// begin runs show, which shows the presence of an edit, in a goroutine unless
// Drain has begun, and reports whether it does.
func (ds *Documents) begin(show func()) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if !ds.drained {
		ds.presences.Go(show)
	}
	return !ds.drained
}
