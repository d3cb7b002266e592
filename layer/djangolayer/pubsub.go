package djangolayer

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"
)

// subscribe receives what is published on a channel, until ctx ends or Redis fails.
func (h *host) subscribe(ctx context.Context, c rueidis.Client, channel string, p *proxy, begun func(emptied bool)) error {
	confirmed := rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			begun(false)
		}
	})
	err := c.Receive(confirmed, c.B().Subscribe().Channel(channel).Build(), func(m rueidis.PubSubMessage) { //nolint:contextcheck // an export that was begun is finished
		p.take(h.bus, []byte(m.Message))
	})
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", channel, err)
	}
	return nil
}

// groups returns the destinations to which processes have subscribed.
func (h *host) groups(ctx context.Context) (destinations []string) {
	c, err := h.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	destinations, _ = c.Do(ctx, c.B().PubsubChannels().Pattern(h.bus.destinationOf("*", "")).Build()).AsStrSlice() // if it fails, the clients are found when they send something
	return destinations
}

// publish sends a batch over the pubsub layer.
func (h *host) publish(ctx context.Context, c rueidis.Client, batch []post) ([]result, error) {
	commands := make([]rueidis.Completed, len(batch))
	for i, p := range batch {
		commands[i] = c.B().Publish().Channel(p.destination).Message(rueidis.BinaryString(p.entry)).Build()
	}
	results := make([]result, len(batch))
	for i, r := range c.DoMulti(ctx, commands...) {
		receivers, err := r.AsInt64()
		if refused, ok := rueidis.IsRedisErr(err); ok {
			results[i].err = fmt.Errorf("publish on %s: Redis refused it: %w", batch[i].destination, refused)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("publish to Django processes: %w", err)
		}
		results[i] = result{sent: true, processes: int(receivers)}
	}
	return results, nil
}
