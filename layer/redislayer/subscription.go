package redislayer

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/gate"
)

// subscription receives from some channels over a connection of its own. The zero
// subscription has no channels.
type subscription struct {
	conn      rueidis.DedicatedClient
	channels  []string
	confirmed chan struct{}
	ended     chan error // receives the reason when the subscription ends
	receiving gate.Gate
}

// newSubscription returns a subscription, which open must open.
func newSubscription(client rueidis.Client, receive func([]byte), channels ...string) *subscription {
	s := &subscription{
		channels:  channels,
		confirmed: make(chan struct{}, len(channels)),
		ended:     make(chan error, 1),
	}
	s.conn, _ = client.Dedicate()
	hooks := s.conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			if s.receiving.Enter() {
				defer s.receiving.Leave()
				receive(unsafe.Slice(unsafe.StringData(m.Message), len(m.Message))) //nolint:gosec // it isn't changed
			}
		},
		OnSubscription: func(change rueidis.PubSubSubscription) {
			switch change.Kind {
			case "subscribe", "ssubscribe":
				select {
				case s.confirmed <- struct{}{}:
				default:
				}
			default: // a node of a Cluster unsubscribes its clients when the channel moves to another node
				s.end(errors.New("its channel has moved to another node"))
			}
		},
	})
	go func() { s.end(<-hooks) }()
	return s
}

func (s *subscription) end(err error) {
	if err == nil {
		err = errors.New("the connection was closed")
	}
	select {
	case s.ended <- err:
	default:
	}
}

// open subscribes, and waits until the server has confirmed it.
func (s *subscription) open(sharded bool) error {
	if s.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), buslayer.PublishTime)
	defer cancel()
	var command rueidis.Completed
	if sharded {
		command = s.conn.B().Ssubscribe().Channel(s.channels...).Build()
	} else {
		command = s.conn.B().Subscribe().Channel(s.channels...).Build()
	}
	if err := s.conn.Do(ctx, command).Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for range s.channels {
		select {
		case <-s.confirmed:
		case err := <-s.ended:
			return fmt.Errorf("subscribe: %w", err)
		case <-ctx.Done():
			return errors.New("subscribe: Redis doesn't answer")
		}
	}
	return nil
}

// close ends the subscription. When it returns, nothing is received any more.
func (s *subscription) close() {
	if s.conn != nil {
		s.receiving.Close()
		s.conn.Close()
	}
}
