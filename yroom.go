// Package yroom is a Yjs collaboration server for Go programs: an http.Handler to which
// stock y-websocket clients connect, with its rooms.
//
//	server, err := yroom.New(yroom.Config{})
//	…
//	http.Handle("/ws/{room...}", server)
//	http.Handle("/hocuspocus", server.Hocuspocus()) // for Hocuspocus providers
//
// A Server has four parts, which this package only connects: a consumer (package
// consumer) holds the connections of clients, a worker (package worker) runs the rooms,
// a layer (package layer) carries messages between them, and a store (package store)
// keeps the documents. Programs read, edit, create, delete and watch documents with
// [Server.Document] (package document); package api provides the same over HTTP.
//
// These parts may also run in several processes, which Config.Layer connects: a Server
// with Config.NoWorker has no worker, and [NewWorker] returns a worker without a
// consumer. A Server with a Layer and without NoWorker is both.
//
// Programs that use yroom import package consumer for hooks, document and event
// for documents and rooms, protocol for close codes, and yjs for the content of
// documents.
package yroom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/worker"
)

// Config configures a Server, or a worker (see NewWorker). The zero value keeps
// documents in memory and admits all clients whose page comes from the server's own host.
type Config struct {
	// Name is the name of the worker, which event.Summary.Worker shows. It may be empty.
	Name string
	// Layer connects the Server with workers, consumers and programs in other processes.
	// It is nil if there are none. It is used until Shutdown has returned and is not
	// closed.
	Layer layer.Layer
	// NoWorker means that workers in other processes on Layer run the rooms and store the
	// documents. Then Store, RoomsPerSecond, Memory, DrainTimeout and the Settings for workers are
	// not used.
	NoWorker bool
	// Store keeps the documents of rooms whose Settings name no other store. If it is nil,
	// they are kept in memory and lost when the process ends. It is used until Shutdown
	// has returned and is not closed.
	Store store.Store
	// Hooks are called for events of each connection. Hooks.Admit authenticates clients.
	Hooks consumer.Hooks
	// Origins are the hosts of the pages whose scripts may connect, as path.Match patterns:
	// "app.example.com", "*.example.com", "localhost:*", or "*" for any page. If there are
	// any, the server's own host must be among them. If there are none, pages of the host that
	// a request names may connect, and pages of localhost to a loopback address. Name your
	// host if the server has no login: see consumer.Config.
	Origins []string
	// Limits bound the connections.
	Limits consumer.Limits
	// RoomsPerSecond bounds how many rooms are opened each second. See worker.Config. 0:
	// 1,000.
	RoomsPerSecond int
	// Rooms holds settings in rows: RowOf says which rooms the row of a key is for. A setting
	// that a row lacks is taken from the row "default", and then from the defaults that
	// Settings documents. New copies it.
	Rooms map[string]Settings
	// Compression says what is compressed for the clients. 0: consumer.CompressionOff.
	Compression consumer.Compression
	// AnswerMemory bounds the bytes of whole documents and other large answers that are in
	// memory at once for clients that have not read them yet. See
	// consumer.Config.AnswerMemory. 0: 256 MiB.
	AnswerMemory Bytes
	// MessageMemory bounds the bytes of messages larger than 64 KiB that are arriving at
	// once, and those of messages that wait for their rooms or for the store. See
	// consumer.Config.MessageMemory and worker.Config.MessageMemory. 0: 256 MiB each.
	MessageMemory Bytes
	// Memory bounds what the rooms of the worker together take in memory, as it estimates
	// that; see worker.Config. Default: half of GOMEMLIMIT, or 4 GiB if there is no such
	// limit. Past it: rooms that are not in memory can't be opened, and large rooms can't
	// grow; their connections are closed with 1013.
	Memory Bytes
	// ConsumerEvents and WorkerEvents are called when something happens to a
	// connection or to a room, for metrics and tracing.
	ConsumerEvents consumer.Events
	WorkerEvents   worker.Events
	// DrainTimeout bounds how long Shutdown waits for the store once the
	// connections are closed, whatever its context says. 0: 10 seconds.
	DrainTimeout time.Duration
	// Logger; nil: slog.Default().
	Logger *slog.Logger
}

