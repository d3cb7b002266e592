// Package yroom is a Yjs collaboration server to put into a Go program: an
// http.Handler that stock y-websocket clients connect to, and the rooms behind it.
//
//	server, err := yroom.New(yroom.Config{})
//	…
//	http.Handle("/ws/{room...}", server)
//
// Programs read, edit, make, delete and follow documents with [Server.Document].
//
// Everything runs in this process: a consumer (package consumer) takes the
// connections, a worker (package worker) runs the rooms, a layer in memory
// joins them, and a store keeps the documents.
package yroom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// What an application needs of the packages below, so that it imports one.
type (
	// Hooks lets an application take part in the life of a connection.
	Hooks = consumer.Hooks
	// Conn is a connection, as hooks see it.
	Conn = consumer.Conn
	// Frame is a message as a client sent it, as hooks see it.
	Frame = consumer.Frame
	// Admission is what Hooks.Admit decided about a request.
	Admission = consumer.Admission
	// StatusError refuses a request before it becomes a connection.
	StatusError = consumer.StatusError
	// ConnID names a connection within its room: Conn.ID.
	ConnID = room.ConnID
	// CloseError ends a connection with a code and a reason that the client
	// sees. As an error it is a pointer: return &CloseError{…}.
	CloseError = protocol.CloseError
	// CloseCode is a WebSocket close code.
	CloseCode = protocol.CloseCode
	// Access is what a connection may do.
	Access = room.Access
)

// Access bits. Reading is always included.
const (
	Read    = room.Read
	Write   = room.Write   // change the document
	Present = room.Present // show awareness to the others
)

// ErrDrop is what Hooks.PreReceive returns to drop a message without a word.
var ErrDrop = consumer.ErrDrop

// Config says how a Server works. The zero value keeps documents in memory and
// lets everybody in whose page comes from the server's own host.
type Config struct {
	// Store keeps the documents of rooms whose Settings name no other; nil: a
	// store in memory, which ends with the process. It is used until Shutdown
	// has returned and is not closed.
	Store store.Store
	// Hooks are called in the life of each connection. Hooks.Admit is where
	// people are asked who they are.
	Hooks Hooks
	// Origins are the hosts of the pages whose scripts may connect, beside the
	// server's own host, as path.Match patterns: "app.example.com",
	// "*.example.com", "localhost:*", or "*" for any page of the world.
	Origins []string
	// Rooms holds settings by prefix of the room's name, which ends before its
	// first dot. What a row leaves open comes from the row "default", and then
	// from the defaults that Settings tells. New reads it and nobody later.
	Rooms map[string]Settings
	// DrainTimeout bounds how long Shutdown waits for the store once the
	// connections are closed, whatever its context says. 0: 10 seconds.
	DrainTimeout time.Duration
	// Logger; nil: slog.Default().
	Logger *slog.Logger
}

// Server runs rooms and connects clients with them. It is an http.Handler for
// the y-websocket protocol. Where Hooks.Admit doesn't name the room, it is the
// pattern's {room} or {room...} or, where the pattern has none, the path
// without its leading slash.
type Server struct {
	consumer *consumer.Consumer
	worker   *worker.Worker
	line     *line
	stores   *stores
	writers  writers
	showing  sync.WaitGroup // of those whom EditAs shows
	stopping chan struct{}  // closed when Shutdown begins
	drain    context.CancelFunc
	drained  chan struct{} // closed when the worker has ended
	err      error         // what it ended with

	mu      sync.Mutex
	stopped bool // showing begins nothing any more
}

// New starts a Server. Shutdown ends it.
func New(cfg Config) (*Server, error) {
	if err := checkRooms(cfg.Rooms); err != nil {
		return nil, fmt.Errorf("yroom: %w", err)
	}
	log := cmp.Or(cfg.Logger, slog.Default())
	if cfg.Store == nil {
		cfg.Store = memstore.New()
	}
	between := memlayer.New()
	asking, err := newLine(between)
	if err != nil {
		return nil, err
	}
	front, err := consumer.New(consumer.Config{
		Layer:    between,
		Hooks:    cfg.Hooks,
		Origins:  cfg.Origins,
		Settings: byPrefix(cfg.Rooms, Settings.consumer),
		Logger:   log,
	})
	if err != nil {
		return nil, errors.Join(err, asking.close())
	}
	kept := storesOf(cfg.Rooms, cfg.Store)
	rooms := worker.New(worker.Config{
		Layer:        between,
		Store:        kept,
		Room:         byPrefix(cfg.Rooms, Settings.worker),
		Logger:       log,
		DrainTimeout: cfg.DrainTimeout,
	})
	ctx, drain := context.WithCancel(context.Background())
	s := &Server{
		consumer: front,
		worker:   rooms,
		line:     asking,
		stores:   kept,
		stopping: make(chan struct{}),
		drain:    drain,
		drained:  make(chan struct{}),
	}
	go func() {
		defer close(s.drained)
		s.err = errors.Join(rooms.Run(ctx), asking.close())
	}()
	<-between.Serving() // or the first to connect would find nobody
	return s, nil
}

// ServeHTTP upgrades the request and serves the connection until it is closed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.consumer.ServeHTTP(w, r)
}

// Shutdown admits nobody any more, ends streams of changes, closes the
// connections with 1012, on which clients come back, and ends the rooms once all
// that they took is stored. When ctx ends, connections that are still open are
// cut off; the rooms have the whole DrainTimeout after that. An error says what
// could not be done in time. A second call waits for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stopping)
	}
	s.mu.Unlock()
	s.showing.Wait()
	err := s.consumer.Shutdown(ctx)
	s.drain()
	<-s.drained
	return errors.Join(err, s.err)
}
