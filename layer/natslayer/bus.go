package natslayer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/reconnect"
	"github.com/yroom/yroom/layer/link"
)

// flushTime is how long Close waits until the server has the last packets.
const flushTime = 500 * time.Millisecond

var errNotConnected = errors.New("not connected to NATS")

// mostArrived is how many packets may wait for the layer. The client drops all others.
const mostArrived = 1 << 16

// mostLearned is how many servers that are not in the address are remembered. Servers
// come and go, and an attempt to connect tries all that are known.
const mostLearned = 16

// bus is a buslayer.Bus. It has one connection at a time. nats.go could reconnect by
// itself, but it would then publish the packets in its buffer, which are out of date.
type bus struct {
	options  nats.Options
	everyone string   // the subject for all processes
	prefix   string   // of the subjects for one process
	learned  []string // servers that are not in the address, the latest first
	running  sync.WaitGroup
	renew    reconnect.Renewal
	open     context.Context // ends with Close
	end      context.CancelFunc

	mu   sync.Mutex
	conn *nats.Conn // nil: not connected
}

func newBus(o nats.Options, prefix string) *bus {
	b := &bus{options: o, everyone: prefix + ".all", prefix: prefix + ".", renew: reconnect.NewRenewal()}
	b.open, b.end = context.WithCancel(context.Background())
	b.options.CustomDialer = dialer{b.open}
	return b
}

// dialer opens connections until its context ends. The client can't be told to stop
// while it tries one server after another.
type dialer struct{ open context.Context }

// Dial opens a connection.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: buslayer.PublishTime}).DialContext(d.open, network, address)
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
		reconnect.Loop(b.open.Done(), func() error { return b.connect(b.subject(id), s) }, s.Interrupted)
	})
}

// connect connects and subscribes, and returns when the connection is lost, should be
// replaced or isn't needed any more.
func (b *bus) connect(inbox string, s buslayer.Subscriber) error {
	ended := make(chan error, 1)
	end := func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	options := b.options
	options.Servers = slices.Concat(options.Servers, b.learned)
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
	// The client has a goroutine for each subscription, which would change the order of what
	// a process sends to this one and to all. With one channel for both, the order is kept.
	arrived := make(chan *nats.Msg, mostArrived)
	done := make(chan struct{})
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for {
			select {
			case m := <-arrived:
				s.Receive(m.Data)
			case <-done:
				return
			}
		}
	})
	defer func() {
		b.use(nil)
		conn.Close()
		close(done)
		receiving.Wait()
	}()
	for _, subject := range []string{inbox, b.everyone} {
		if _, err := conn.ChanSubscribe(subject, arrived); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := conn.FlushTimeout(buslayer.PublishTime); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	b.learn(conn.DiscoveredServers())
	b.renew.Reset() // this connection satisfies a request made meanwhile
	b.use(conn)
	s.Subscribed()
	select {
	case err := <-ended:
		return fmt.Errorf("the connection has ended: %w", err)
	case <-b.renew:
		return nil
	case <-b.open.Done():
		_ = conn.FlushTimeout(flushTime) // what isn't sent by then is lost
		return nil
	}
}

// learn remembers servers, and forgets those that it has not been told of for longest.
func (b *bus) learn(servers []string) {
	for _, server := range b.learned {
		if !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	b.learned = servers[:min(len(servers), mostLearned)]
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
	b.end()
	b.running.Wait()
	return nil
}
