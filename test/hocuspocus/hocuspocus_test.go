// Package hocuspocus_test plays with the providers of Hocuspocus from npm, unchanged, and compares
// what yroom sends to them with what the original server sends.
package hocuspocus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// kits are the versions of kits.mjs.
var kits = []string{"provider 2", "provider 3", "provider 4"}

// The same scenarios with the original server and with yroom send the same frames, but for
// the differences that compare.mjs names.
func TestFrames(t *testing.T) {
	requireNode(t)
	original, embedded := startOriginal(t), serve(t, yroom.Settings{})
	raw := start(t, "raw", "provider 4", embedded, original)
	playAll(t, "scenarios", embedded, original)
	t.Run("raw", raw.Report)
}

// yroom doesn't have the faults of the original server.
func TestFaults(t *testing.T) {
	requireNode(t)
	start(t, "faults", "provider 4", serve(t, yroom.Settings{}), startOriginal(t)).Report(t)
}

// The documentation names each fault of the original server that the tests know.
func TestFaultsDocumented(t *testing.T) {
	source, err := os.ReadFile("faults.mjs")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/hocuspocus.md")
	if err != nil {
		t.Fatal(err)
	}
	faults := regexp.MustCompile(`(?m)^  ['"](.+)['"]: \{$`).FindAllSubmatch(source, -1)
	if len(faults) == 0 {
		t.Fatal("faults.mjs has no faults")
	}
	for _, fault := range faults {
		if name := strings.TrimPrefix(string(fault[1]), "a "); !bytes.Contains(page, []byte(name)) {
			t.Errorf("docs/hocuspocus.md doesn't name the fault %q", fault[1])
		}
	}
}

// A provider that has no unsynced changes has none that aren't stored.
func TestDurable(t *testing.T) {
	requireNode(t)
	playAll(t, "durable", serve(t, yroom.Settings{Limits: yroom.Limits{MailboxInputs: 500}}))
}

// Providers of Hocuspocus and clients of y-websocket meet in one room.
func TestMixed(t *testing.T) {
	requireNode(t)
	playAll(t, "mixed", serve(t, yroom.Settings{}))
}

// Providers send and receive V1, whatever the rooms keep and other clients are sent.
func TestV2Rooms(t *testing.T) {
	requireNode(t)
	playAll(t, "scenarios", serve(t, yroom.Settings{UpdateVersion: 2}))
}

func requireNode(t *testing.T) {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs", "ws", "@hocuspocus/server", "hocuspocus-provider-2", "hocuspocus-provider-3", "hocuspocus-provider-4")
}

// playAll plays scenarios with each kind of provider, at the same time because they mostly
// wait.
func playAll(t *testing.T, set string, servers ...address) {
	t.Helper()
	plays := map[string]*testkit.Node{}
	for _, kit := range kits {
		plays[kit] = start(t, set, kit, servers...)
	}
	for kit, p := range plays {
		t.Run(kit, p.Report)
	}
}

// address is how play.mjs reaches a server.
type address struct {
	URL     string            `json:"url"`
	Control string            `json:"control"`
	Plain   string            `json:"plain"`
	Tokens  map[string]string `json:"tokens"`
	Denial  string            `json:"denial"`
}

func start(t *testing.T, set, kit string, servers ...address) *testkit.Node {
	t.Helper()
	args := []string{"play.mjs", set, kit}
	for _, s := range servers {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, string(b))
	}
	n := testkit.StartNode(t, args...)
	n.KillAfter(2 * time.Minute)
	return n
}

// startOriginal starts the original server.
func startOriginal(t *testing.T) address {
	t.Helper()
	n := testkit.StartNode(t, "original.mjs")
	defer n.KillAfter(testkit.Patience)()
	var ports struct{ Port, Control int }
	n.Read(t, &ports)
	return address{URL: fmt.Sprintf("ws://127.0.0.1:%d", ports.Port), Control: fmt.Sprintf("http://127.0.0.1:%d", ports.Control), Denial: denial}
}

// held is a store of which the test holds up rooms.
type held struct {
	store.Store

	mu     sync.Mutex
	gates  map[string]*faulty.Gate
	faults map[string]faulty.Fault // of appends, by room
}

