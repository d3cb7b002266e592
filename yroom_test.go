package yroom_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	hello                     = testkit.Typed(1, 0, "hello")
	nothing, emptyStateVector = []byte{0, 0}, []byte{0} // the update, and the state vector, of an empty document
)

// running starts a server that ends with the test. Its rooms are at /ws/.
func running(t *testing.T, cfg yroom.Config) (*yroom.Server, *httptest.Server) {
	t.Helper()
	cfg.Logger = testkit.Logger(t)
	server, err := yroom.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return server, web
}

func serve(t *testing.T, cfg yroom.Config) *httptest.Server {
	t.Helper()
	_, web := running(t, cfg)
	return web
}

func connect(t *testing.T, web *httptest.Server, room string) *wsclient.Client {
	t.Helper()
	return wsclient.Connect(t, web.URL+"/ws/"+room, nil)
}

func TestSettingsGoByPrefix(t *testing.T) {
	web := serve(t, yroom.Config{Rooms: map[string]yroom.Settings{
		"small": {Limits: yroom.Limits{Message: 10}},
	}})

	other := connect(t, web, "other.1")
	other.MustSend(t, testkit.Update(hello))
	other.MustAwait(t, testkit.Update(hello))

	small := connect(t, web, "small.1")
	small.MustSend(t, testkit.Update(hello))
	if code, _, err := small.AwaitClose(); code != ws.StatusMessageTooBig {
		t.Errorf("a message over the limit closed with %d (%v), want 1009", code, err)
	}
}

func TestStoresGoByPrefix(t *testing.T) {
	rest, board := memstore.New(), memstore.New()
	web := serve(t, yroom.Config{
		Store: rest,
		Rooms: map[string]yroom.Settings{
			"board": {Store: board},
			"other": {AwarenessTimeout: time.Minute},
		},
	})
	for _, test := range []struct {
		room             string
		holds, holdsNone store.Store
	}{
		{"board.1", board, rest},
		{"other.1", rest, board},
		{"boards", rest, board},
	} {
		c := connect(t, web, test.room)
		c.MustSend(t, testkit.Update(hello))
		c.MustAwait(t, testkit.Update(hello))
		if log, err := test.holds.Load(t.Context(), test.room); err != nil || len(log.Entries) != 1 {
			t.Errorf("%s: its store has %d entries (%v), want 1", test.room, len(log.Entries), err)
		}
		if _, err := test.holdsNone.Load(t.Context(), test.room); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: the other store gave the error %v, want ErrNotFound", test.room, err)
		}
	}
}

func TestClientStarts(t *testing.T) {
	c := connect(t, serve(t, yroom.Config{Rooms: map[string]yroom.Settings{
		"default": {ServerStartSync: yroom.SwitchOff},
	}}), "room")
	for range 2 { // the second answer would follow all messages that joining causes
		c.MustSend(t, []byte{3})
		if _, got, err := c.Read(); err != nil || !bytes.Equal(got, []byte{1, 1, 0}) {
			t.Errorf("the answer to QueryAwareness is %x (%v), want 010100", got, err)
		}
	}
	c.MustSend(t, testkit.SyncStep1(emptyStateVector))
	c.MustAwait(t, testkit.SyncStep1(emptyStateVector))
}

func TestAdmissionDecidesRoomAndAccess(t *testing.T) {
	web := serve(t, yroom.Config{Hooks: consumer.Hooks{
		Admit: func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
			a := consumer.Admission{Room: "shared"}
			switch r.HTTP.PathValue("room") {
			case "writer":
				a.Access = event.AccessWrite | event.AccessPresent
			case "stranger":
				return a, &consumer.StatusError{Status: http.StatusUnauthorized, Reason: "Please log in."}
			}
			return a, nil
		},
	}})

	reader := connect(t, web, "reader")
	reader.MustSend(t, testkit.Update(hello))
	reader.MustSend(t, testkit.SyncStep1(emptyStateVector))
	reader.MustAwait(t, testkit.SyncStep2(nothing)) // the edit of a read-only client is ignored

	writer := connect(t, web, "writer")
	writer.MustSend(t, testkit.Update(hello))
	reader.MustAwait(t, testkit.Update(hello))

	_, err := wsclient.Dial(t.Context(), web.URL+"/ws/stranger", nil)
	var status ws.StatusError
	if !errors.As(err, &status) || status != http.StatusUnauthorized {
		t.Errorf("a stranger: %v, want status 401", err)
	}
}

