package djangolayer

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/yjs"
)

// Groups of other consumers are sent nothing.
func TestFind(t *testing.T) {
	url := redis.Start(t, redis.Options{}).URL()
	d := &django{clock: new(clock)}
	d.work(t, "django+"+url+"?type=pubsub")
	hello := yjs.New()
	update, err := hello.Transact(func() error {
		root, err := hello.Text("text")
		if err != nil {
			return err
		}
		return root.Insert(0, "hello", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.layer.documents.Document("room").Apply(t.Context(), update, blocks.V1); err != nil {
		t.Fatal(err)
	}

	subscribed, got := make(chan struct{}, 2), make(chan rueidis.PubSubMessage, 100)
	ctx, cancel := context.WithCancel(rueidis.WithOnSubscriptionHook(t.Context(), func(rueidis.PubSubSubscription) { subscribed <- struct{}{} }))
	ended := make(chan error, 1)
	c := connect(t, url)
	go func() {
		ended <- c.Receive(ctx, c.B().Subscribe().Channel("asgi__group__chat", "asgi__group__room").Build(), func(m rueidis.PubSubMessage) { got <- m })
	}()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	<-subscribed
	<-subscribed
	d.layer.proxy.find(t.Context())
	d.layer.bus.post(post{destination: "asgi__group__chat", entry: []byte("end"), keep: true, done: func(result) {}})
	asked := 0
	for m := range got {
		if m.Message == "end" {
			break
		}
		if m.Channel != "asgi__group__room" {
			t.Errorf("%s is sent %q", m.Channel, m.Message)
		}
		asked++
	}
	if asked == 0 {
		t.Error("the clients of the room are not asked")
	}
}
