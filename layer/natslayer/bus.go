package natslayer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/gate"
	"github.com/yroom/yroom/layer/internal/reconnect"
	"github.com/yroom/yroom/layer/link"
)

// flushTime is how long Close waits until the server has the last packets.
const flushTime = 500 * time.Millisecond

var errNotConnected = errors.New("not connected to NATS")

// bus is a buslayer.Bus. It has one connection at a time. nats.go could reconnect by
// itself, but it would then publish the packets in its buffer, which are out of date.
type bus struct {
	options  nats.Options
	everyone string // the subject for all processes
	prefix   string // of the subjects for one process
	running  sync.WaitGroup
	renew    reconnect.Renewal
	closed   chan struct{}

	mu   sync.Mutex
	conn *nats.Conn // nil: not connected
}

func newBus(o nats.Options, prefix string) *bus {
	return &bus{
		options: o, everyone: prefix + ".all", prefix: prefix + ".",
		renew: reconnect.NewRenewal(), closed: make(chan struct{}),
	}
}

func (b *bus) subject(id link.ID) string {
	if id == link.Everyone {
		return b.everyone
	}
	return b.prefix + id.String()
}

// Subscribe implements buslayer.Bus.
func (b *bus) Subscribe(id link.ID, s buslayer.Subscriber) {
	b.running.Go(func() {
		reconnect.Loop(b.closed, func() error { return b.connect(b.subject(id), s) }, s.Interrupted)
	})
}

// connect connects and subscribes, and returns when the connection is lost, should be
// replaced or isn't needed any more.
func (b *bus) connect(inbox string, s buslayer.Subscriber) error {
	b.renew.Reset()
	ended := make(chan error, 1)
	end := func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	options := b.options
	options.ClosedCB = func(conn *nats.Conn) {
		err := conn.LastError()
		if err == nil {
			err = nats.ErrConnectionClosed
		}
		end(err)
	}
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if !errors.Is(err, nats.ErrSlowConsumer) { // the layer notices that packets are missing
			end(err)
		}
	}
	conn, err := options.Connect()
	if err != nil {
		return err
	}
	var receiving gate.Gate
	var one sync.Mutex // the two subscriptions have a goroutine each
	receive := func(m *nats.Msg) {
		if receiving.Enter() {
			defer receiving.Leave()
			one.Lock()
			defer one.Unlock()
			s.Receive(m.Data)
		}
	}
	defer func() {
		b.use(nil)
		conn.Close()
		receiving.Close()
	}()
	for _, subject := range []string{inbox, b.everyone} {
		if _, err := conn.Subscribe(subject, receive); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := conn.FlushTimeout(buslayer.PublishTime); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for _, server := range conn.Servers() { // the server has named others of its cluster
		if !slices.Contains(b.options.Servers, server) {
			b.options.Servers = append(b.options.Servers, server)
		}
	}
	b.use(conn)
	s.Subscribed()
	select {
	case err := <-ended:
		return fmt.Errorf("the connection has ended: %w", err)
	case <-b.renew:
		return nil
	case <-b.closed:
		_ = conn.FlushTimeout(flushTime) // what isn't sent by then is lost
		return nil
	}
}

// use makes Publish use conn.
func (b *bus) use(conn *nats.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conn = conn
}

// Publish implements buslayer.Bus.
func (b *bus) Publish(packets []link.Packet) error {
	b.mu.Lock()
	conn := b.conn
	b.mu.Unlock()
	if conn == nil {
		return errNotConnected
	}
	for _, p := range packets {
		if err := conn.Publish(b.subject(p.To), p.Data); err != nil {
			return err
		}
	}
	return nil
}

// Renew implements buslayer.Bus.
func (b *bus) Renew() { b.renew.Ask() }

// Close implements buslayer.Bus.
func (b *bus) Close() error {
	close(b.closed)
	b.running.Wait()
	return nil
}
