package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/memhttp"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hookName = "search"

var secret = Secret("0123456789abcdef0123456789abcdef")

// received is a request that a receiver has answered with 200.
type received struct {
	Type      Event     `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Room     string          `json:"room"`
		Position store.Position  `json:"position"`
		Content  json.RawMessage `json:"content"`
		Omitted  string          `json:"omitted"`

		Connection  string `json:"connection"`
		User        string `json:"user"`
		Connections *int   `json:"connections"`
	} `json:"data"`

	id string
}

// receiver is the program that is told of events. It checks every request.
type receiver struct {
	t *testing.T

	mu     sync.Mutex
	answer http.HandlerFunc // in place of 200, if it isn't nil
	inRoom map[string]int   // requests in progress
	most   int              // of them at once
	all    []received
	tried  int
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // the sender has ended
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(q.Header.Get("Webhook-Id") + "." + q.Header.Get("Webhook-Timestamp") + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); q.Header.Get("Webhook-Signature") != want {
		r.t.Errorf("a request has the signature %q, want %q", q.Header.Get("Webhook-Signature"), want)
	}
	got := received{id: q.Header.Get("Webhook-Id")}
	if err := json.Unmarshal(body, &got); err != nil || q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("a request %s %s with the body %q: %v", q.Method, q.Header, body, err)
	}
	time.Sleep(time.Nanosecond) // which passes once the requests that the sender has given up have ended here, too
	r.mu.Lock()
	r.tried++
	r.inRoom[got.Data.Room]++
	if r.inRoom[got.Data.Room] > 1 {
		r.t.Errorf("there are two requests about the room %s at once", got.Data.Room)
	}
	at := 0
	for _, n := range r.inRoom {
		at += n
	}
	r.most = max(r.most, at)
	answer := r.answer
	if answer == nil {
		r.all = append(r.all, got)
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.inRoom[got.Data.Room]--
	}()
	if answer != nil {
		answer(w, q)
	}
}

func (r *receiver) set(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// of returns what arrived about a room, without repetitions.
func (r *receiver) of(room string) (all []received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, got := range r.all {
		if got.Data.Room == room && (len(all) == 0 || all[len(all)-1].id != got.id) {
			all = append(all, got)
		}
	}
	return all
}

// told returns the types of what arrived about a room, without repetitions of Changed.
func told(all []received) (types []Event) {
	for _, got := range all {
		if got.Type != Changed || len(types) == 0 || types[len(types)-1] != Changed {
			types = append(types, got.Type)
		}
	}
	return types
}

// world is a store, a Deliverer and a receiver in simulated time.
type world struct {
	*testing.T

	path     string
	store    *sqlitestore.Store
	reads    Store   // that a Deliverer uses
	stores   []Store // others that it uses
	receiver *receiver
	listener *memhttp.Listener
	hook     Hook
	log      *slog.Logger
	clock    map[string]uint64 // the characters that were typed in each room since it was created
}

// newWorld returns a world whose hook wants the text of documents. The Deliverer doesn't run yet.
func newWorld(t *testing.T) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rooms.db")
	s := open(t, path)
	w := &world{
		T: t, path: path, store: s, reads: s, receiver: &receiver{t: t, inRoom: map[string]int{}}, listener: memhttp.Listen(),
		log:   testkit.Logger(t),
		hook:  Hook{Name: hookName, URL: "http://receiver.test/hook", Secret: secret, Content: ContentText},
		clock: map[string]uint64{},
	}
	server := &http.Server{Handler: w.receiver, ReadHeaderTimeout: time.Hour}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(w.listener) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return w
}

// open opens a store, as each process does that uses the file.
func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Config{
		Shared:     true,
		Durability: func(string) store.Durability { return store.DurabilityCommit },
		Webhooks:   func(string, store.NoticeKind) []string { return []string{hookName} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs a Deliverer until end is called.
func (w *world) run() (d *Deliverer, end func()) {
	w.Helper()
	d, err := New(Config{
		Hooks: []Hook{w.hook}, Stores: append([]Store{w.reads}, w.stores...), Logger: w.log,
		Webhooks: func(_ string, kind store.NoticeKind) []string {
			if w.hook.Wants(kind) {
				return []string{hookName}
			}
			return nil
		},
		StoreOf: func(room string) Store {
			if strings.HasPrefix(room, "in memory") {
				return nil
			}
			return w.reads
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range d.feeds {
		f.client.Transport = &http.Transport{DialContext: w.listener.Dial, MaxConnsPerHost: atOnce}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	end = func() {
		cancel()
		running.Wait()
		for _, f := range d.feeds {
			f.client.CloseIdleConnections()
		}
	}
	w.Cleanup(end)
	return d, end
}

// feed returns the feed of a Deliverer that doesn't run.
func (w *world) feed() *feed {
	w.Helper()
	d, err := New(Config{Hooks: []Hook{w.hook}, Stores: append([]Store{w.reads}, w.stores...), Logger: testkit.Logger(w.T)})
	if err != nil {
		w.Fatal(err)
	}
	return d.feeds[0]
}

// edit types a character in a room, which it creates if need be.
func (w *world) edit(room string) {
	w.Helper()
	clock := w.clock[room]
	w.clock[room]++
	entry := store.Entry{Encoding: store.V1, Data: testkit.Typed(1, clock, string(rune('a'+clock%26)))}
	if clock > 0 {
		if _, err := w.store.Append(w.Context(), room, entry); err != nil {
			w.Fatal(err)
		}
		return
	}
	if _, err := w.store.Create(w.Context(), room, entry); err != nil {
		w.Fatal(err)
	}
}

// delete deletes a room.
func (w *world) delete(room string) {
	w.Helper()
	w.clock[room] = 0
	if err := w.store.Delete(w.Context(), room); err != nil {
		w.Fatal(err)
	}
}

// text returns the text of a room, as JSON.
func (w *world) text(room string) string {
	var text strings.Builder
	for i := range w.clock[room] {
		text.WriteRune(rune('a' + i%26))
	}
	return fmt.Sprintf("%q", &text)
}

// wantTold fails the test unless exactly these events arrived about a room, in this order, and the
// last one has the whole text.
func (w *world) wantTold(room string, want ...Event) {
	w.Helper()
	all := w.receiver.of(room)
	if got := told(all); !slices.Equal(got, want) {
		w.Errorf("room %s: there were the events %v, want %v", room, got, want)
		return
	}
	for i := range all {
		if i > 0 && all[i].Data.Position < all[i-1].Data.Position {
			w.Errorf("room %s: an event at position %d follows one at %d", room, all[i].Data.Position, all[i-1].Data.Position)
		}
	}
	last := all[len(all)-1]
	if last.Type == Changed && string(last.Data.Content) != w.text(room) {
		w.Errorf("room %s: the last event has the text %s, want %s", room, last.Data.Content, w.text(room))
	}
}

// wantNotices fails the test unless the store has this many notices.
func (w *world) wantNotices(waiting, givenUp int) {
	w.Helper()
	c, err := w.store.CountNotices(w.Context(), hookName)
	if err != nil || c.Waiting != waiting || c.GivenUp != givenUp {
		w.Errorf("the store has %+v (%v), want %d notices that wait and %d that were given up", c, err, waiting, givenUp)
	}
}
