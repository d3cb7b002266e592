package cluster_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/store"
)

// inside is a cluster in the process of the test, over a broker in memory.
type inside struct {
	*testing.T

	broker *membus.Broker
	store  store.Store
	log    *slog.Logger
}

// node is a process of the cluster: a consumer, or a worker.
type node struct {
	layer *buslayer.Layer
	stop  func()
}

func newInside(t *testing.T, s store.Store) *inside {
	t.Helper()
	return &inside{t, membus.New(layertest.Faults{}), s, testkit.Logger(t)}
}

// join connects a process with the others. wrap may change its bus.
func (c *inside) join(name string, wrap func(buslayer.Bus) buslayer.Bus) *node {
	var bus buslayer.Bus = c.broker.Connect()
	if wrap != nil {
		bus = wrap(bus)
	}
	n := &node{layer: buslayer.New(bus, buslayer.Config{Name: name, Logger: c.log})}
	n.stop = sync.OnceFunc(func() {
		if err := n.layer.Close(context.Background()); err != nil {
			c.Errorf("%s: %v", name, err)
		}
	})
	return n
}

// worker starts a process that runs rooms.
func (c *inside) worker(name string, wrap func(buslayer.Bus) buslayer.Bus) *node {
	c.Helper()
	n := c.join(name, wrap)
	w, err := yroom.NewWorker(yroom.Config{Name: name, Layer: n.layer, Store: c.store, Logger: c.log})
	if err != nil {
		c.Fatal(err)
	}
	ctx, drain := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-w.Served()
	leave := n.stop
	n.stop = sync.OnceFunc(func() {
		drain()
		if err := <-ended; err != nil {
			c.Errorf("%s: %v", name, err)
		}
		leave()
	})
	c.Cleanup(n.stop)
	return n
}

// consumer starts a process at an address.
func (c *inside) consumer(name string, at *address, wrap func(buslayer.Bus) buslayer.Bus) *node {
	c.Helper()
	n := c.join(name, wrap)
	s, err := yroom.New(yroom.Config{
		Layer: n.layer, NoWorker: true, Logger: c.log,
		Hooks: consumer.Hooks{Admit: func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
			return consumer.Admission{Room: strings.TrimPrefix(r.HTTP.URL.Path, "/ws/"), Access: event.AccessWrite}, nil
		}},
	})
	if err != nil {
		c.Fatal(err)
	}
	at.handler.Store(s)
	leave := n.stop
	n.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			c.Errorf("%s: %v", name, err)
		}
		leave()
	})
	c.Cleanup(n.stop)
	return n
}

// address is an address whose consumer can be replaced.
type address struct {
	url     string
	handler atomic.Pointer[yroom.Server]
}

func newAddress(t *testing.T) *address {
	t.Helper()
	a := new(address)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.handler.Load().ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	a.url = strings.Replace(web.URL, "http:", "ws:", 1)
	return a
}

// live lets probes live and type until the end of the test. stop ends them before.
func live(t *testing.T, probes ...*probe) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var living sync.WaitGroup
	for _, p := range probes {
		living.Go(func() { p.live(ctx) })
		living.Go(func() { p.typeOn(ctx) })
		p.typing.Store(true)
	}
	stop = func() {
		cancel()
		living.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// wantAnswers waits until each room has answered an edit that was typed after the call.
func wantAnswers(t *testing.T, probes ...*probe) {
	t.Helper()
	now := time.Now()
	for _, p := range probes {
		testkit.Eventually(t, p.room+" answers", func() string {
			if p.answered(now) {
				return ""
			}
			return "it doesn't"
		})
	}
}
