package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit/nats"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/internal/testkit/proxy"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/natslayer"
	"github.com/yroom/yroom/layer/redislayer"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// broker is a server over which the processes of a cluster exchange messages.
type broker interface {
	Addr() string
	URLAt(addr string) string
	Kill(t testing.TB)
	Restart(t testing.TB)
	Pause(t testing.TB)
	Resume(t testing.TB)
}

// engine is a kind of broker, and how a process connects to it.
type engine struct {
	name  string
	start func(t *testing.T) broker
	open  func(c buslayer.Config, url string) (*buslayer.Layer, error)
}

var overRedis = engine{
	"redis",
	func(t *testing.T) broker { return redis.Start(t, redis.Options{}) },
	func(c buslayer.Config, url string) (*buslayer.Layer, error) {
		return redislayer.Open(redislayer.Config{Config: c, URL: url})
	},
}

var overNATS = engine{
	"nats",
	func(t *testing.T) broker { return nats.Start(t, nats.Options{}) },
	func(c buslayer.Config, url string) (*buslayer.Layer, error) {
		return natslayer.Open(natslayer.Config{Config: c, URL: url})
	},
}

// cluster is the processes that serve the clients of a test.
type cluster struct {
	*testing.T

	broker    broker
	observer  *buslayer.Layer // of the test itself, which has neither clients nor rooms
	database  *postgres.Server
	documents store.Store // in the database
	workers   []*process
	consumers []*process
	proxies   map[*process]*proxy.Proxy // between each process and the broker
}

// newCluster starts a cluster. The flags are those of its consumers.
func newCluster(t *testing.T, e engine, workers, consumers int, flags ...string) *cluster {
	t.Helper()
	dir := t.TempDir()
	b := e.start(t)
	observer, err := e.open(buslayer.Config{Name: "test", Logger: slog.New(slog.DiscardHandler)}, b.URLAt(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = observer.Close(context.Background()) }) // it has nothing to send
	c := &cluster{T: t, broker: b, observer: observer, database: postgres.Start(t), proxies: map[*process]*proxy.Proxy{}}
	url := c.database.URL(c.database.Create(t))
	documents, err := pgstore.Open(t.Context(), url, pgstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := documents.Close(); err != nil {
			t.Error(err)
		}
	})
	c.documents = documents
	add := func(name, command string, args ...string) *process {
		via := proxy.Start(t, b.Addr())
		p := newProcess(t, dir, name, command, append(args, "--layer", b.URLAt(via.Addr()))...)
		c.proxies[p] = via
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for i := range workers {
		c.workers = append(c.workers, add(fmt.Sprintf("worker-%d", 1+i), "worker", "--store", url))
	}
	for i := range consumers {
		c.consumers = append(c.consumers, add(fmt.Sprintf("consumer-%d", 1+i), "consumer", flags...))
	}
	return c
}

// addresses returns the addresses of the consumers.
func (c *cluster) addresses() (urls []string) {
	for _, p := range c.consumers {
		urls = append(urls, "ws://"+p.host)
	}
	return urls
}

// roomOf is a room in the list of rooms.
type roomOf struct {
	Name, Worker string
}

// roomsByWorker asks a consumer which worker runs which rooms.
func (c *cluster) roomsByWorker() (map[string][]string, error) {
	by := map[string][]string{}
	for skip := 0; ; {
		var list struct {
			Rooms    []roomOf
			Matching int
		}
		if err := get(fmt.Sprintf("http://%s/rooms.json?skip=%d", c.consumers[0].host, skip), &list); err != nil {
			return nil, err
		}
		for _, r := range list.Rooms {
			by[r.Worker] = append(by[r.Worker], r.Name)
		}
		if skip += len(list.Rooms); len(list.Rooms) == 0 || skip >= list.Matching {
			return by, nil
		}
	}
}

// workerOf returns the worker that runs a room.
func (c *cluster) workerOf(room string) *process {
	c.Helper()
	by, err := c.roomsByWorker()
	if err != nil {
		c.Fatal(err)
	}
	for _, w := range c.workers {
		if slices.Contains(by[w.name], room) {
			return w
		}
	}
	c.Fatalf("no worker runs the room %s: %v", room, by)
	return nil
}

// get reads JSON from an address.
func get(address string, v any) error {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	return errors.Join(json.NewDecoder(response.Body).Decode(v), response.Body.Close())
}
