package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a running worker with a front.
type fixture struct {
	*Worker

	t     *testing.T
	store *faulty.Store
	front layer.Front
	stop  context.CancelFunc
	ended chan error

	mu   sync.Mutex
	log  bytes.Buffer
	outs []string
	lost int // how often Lost was called

	lastProgram event.ConnID
	requests    map[event.ConnID]*request
}

const workerName = "worker-1"

// run calls test with a running worker, in a bubble in which time passes only
// while all goroutines wait.
func run(t *testing.T, settings Settings, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{Name: workerName, Room: func(string) Settings { return settings }})
		synctest.Wait() // it serves
		test(f)
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if len(f.rooms) > 0 {
			t.Errorf("%d rooms are left", len(f.rooms))
		}
		f.front.Close()
	})
}

func start(t *testing.T, c Config) *fixture {
	t.Helper()
	f := &fixture{t: t, store: faulty.New(memstore.New()), ended: make(chan error, 1), requests: make(map[event.ConnID]*request)}
	l := memlayer.New()
	if c.Layer == nil {
		c.Layer = l
	}
	if c.Store != nil {
		f.store.Store = c.Store
	}
	c.Store = f.store
	c.Logger = slog.New(testkit.CheckLog(t, slog.NewTextHandler(f, nil)))
	f.Worker = New(c)
	ctx, stop := context.WithCancel(t.Context())
	f.stop = stop
	var err error
	if f.front, err = l.Attach(layer.FrontHandler{Deliver: f.deliver, Lost: f.noteLost}); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := f.Run(ctx)
		f.ended <- err
		close(f.ended) // further receives return nil
	}()
	return f
}

// begin starts a worker in a bubble. stop ends it.
func begin(t *testing.T, c Config) (stop func()) {
	t.Helper()
	w := New(c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// Write implements io.Writer for the log.
func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

// logged returns what was logged since the last call.
func (f *fixture) logged() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.log.Reset()
	return f.log.String()
}

func (f *fixture) noteLost(func(string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost++
}

func (f *fixture) deliver(outs []layer.Output) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, out := range outs {
		if q := f.requests[out.Output.To]; q != nil {
			q.take(out)
			continue
		}
		f.outs = append(f.outs, line(out))
	}
}

// line describes an output.
func line(out layer.Output) string {
	to := fmt.Sprint(uint64(out.Output.To))
	if out.Output.To == event.Everyone {
		to = "all"
	}
	var what string
	switch out.Kind {
	case event.OutputMessage:
		what = map[protocol.Type]string{
			protocol.SyncStep1: "SyncStep1", protocol.SyncStep2: "SyncStep2", protocol.Update: "Update",
			protocol.Awareness: "Awareness", protocol.Close: "Close", protocol.Ack: "Ack", protocol.Stateless: "Stateless",
		}[out.Message.Type]
		if out.Message.Type == protocol.Close {
			what += fmt.Sprint(" ", out.Message.Code)
		}
	case event.OutputResponse:
		what = "Response"
	case event.OutputRejoin:
		what = "Rejoin"
	case event.OutputAccess:
		what = fmt.Sprint("Access ", out.Access)
	}
	return out.Room + ": " + to + " " + what
}

// want fails the test unless exactly these outputs were delivered since the last call,
// those of one room in this order.
func (f *fixture) want(want ...string) {
	f.t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortStableFunc(f.outs, func(a, b string) int {
		roomA, _, _ := strings.Cut(a, ": ")
		roomB, _, _ := strings.Cut(b, ": ")
		return strings.Compare(roomA, roomB)
	})
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, f.outs...)); diff != "" {
		f.t.Errorf("delivered (- want, + got):\n%s", diff)
	}
	f.outs = nil
}

// closed returns the Close messages among the outputs.
func (f *fixture) closed() (closes []string) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, out := range f.outs {
		if strings.Contains(out, "Close") {
			closes = append(closes, out)
		}
	}
	return closes
}

func (f *fixture) trySend(name string, in event.Input) error {
	return f.front.Send(layer.Input{Room: name, Input: in})
}

func (f *fixture) send(name string, in event.Input) {
	f.t.Helper()
	if err := f.trySend(name, in); err != nil {
		f.t.Fatalf("Send: %v", err)
	}
}

func (f *fixture) join(name string, conns ...event.ConnID) {
	f.t.Helper()
	for _, conn := range conns {
		f.send(name, event.Input{Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite | event.AccessPresent})
	}
}

// rejoin makes connections join again, as if they had nothing.
func (f *fixture) rejoin(name string, conns ...event.ConnID) {
	f.t.Helper()
	for _, conn := range conns {
		f.send(name, event.Input{
			Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite | event.AccessPresent, Greeting: event.GreetingRejoin,
		})
	}
}

func (f *fixture) leave(name string, conn event.ConnID) {
	f.t.Helper()
	f.send(name, event.Input{Kind: event.InputLeave, Conn: conn})
}

func message(conn event.ConnID, typ protocol.Type, data []byte) event.Input {
	return event.Input{Kind: event.InputMessage, Conn: conn, Message: protocol.Message{Type: typ, Data: data}}
}

func (f *fixture) write(name string, conn event.ConnID, update []byte) {
	f.t.Helper()
	f.send(name, message(conn, protocol.Update, update))
}

// pair makes the connections 1 and 2 join.
func (f *fixture) pair(name string) {
	f.t.Helper()
	f.join(name, 1, 2)
	f.want(name+": 1 SyncStep1", name+": 2 SyncStep1")
}

// rest waits until closed rooms are gone.
func (f *fixture) rest() {
	synctest.Wait()
	time.Sleep(closedFor)
	synctest.Wait()
}

// inMemory returns the names of the rooms in memory, in order.
func (f *fixture) inMemory() (names []string) {
	synctest.Wait()
	for _, a := range f.all() {
		names = append(names, a.name)
	}
	return names
}

// calls returns how many times a method of the store was called.
func (f *fixture) calls(op faulty.Op) int {
	synctest.Wait()
	return f.store.Calls(op)
}

// wantStored fails the test unless the store holds exactly these updates of a room.
func (f *fixture) wantStored(name string, updates ...[]byte) {
	f.t.Helper()
	synctest.Wait()
	if got, want := storedDocument(f.t, f.store.Store, name).Encode(blocks.V1), merged(f.t, updates...); !bytes.Equal(got, want) {
		f.t.Errorf("the store holds %q, want %q", got, want)
	}
}

// merged returns the document that results from updates, in V1.
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

func storedDocument(t *testing.T, s store.Store, name string) *blocks.Store {
	t.Helper()
	log, err := s.Load(context.Background(), name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	doc := blocks.New()
	for _, e := range log.Entries {
		if _, err := doc.Apply(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			t.Fatal(err)
		}
	}
	return doc
}

// typed returns the update with which a client types its character number clock.
func typed(client, clock uint64) []byte {
	return testkit.Typed(client, clock, string('a'+rune(clock%26)))
}