// A mux redirects paths with "//" or "..", but not if these are escaped.
func TestEscapedRoomNamesPassAMux(t *testing.T) {
	rooms := make(chan string, 1)
	web := serve(t, yroom.Config{Hooks: consumer.Hooks{PostConnect: func(c *consumer.Conn) { rooms <- c.Room() }}})
	connect(t, web, "a%2F%2Fb%2F..%2Fc%20d")
	if got, want := <-rooms, "a//b/../c d"; got != want {
		t.Errorf("the room is %q, want %q", got, want)
	}
}

// appending starts a server whose client never answers a close frame, and whose
// append of the client's edit waits at the gate.
func appending(t *testing.T, drain time.Duration) (*yroom.Server, *faulty.Store, *faulty.Gate) {
	t.Helper()
	s, gate := faulty.New(memstore.New()), faulty.NewGate()
	s.Set(gate.Wait, faulty.Append)
	server, err := yroom.New(yroom.Config{
		Store:        s,
		DrainTimeout: drain,
		Logger:       testkit.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	connect(t, web, "room").MustSend(t, testkit.Update(hello))
	<-gate.Reached
	return server, s, gate
}

// A client that uses up the time for closing doesn't shorten the time for storing.
func TestShutdownStoresAfterItsContextHasEnded(t *testing.T) {
	server, s, gate := appending(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error)
	go func() { ended <- server.Shutdown(ctx) }()
	close(gate.Release)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v, want that its context has ended", err)
	}
	if log, err := s.Load(t.Context(), "room"); err != nil || len(log.Entries) != 1 {
		t.Errorf("%d entries are stored (%v), want 1", len(log.Entries), err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown returned %v", err)
	}
}

func TestShutdownWaitsForTheStoreNoLongerThanDrainTimeout(t *testing.T) {
	server, s, _ := appending(t, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := server.Shutdown(ctx); !errors.Is(err, worker.ErrDrainTimeout) {
			t.Errorf("Shutdown returned %v, want that the store took too long", err)
		}
		if s.Running() > 0 {
			t.Fatal("Shutdown has returned during an append")
		}
	}
}

func TestShutdownInTime(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	connect(t, web, "deaf") // the client never answers the close frame
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v, want that its time is over", err)
	}
}

// Workers in other processes can run the rooms. Here they are those of another Server
// on the same layer.
func TestServerWithoutWorker(t *testing.T) {
	l := memlayer.New()
	_, web := running(t, yroom.Config{Layer: l, NoWorker: true})
	rooms, _ := running(t, yroom.Config{Layer: l})
	c := connect(t, web, "room")
	c.MustSend(t, testkit.Update(hello))
	c.MustAwait(t, testkit.Update(hello))
	if text, err := rooms.Document("room").Text(t.Context(), "text"); text != "hello" || err != nil {
		t.Errorf("the text is %q, %v", text, err)
	}
}

// If the layer has a worker already, New returns layer.ErrServed.
func TestServerOfALayerThatIsServed(t *testing.T) {
	l := memlayer.New()
	rooms, _ := running(t, yroom.Config{Layer: l})
	if err := rooms.Document("a").Apply(t.Context(), hello, blocks.V1); err != nil { // its worker serves
		t.Fatal(err)
	}
	if _, err := yroom.New(yroom.Config{Layer: l, Logger: testkit.Logger(t)}); !errors.Is(err, layer.ErrServed) {
		t.Errorf("%v, want ErrServed", err)
	}
}
