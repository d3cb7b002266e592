package document_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// config configures running. The zero value keeps documents in memory.
type config struct {
	Store store.Store
	Rooms map[string]worker.Settings // by prefix, or default
}

func (c config) settings(room string) worker.Settings {
	prefix, _, _ := strings.Cut(room, ".")
	if s, ok := c.Rooms[prefix]; ok {
		return s
	}
	return c.Rooms["default"]
}

// running starts a consumer, a worker and a program's Documents, each at its own end of
// one layer, and sharing nothing else. They end with the test.
func running(t *testing.T, cfg config) (*document.Documents, *httptest.Server) {
	t.Helper()
	l := memlayer.New()
	startWorker(t, l, cfg)
	admit := func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
		return consumer.Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent, User: r.Token}, nil
	}
	conns, err := consumer.New(consumer.Config{Layer: l, Logger: testkit.Logger(t), Hooks: consumer.Hooks{Admit: admit}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(conns)
	t.Cleanup(func() {
		if err := conns.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return newDocuments(t, l), web
}

// startWorker starts a worker that ends when stop is called, or with the test.
func startWorker(t *testing.T, l *memlayer.Layer, cfg config) (stop func()) {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = memstore.New()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w := worker.New(worker.Config{Layer: l, Store: cfg.Store, Room: cfg.settings, Logger: testkit.Logger(t)})
	go func() { ended <- w.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(stop)
	return stop
}

func newDocuments(t *testing.T, l *memlayer.Layer) *document.Documents {
	t.Helper()
	c, err := document.New(document.Config{Layer: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// connect connects to the room ws/NAME. After ?token= in name follows the user.
func connect(t *testing.T, web *httptest.Server, name string) *wsclient.Client {
	t.Helper()
	return wsclient.Connect(t, web.URL+"/ws/"+name, nil)
}

// enter connects to an empty room, and returns when the room knows the connection.
func enter(t *testing.T, web *httptest.Server, name string) *wsclient.Client {
	t.Helper()
	c := connect(t, web, name)
	c.MustAwait(t, testkit.SyncStep1(emptyStateVector))
	return c
}

// open returns the names of the rooms in memory.
func open(t *testing.T, c *document.Documents) (names []string) {
	t.Helper()
	list, err := c.Rooms(t.Context(), document.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Rooms {
		if r.State != event.RoomStored {
			names = append(names, r.Name)
		}
	}
	return names
}

var (
	hello                     = testkit.Typed(1, 0, "hello")
	nothing, emptyStateVector = []byte{0, 0}, []byte{0} // the update, and the state vector, of an empty document
)

// typed is testkit.Typed.
func typed(client, clock byte, text string) []byte {
	return testkit.Typed(uint64(client), uint64(clock), text)
}

// merged returns the document that results from updates.
func merged(t *testing.T, updates ...[]byte) []byte {
	t.Helper()
	doc := blocks.New()
	for _, u := range updates {
		if _, err := doc.Apply(u, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	return doc.Encode(blocks.V1)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// clients returns the client ids in the document, with their clocks.
func clients(t *testing.T, d *document.Document) map[uint64]uint64 {
	t.Helper()
	vector := must[[]byte](t)(d.StateVector(t.Context()))
	next := func() uint64 {
		v, n := binary.Uvarint(vector)
		vector = vector[n:]
		return v
	}
	all := make(map[uint64]uint64)
	for n := next(); n > 0; n-- {
		id := next()
		all[id] = next()
	}
	return all
}