func newHeld() *held {
	h := &held{gates: map[string]*faulty.Gate{}, faults: map[string]faulty.Fault{}}
	documents := faulty.New(memstore.New())
	documents.Set(func(ctx context.Context, room string) error {
		h.mu.Lock()
		fault := h.faults[room]
		h.mu.Unlock()
		if fault == nil {
			return nil
		}
		return fault(ctx, room)
	}, faulty.Append)
	h.Store = documents
	return h
}

// hold lets appends wait for release.
func (h *held) hold(room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gates[room] = faulty.NewGate()
	h.faults[room] = h.gates[room].Wait
}

func (h *held) release(room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.gates[room].Release)
	delete(h.faults, room)
}

// slow lets each append take a while.
func (h *held) slow(room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[room] = faulty.Delay(200 * time.Millisecond)
}

// denial is the reason for which admit and original.mjs refuse a token that they don't know.
const denial = "unknown token"

// admit has the rules of original.mjs.
func admit(_ context.Context, r consumer.Request) (consumer.Admission, error) {
	a := consumer.Admission{Room: r.Room, Access: event.AccessPresent}
	switch r.Token {
	case "writer":
		a.Access |= event.AccessWrite
	case "reader":
	case "":
		return a, &consumer.StatusError{Status: http.StatusUnauthorized, Reason: "no token"}
	default:
		return a, &consumer.StatusError{Status: http.StatusForbidden, Reason: denial}
	}
	return a, nil
}

// losses has the rooms that lose the next Update on its way.
type losses struct{ rooms sync.Map }

func (l *losses) lose(room string) { l.rooms.Store(room, true) }

func (l *losses) receive(c *consumer.Conn, m protocol.Message) error {
	if m.Type == protocol.Update {
		if _, loses := l.rooms.LoadAndDelete(c.Room()); loses {
			return consumer.ErrDrop
		}
	}
	return nil
}

// people are the connections of a server.
type people struct {
	mu    sync.Mutex
	conns map[*consumer.Conn]bool
}

func (p *people) note(c *consumer.Conn, here bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if here {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

// in returns the connections in a room.
func (p *people) in(room string) (conns []*consumer.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if c.Room() == room {
			conns = append(conns, c)
		}
	}
	return conns
}

// stateless does what original.mjs does.
func (p *people) stateless(c *consumer.Conn, payload string) {
	command, text, _ := strings.Cut(payload, ":")
	switch command {
	case "echo":
		c.SendStateless(text)
	case "all":
		for _, c := range p.in(c.Room()) {
			c.SendStateless(text)
		}
	case "token":
		c.RequestToken()
	case "close":
		for _, c := range p.in(c.Room()) {
			c.Close(protocol.CloseForbidden, "Reset Connection")
		}
	}
}

// serve starts a server in this process.
func serve(t *testing.T, rooms yroom.Settings) address {
	t.Helper()
	documents, people, lost := newHeld(), &people{conns: map[*consumer.Conn]bool{}}, new(losses)
	server, err := yroom.New(yroom.Config{
		Store: documents,
		Hooks: consumer.Hooks{
			Admit:         admit,
			PostConnect:   func(c *consumer.Conn) { people.note(c, true) },
			PreDisconnect: func(c *consumer.Conn, _ protocol.CloseError) { people.note(c, false) },
			PreReceive:    lost.receive,
			Stateless:     people.stateless,
		},
		Rooms:  map[string]yroom.Settings{"default": rooms},
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/hocuspocus", server.Hocuspocus())
	mux.Handle("/ws/{room...}", server)
	mux.HandleFunc("/stored", func(w http.ResponseWriter, r *http.Request) {
		doc := blocks.New()
		log, err := documents.Load(r.Context(), r.URL.Query().Get("room"))
		for _, e := range log.Entries {
			if _, err := doc.Apply(e.Data, blocks.Encoding(e.Encoding)); err != nil {
				t.Error(err)
			}
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
		_, _ = w.Write(doc.Encode(blocks.V1)) // the client may be gone
	})
	for path, do := range map[string]func(string){"/hold": documents.hold, "/release": documents.release, "/slow": documents.slow, "/lose": lost.lose} {
		mux.HandleFunc(path, func(_ http.ResponseWriter, r *http.Request) { do(r.URL.Query().Get("room")) })
	}
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
	})
	ws := strings.Replace(web.URL, "http:", "ws:", 1)
	return address{URL: ws + "/hocuspocus", Control: web.URL, Plain: ws + "/ws", Denial: denial}
}
