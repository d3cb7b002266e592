package redislayer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/reconnect"
	"github.com/yroom/yroom/layer/link"
)

var errNotConnected = errors.New("not connected to Redis")

// bus is a buslayer.Bus. It has one client at a time, which has a connection to publish
// and others to receive. When one of the latter ends, the client is replaced: what is sent
// meanwhile is lost in any case, and a new client finds out which server is the master.
type bus struct {
	options  rueidis.ClientOption
	everyone string // the channel for all processes
	prefix   string // of the channels for one process
	running  sync.WaitGroup
	renew    reconnect.Renewal
	closed   chan struct{}

	mu     sync.Mutex
	client rueidis.Client // nil: not connected

	commands []rueidis.Completed // of the last batch
}

func newBus(o rueidis.ClientOption, prefix string) *bus {
	return &bus{
		options: o, everyone: prefix + ":all", prefix: prefix + ":",
		renew: reconnect.NewRenewal(), closed: make(chan struct{}),
	}
}

func (b *bus) channel(id link.ID) string {
	if id == link.Everyone {
		return b.everyone
	}
	return b.prefix + id.String()
}

// Subscribe implements buslayer.Bus.
func (b *bus) Subscribe(id link.ID, s buslayer.Subscriber) {
	b.running.Go(func() {
		reconnect.Loop(b.closed, func() error { return b.connect(b.channel(id), s) }, s.Interrupted)
	})
}

// connect connects and subscribes, and returns when the connection is lost, should be
// replaced or isn't needed any more.
func (b *bus) connect(inbox string, s buslayer.Subscriber) error {
	dial := newDialer(b.closed)
	defer dial.close()
	options := b.options
	options.DialCtxFn = dial.dial
	client, err := rueidis.NewClient(options)
	if err != nil {
		return err
	}
	first, second := new(subscription), new(subscription)
	sharded := client.Mode() == rueidis.ClientModeCluster
	if sharded { // each channel may be at another node
		var one sync.Mutex
		receive := func(data []byte) {
			one.Lock()
			defer one.Unlock()
			s.Receive(data)
		}
		first, second = newSubscription(client, receive, inbox), newSubscription(client, receive, b.everyone)
	} else {
		first = newSubscription(client, s.Receive, inbox, b.everyone)
	}
	defer func() {
		b.use(nil)
		dial.close() // before the others, which would wait for a server that doesn't answer
		first.close()
		second.close()
		client.Close()
	}()
	for _, sub := range []*subscription{first, second} {
		if err := sub.open(sharded); err != nil {
			return err
		}
	}
	b.renew.Reset() // this connection satisfies a request made meanwhile
	b.use(client)
	s.Subscribed()
	select {
	case err = <-first.ended:
	case err = <-second.ended:
	case <-b.renew:
		return nil
	case <-b.closed:
		return nil
	}
	return fmt.Errorf("the subscription has ended: %w", err)
}

// use makes Publish use client.
func (b *bus) use(client rueidis.Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.client = client
}

// Publish implements buslayer.Bus.
func (b *bus) Publish(packets []link.Packet) error {
	b.mu.Lock()
	client := b.client
	b.mu.Unlock()
	if client == nil {
		return errNotConnected
	}
	sharded := client.Mode() == rueidis.ClientModeCluster
	for _, p := range packets {
		channel, message := b.channel(p.To), rueidis.BinaryString(p.Data)
		if sharded {
			b.commands = append(b.commands, client.B().Spublish().Channel(channel).Message(message).Build())
		} else {
			b.commands = append(b.commands, client.B().Publish().Channel(channel).Message(message).Build())
		}
	}
	// ClientOption.ConnWriteTimeout bounds how long DoMulti waits.
	results := client.DoMulti(context.Background(), b.commands...)
	clear(b.commands)
	b.commands = b.commands[:0]
	for _, r := range results {
		if err := r.Error(); err != nil {
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
