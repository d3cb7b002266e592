// Package djangolayer lets a worker take the place of the worker of channels-yroom, which is
// python manage.py yroom, behind Django processes that stay as they are. It speaks to their
// consumers as the channel layers of channels_redis do: core, which stores messages in sorted
// sets of Redis, and pubsub, which publishes them.
//
// Clients are connected to Django, so for the worker the package is the consumer of their
// connections (proxy.go). Programs in the process of the worker can attach to the layer, too.
//
// # Addresses
//
//	django+redis://[user:password@]host[:6379][,host2…][/database]
//	django+redis-sentinel://[user:password@]host[:26379],…/mastername
//
// The schemes django+rediss and django+rediss-sentinel connect with TLS. Several hosts are those
// of CHANNEL_LAYERS, in the same order, and hold the rooms together. The parameters say what
// differs in CHANNEL_LAYERS from the defaults of channels_redis: type (core or pubsub), prefix
// (asgi), capacity (100), expiry (60, in seconds), and keys, a file with
// symmetric_encryption_keys, one in each line.
//
// A user of the ACL needs the permissions ~asgi* &* +@all, since the layer uses scripts.
//
// # How to read the code
//
//   - djangolayer.go, url.go: Config, Open and Layer; its address
//   - proxy.go, proxy_in.go, proxy_out.go: the connections, what their clients send, and what
//     the worker sends to them
//   - tick.go: what is repeated, and connections that end in silence
//   - gather.go: how long messages wait for others
//   - find.go: the connections of the worker before, on the pubsub layer
//   - groups.go: the groups of the core layer in Redis
//   - rpc.go: the exports of YroomDocument
//   - bus.go: how entries are sent; core.go and pubsub.go: over the two layers
//   - codec.go: what is stored in Redis; message.go, msgpack_read.go, msgpack_write.go: the
//     messages; fernet.go: their encryption; name.go: names of rooms and channels
package djangolayer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
)

// Config configures a layer.
type Config struct {
	// URL is the address of Redis: see the package comment.
	URL string
	// TLS is the configuration of TLS for the schemes that use it. With nil, the servers must
	// have certificates that this machine trusts.
	TLS *tls.Config
	// Channels are the channels to which the Django processes send: CHANNEL_NAME in
	// YROOM_SETTINGS. A channel must have only one worker.
	Channels []string
	// Greeting returns the greeting for connections that join a room. nil stands for
	// event.GreetingServer.
	Greeting func(room string) event.Greeting
	// Pace returns worker.Settings.Pace of a room, and is called when its first connection joins.
	// 0, or nil in place of the function, stand for the default, which Pauses returns.
	Pace func(room string) time.Duration
	// Logger logs what Django processes send and can't be used, and outages. nil stands for
	// slog.Default().
	Logger *slog.Logger
}

// Layer is a layer.Layer, made by Open. It takes one worker at a time.
type Layer struct {
	memory    *memlayer.Layer
	documents *document.Documents
	proxy     *proxy
	bus       *bus
	channels  []string
}

var (
	_ layer.Layer                                = (*Layer)(nil)
	_ interface{ Pauses() (int, time.Duration) } = (*Layer)(nil) // see worker.Config
)

// Open returns a layer. The error says what is wrong with the configuration. Open doesn't
// wait for the connection to Redis; Ready reports whether it works.
func Open(c Config) (*Layer, error) { return open(c, time.Now) }

func open(c Config, now func() time.Time) (*Layer, error) {
	a, err := parse(c.URL, c.TLS)
	if err != nil {
		return nil, fmt.Errorf("djangolayer: %w", err)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Greeting == nil {
		c.Greeting = func(string) event.Greeting { return event.GreetingServer }
	}
	if c.Pace == nil {
		c.Pace = func(string) time.Duration { return pace }
	}
	l := &Layer{memory: memlayer.New(), channels: c.Channels}
	if l.documents, err = document.New(document.Config{Layer: l.memory}); err != nil {
		return nil, fmt.Errorf("djangolayer: %w", err)
	}
	l.bus = newBus(a, c.Logger, now)
	l.proxy = newProxy(c, l.bus, l.documents)
	l.proxy.front, err = l.memory.Attach(layer.FrontHandler{Deliver: l.proxy.deliver, Lost: func(func(string) bool) {}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("djangolayer: %w", err), l.documents.Close())
	}
	return l, nil
}

// Attach implements layer.Layer, for a program in this process.
func (l *Layer) Attach(h layer.FrontHandler) (layer.Front, error) { return l.memory.Attach(h) }

// Serve implements layer.Layer. From now on, it takes the messages of the Django processes.
func (l *Layer) Serve(h layer.BackHandler) (layer.Back, error) {
	inner, err := l.memory.Serve(h)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &back{Back: inner, layer: l, cancel: cancel, cut: l.proxy.begin()}
	for _, channel := range l.channels {
		for _, h := range l.bus.hostsOf(channel) {
			h.setFailure(errConnecting)
			b.receiving.Go(func() { h.receive(ctx, channel, l.proxy) })
		}
	}
	b.ticking.Go(func() { l.proxy.tick(ctx) })
	return b, nil
}

// back is a layer.Back, which is also the end of what is received.
type back struct {
	layer.Back

	layer     *Layer
	cancel    context.CancelFunc
	cut       context.CancelFunc // ends the calls of YroomDocument that are running
	receiving sync.WaitGroup
	ticking   sync.WaitGroup
}

// Drain implements layer.Back.
func (b *back) Drain() {
	b.layer.proxy.drain()
	b.cancel()
	b.receiving.Wait()
	b.ticking.Wait()
	defer time.AfterFunc(callsDrain, b.cut).Stop()
	b.layer.proxy.calls.Wait()
	b.Back.Drain()
}

// Close implements layer.Back.
func (b *back) Close() error {
	b.Drain()
	return b.Back.Close()
}

// Ready returns why the Django processes can't be reached now, or nil. The error contains
// no password.
func (l *Layer) Ready() error { return l.bus.ready() }

// Stats returns what the layer does now, and has done so far.
func (l *Layer) Stats() Stats {
	s := l.proxy.stats()
	s.Sent, s.Full, s.Refused = l.bus.sent.Load(), l.bus.full.Load(), l.bus.refused.Load()
	s.Repeated = l.bus.repeated.Load()
	return s
}

// Stats is what a layer does now, and has done so far.
type Stats struct {
	Conns    int    // connections at Django processes
	Behind   int    // Django processes that lack updates of a room, each room counted
	Received uint64 // messages of Django processes
	Skipped  uint64 // those of them that can't be used
	Repeated uint64 // messages that came again, and were dropped
	Sent     uint64 // messages to Django processes
	Full     uint64 // how often a Django process, or what waits for it, had no capacity for a message
	Refused  uint64 // messages to Django processes that Redis has refused
}

// Close sends what still waits to be sent, until ctx ends, and leaves Redis. All fronts and
// backs must have been closed.
func (l *Layer) Close(ctx context.Context) error {
	err := errors.Join(l.documents.Close(), l.proxy.front.Close())
	l.bus.close(ctx)
	return err
}
