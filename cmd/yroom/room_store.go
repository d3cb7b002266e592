package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/yroom/yroom"
)

// largestImport is the largest update that can be added to a store. The limit on messages is for clients.
const largestImport yroom.Bytes = 1 << 30

// withStore calls do with the API of a server that runs in this process, on the
// store at url, for as long as do takes. config names the settings file of the
// store's own server, and rows changes what it says about rooms, if it isn't nil.
func withStore(url, config string, rows func(map[string]yroom.Settings), do func(*apiClient) error) (err error) {
	file, err := readSettings(config)
	if err != nil {
		return err
	}
	if url == inMemory {
		return errors.New("the store memory: ends with its server: use --server, or a store such as sqlite:yroom.db")
	}
	if name, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no file %s: yroom serve creates it", name)
		}
	}
	documents, err := openStores(url, file.Rooms)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, documents.close()) }()
	if rows != nil {
		rows(documents.rooms)
	}
	rooms, err := yroom.New(yroom.Config{
		Store:  documents.rest,
		Rooms:  documents.rooms,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Shutdown(context.Background())) }()

	token, line := rand.Text(), newPipe()
	server := &http.Server{Handler: &api{ //nolint:gosec // its only client is this process
		rooms: rooms,
		token: newToken(token),
		limit: func(string) int64 { return int64(largestImport) },
	}}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(line) }) // until it is closed
	defer serving.Wait()
	defer func() { err = errors.Join(err, server.Close()) }()
	return do(&apiClient{
		base:  "http://store",
		token: token,
		http:  &http.Client{Transport: &http.Transport{DialContext: line.dial}},
	})
}

// forImport makes rooms keep deleted content if no row has a setting for that: the
// store's own server may keep it, and drops it otherwise.
func forImport(rows map[string]yroom.Settings) {
	base := rows[fallback]
	if base.GC == nil {
		base.GC = new(bool)
	}
	rows[fallback] = base
}

// pipe is a listener for connections from within this process.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipe() *pipe {
	closed := make(chan struct{})
	return &pipe{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
}

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.close()
	return nil
}

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
