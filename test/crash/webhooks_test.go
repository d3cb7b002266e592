package crash_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

// After a kill -9 at any moment, everything that a server has stored is told to a webhook, in
// order for each room, although its receiver fails now and then.
func TestKillWebhooks(t *testing.T) {
	killWebhooks(t, "sqlite:yroom.db", nil)
}

// So it is with PostgreSQL, which crashes too.
func TestKillWebhooksPostgres(t *testing.T) {
	database := postgres.Start(t)
	killWebhooks(t, database.URL(database.Create(t)), database)
}

// events is a receiver. It keeps what it has answered with 200.
type events struct {
	t                *testing.T
	answered, failed atomic.Int64
	calm             atomic.Bool // it answers all requests

	mu    sync.Mutex
	rooms map[string][]told
}

// told is an event.
type told struct {
	Type string
	Data struct {
		Room, Content string
		Position      int
	}
}

// ServeHTTP implements http.Handler.
func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed
	}
	var event told
	if err := json.Unmarshal(body, &event); err != nil {
		e.t.Errorf("%s: %v", body, err)
	}
	if !e.calm.Load() {
		switch rand.N(8) {
		case 0:
			e.failed.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case 1:
			e.failed.Add(1)
			<-r.Context().Done() // it hangs
			return
		case 2:
			time.Sleep(rand.N(timeout / 4)) // it is slow
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answered.Add(1)
	e.rooms[event.Data.Room] = append(e.rooms[event.Data.Room], event)
}

// timeout is that of requests. A request of a server that was killed is repeated after three
// times that.
const timeout = 200 * time.Millisecond

func killWebhooks(t *testing.T, store string, crashes *postgres.Server) {
	t.Helper()
	receiver := &events{t: t, rooms: map[string][]told{}}
	program := httptest.NewServer(receiver)
	t.Cleanup(program.Close)
	dir := configure(t, t.TempDir(), fmt.Sprintf("store: %s\nrooms: {default: {autosave_delay: 1ms, remove_delay: 1ms}}\n"+
		"webhooks: {program: {url: '%s', secret_file: secret, content: text, delay: 1ms, timeout: %v, allow: 127.0.0.1}}", store, program.URL, timeout))
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), 0o600); err != nil {
		t.Fatal(err)
	}
	rooms := []*room{newRoom("one"), newRoom("two"), newRoom("three")}
	var clients []*client
	for i := range 6 {
		clients = append(clients, newClient(uint64(1000+i), rooms[i%len(rooms)]))
	}
	var typing atomic.Bool
	typing.Store(true)
	for round := range *rounds {
		s := start(t, dir)
		var living sync.WaitGroup
		for _, c := range clients {
			living.Go(func() { _ = c.live(t.Context(), s.URL, &typing) }) // until the server is killed
		}
		time.Sleep(rand.N(1500 * time.Millisecond))
		if round%4 == 3 && crashes != nil {
			crashes.Crash(t)
		}
		s.Kill()
		living.Wait()
		if round%4 == 3 && crashes != nil {
			crashes.Restart(t)
		}
	}
	typing.Store(false)
	receiver.calm.Store(true)
	s := start(t, dir)
	for _, c := range clients { // which send what they typed while there was no server
		join(t, s, c)
	}
	for _, r := range rooms {
		testkit.Eventually(t, "the receiver is told of everything in room "+r.name, func() string { return receiver.lacks(r, clients) })
		receiver.ordered(r.name)
	}
	t.Logf("%d servers were killed; %d requests were answered and %d have failed", *rounds, receiver.answered.Load(), receiver.failed.Load())
}

// lacks returns what the text that a room was last told with lacks.
func (e *events) lacks(r *room, clients []*client) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.rooms[r.name]
	if len(all) == 0 {
		return "there was no event"
	}
	text, typed := all[len(all)-1].Data.Content, 0
	for _, c := range clients {
		if c.room != r {
			continue
		}
		c.mu.Lock()
		clock := int(c.clock)
		c.mu.Unlock()
		typed += clock
		if own := strings.Repeat(alphabet, 1+clock/len(alphabet))[:clock]; !strings.Contains(text, own) {
			return fmt.Sprintf("the last text has %d characters, and lacks what client %d has typed", len(text), c.id)
		}
	}
	if len(text) != typed {
		return fmt.Sprintf("the last text has %d characters, want %d", len(text), typed)
	}
	return ""
}

// ordered fails the test unless the events of a room are in order: the creation, then changes
// at growing positions. An event may be repeated.
func (e *events) ordered(room string) {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var before told
	for i, event := range e.rooms[room] {
		created := event.Type == "room.created"
		switch {
		case i == 0 && !created, created && before.Type == "room.changed", event.Data.Position < before.Data.Position:
			e.t.Errorf("room %s: event %d, %s at position %d, follows %s at position %d", room, i, event.Type, event.Data.Position, before.Type, before.Data.Position)
		}
		before = event
	}
}
