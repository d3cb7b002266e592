package yroom_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/wstest"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server that logs into the test and ends with it.
func serve(t *testing.T, cfg yroom.Config) *httptest.Server {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
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
	return web
}

func connect(t *testing.T, web *httptest.Server, room string) *wstest.Client {
	t.Helper()
	c, err := wstest.Dial(t.Context(), "ws://"+web.Listener.Addr().String()+"/ws/"+room, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// enter connects to an empty room, and returns when the room knows it.
func enter(t *testing.T, web *httptest.Server, room string) *wstest.Client {
	t.Helper()
	c := connect(t, web, room)
	await(t, c, syncStep1(emptyStateVector))
	return c
}

func send(t *testing.T, c *wstest.Client, message []byte) {
	t.Helper()
	if err := c.Send(message); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, c *wstest.Client, want []byte) {
	t.Helper()
	if err := c.Await(want); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsGoByPrefix(t *testing.T) {
	web := serve(t, yroom.Config{Rooms: map[string]yroom.Settings{
		"small": {Limits: yroom.Limits{Message: 10}},
	}})

	other := connect(t, web, "other.1")
	send(t, other, update(hello))
	await(t, other, update(hello))

	small := connect(t, web, "small.1")
	send(t, small, update(hello))
	if code, err := small.AwaitClose(); code != ws.StatusMessageTooBig {
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
		send(t, c, update(hello))
		await(t, c, update(hello))
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
		"default": {ServerStartSync: new(false)},
	}}), "room")
	for range 2 { // the second answer would stand behind all that joining leads to
		send(t, c, []byte{3})
		if _, got, err := c.Read(); err != nil || !bytes.Equal(got, []byte{1, 1, 0}) {
			t.Errorf("the answer to QueryAwareness is %x (%v), want 010100", got, err)
		}
	}
	send(t, c, syncStep1(emptyStateVector))
	await(t, c, syncStep1(emptyStateVector))
}

func TestAdmissionDecidesRoomAndAccess(t *testing.T) {
	web := serve(t, yroom.Config{Hooks: yroom.Hooks{
		Admit: func(r *http.Request) (yroom.Admission, error) {
			a := yroom.Admission{Room: "shared"}
			switch r.PathValue("room") {
			case "writer":
				a.Access = yroom.Write | yroom.Present
			case "stranger":
				return a, &yroom.StatusError{Status: http.StatusUnauthorized, Reason: "Who are you?"}
			}
			return a, nil
		},
	}})

	reader := connect(t, web, "reader")
	send(t, reader, update(hello))
	send(t, reader, syncStep1(emptyStateVector))
	await(t, reader, syncStep2(nothing)) // what a reader writes is not taken

	writer := connect(t, web, "writer")
	send(t, writer, update(hello))
	await(t, reader, update(hello))

	_, err := wstest.Dial(t.Context(), "ws://"+web.Listener.Addr().String()+"/ws/stranger", nil)
	var status ws.StatusError
	if !errors.As(err, &status) || status != http.StatusUnauthorized {
		t.Errorf("a stranger: %v, want status 401", err)
	}
}

// A mux redirects what looks like a detour, but not where it is escaped.
func TestEscapedRoomNamesPassAMux(t *testing.T) {
	rooms := make(chan string, 1)
	web := serve(t, yroom.Config{Hooks: yroom.Hooks{PostConnect: func(c *yroom.Conn) { rooms <- c.Room() }}})
	connect(t, web, "a%2F%2Fb%2F..%2Fc%20d")
	if got, want := <-rooms, "a//b/../c d"; got != want {
		t.Errorf("the room is %q, want %q", got, want)
	}
}

// slowStore takes as long to append as it is given.
type slowStore struct {
	store.Store

	begun   chan struct{} // closed when the first append has begun
	release chan struct{}
	ended   atomic.Bool
}

func (s *slowStore) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	defer s.ended.Store(true)
	close(s.begun)
	select {
	case <-s.release:
		return s.Store.Append(ctx, room, e)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// appending starts a server with a deaf client whose first edit is being stored.
func appending(t *testing.T, drain time.Duration) (*yroom.Server, *slowStore) {
	t.Helper()
	slow := &slowStore{Store: memstore.New(), begun: make(chan struct{}), release: make(chan struct{})}
	server, err := yroom.New(yroom.Config{
		Store:        slow,
		DrainTimeout: drain,
		Logger:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	send(t, connect(t, web, "room"), update(hello))
	<-slow.begun
	return server, slow
}

// A client that uses up the time to close does not take the time to store.
func TestShutdownStoresAfterItsContextHasEnded(t *testing.T) {
	server, slow := appending(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error)
	go func() { ended <- server.Shutdown(ctx) }()
	close(slow.release)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown gave %v, want that its context has ended", err)
	}
	if log, err := slow.Load(t.Context(), "room"); err != nil || len(log.Entries) != 1 {
		t.Errorf("%d entries are stored (%v), want 1", len(log.Entries), err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown gave %v", err)
	}
}

func TestShutdownWaitsForTheStoreNoLongerThanDrainTimeout(t *testing.T) {
	server, slow := appending(t, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := server.Shutdown(ctx); !errors.Is(err, worker.ErrDrainTimeout) {
			t.Errorf("Shutdown gave %v, want that the store took too long", err)
		}
		if !slow.ended.Load() {
			t.Fatal("Shutdown has returned during an append")
		}
	}
}

func TestShutdownInTime(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	connect(t, web, "deaf") // it never answers the close frame
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown gave %v, want that its time is over", err)
	}
}