// Server runs rooms and connects clients with them. It is an http.Handler for
// the y-websocket protocol. If Hooks.Admit doesn't name the room, the name is the
// pattern's {room} or {room...} or, if the pattern has none, the path without its
// leading slash.
type Server struct {
	consumer  *consumer.Consumer
	documents *document.Documents
	worker    *worker.Worker // nil if there is none
	drain     context.CancelFunc
	drained   chan struct{} // closed when the worker has ended
	err       error         // the error of the worker
}

// New starts a Server. Shutdown ends it.
func New(cfg Config) (*Server, error) {
	if err := checkRooms(cfg.Rooms); err != nil {
		return nil, fmt.Errorf("yroom: %w", err)
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	var takeover time.Duration // on a layer of its own, a worker is the only one
	switch {
	case cfg.Layer != nil:
		takeover = takeoverDelay(cfg)
	case cfg.NoWorker:
		return nil, errors.New("yroom: with Config.NoWorker, Config.Layer has to lead to workers elsewhere")
	default:
		cfg.Layer = memlayer.New()
	}
	documents, err := document.New(document.Config{Layer: cfg.Layer})
	if err != nil {
		return nil, fmt.Errorf("yroom: %w", err)
	}
	conns, err := consumer.New(consumer.Config{
		Layer:    cfg.Layer,
		Hooks:    cfg.Hooks,
		Events:   cfg.ConsumerEvents,
		Origins:  cfg.Origins,
		Limits:   cfg.Limits,
		Settings: byRow(cfg.Rooms, Settings.consumer),

		Compression:  cfg.Compression,
		AnswerMemory: int(cfg.AnswerMemory),

		MessageMemory: int(cfg.MessageMemory),
		Logger:        cfg.Logger,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("yroom: %w", err), documents.Close())
	}
	s := &Server{consumer: conns, documents: documents, drain: func() {}, drained: make(chan struct{})}
	if cfg.NoWorker {
		close(s.drained)
		return s, nil
	}
	rooms := newWorker(cfg, takeover)
	ctx, drain := context.WithCancel(context.Background())
	s.worker, s.drain = rooms, drain
	go func() {
		defer close(s.drained)
		s.err = rooms.Run(ctx)
	}()
	select {
	case <-rooms.Served():
		return s, nil
	case <-s.drained: // the layer doesn't take the worker
		drain()
		return nil, errors.Join(fmt.Errorf("yroom: %w", s.err), conns.Shutdown(context.Background()), documents.Close())
	}
}

// ServeHTTP upgrades the request and returns. The connection is served until it is
// closed. See consumer.Consumer.ServeHTTP.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.consumer.ServeHTTP(w, r)
}

// Hocuspocus returns the handler for Hocuspocus providers, such as those of TipTap editors.
// A client names the rooms itself, so the handler serves one address. See
// consumer.Consumer.Hocuspocus.
func (s *Server) Hocuspocus() http.Handler { return s.consumer.Hocuspocus() }

// Document returns the document of a room, which need not exist.
func (s *Server) Document(room string) *document.Document { return s.documents.Document(room) }

// Documents returns the documents of all rooms. Shutdown closes them.
func (s *Server) Documents() *document.Documents { return s.documents }

// Rooms lists the rooms that are in memory or stored. See document.Documents.Rooms.
func (s *Server) Rooms(ctx context.Context, o document.ListOptions) (document.List, error) {
	return s.documents.Rooms(ctx, o)
}

// Stats returns what the Server does now, and has done so far. rooms is zero if
// Config.NoWorker is set.
func (s *Server) Stats() (conns consumer.Stats, rooms worker.Stats) {
	conns = s.consumer.Stats()
	if s.worker != nil {
		rooms = s.worker.Stats()
	}
	return conns, rooms
}

// Shutdown refuses new connections, ends streams of changes, closes the connections
// with 1012, after which clients reconnect, and ends the rooms once all accepted
// updates are stored. When ctx ends, connections that are still open are cut off; after
// that, the rooms still have the whole DrainTimeout. The error says what could not be
// done in time. A second call waits for the first. Requests that use documents fail from
// then on, so let an http.Server finish them before.
func (s *Server) Shutdown(ctx context.Context) error {
	s.documents.Drain()
	err := s.consumer.Shutdown(ctx)
	s.drain()
	<-s.drained
	return errors.Join(err, s.err, s.documents.Close())
}
