package consumer

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeWorker is a worker at the back of a memlayer. It records what arrives, and the
// test determines what it delivers.
type fakeWorker struct {
	layer *memlayer.Layer

	backMu sync.Mutex
	back   layer.Back

	mu     sync.Mutex
	epoch  uint64 // of the Marks that output uses
	log    []string
	inputs []layer.Input
	handle func(layer.Input) error // nil: all inputs are accepted
}

// consumerAddress is that of the first front that is attached to a memlayer.
const consumerAddress layer.Address = "1"

func newFakeWorker(t testing.TB) *fakeWorker {
	t.Helper()
	w := &fakeWorker{layer: memlayer.New(), epoch: 1}
	w.serve(t)
	return w
}

// serve attaches the worker to the layer. It can be called again after stop.
func (w *fakeWorker) serve(t testing.TB) {
	t.Helper()
	back, err := w.layer.Serve(layer.BackHandler{
		Handle: w.take,
		Lost:   func(layer.Address) {},
		Gone:   func(layer.Address) { w.note("gone") },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.backMu.Lock()
	defer w.backMu.Unlock()
	w.back = back
}

// stop detaches the worker, which is lost then.
func (w *fakeWorker) stop(t testing.TB) {
	t.Helper()
	w.backMu.Lock()
	back := w.back
	w.backMu.Unlock()
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
}

var kinds = map[event.InputKind]string{event.InputJoin: "join", event.InputMessage: "message", event.InputLeave: "leave", event.InputResync: "resync"}

func (w *fakeWorker) take(in layer.Input) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.handle != nil {
		if err := w.handle(in); err != nil {
			return err
		}
	}
	w.inputs = append(w.inputs, in)
	line := kinds[in.Kind]
	switch {
	case in.Kind == event.InputMessage:
		line += fmt.Sprintf(" %d %x", in.Message.Type, in.Message.Data)
	case in.Kind == event.InputResync:
		line += " " + in.Mark.String()
	case in.Greeting == event.GreetingRejoin:
		line = fmt.Sprintf("rejoin %v %q", in.Mark, in.Vector)
	}
	w.log = append(w.log, line)
	return nil
}

func (w *fakeWorker) note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, line)
}

func (w *fakeWorker) lines() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log, "\n")
}

// conns returns the connections that have joined, in order.
func (w *fakeWorker) conns() (ids []event.ConnID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.inputs {
		if in.Kind == event.InputJoin && in.Greeting != event.GreetingRejoin {
			ids = append(ids, in.Conn)
		}
	}
	return ids
}

// deliver delivers outputs to the consumer.
func (w *fakeWorker) deliver(outs []layer.Output) {
	w.backMu.Lock()
	back := w.back
	w.backMu.Unlock()
	back.Deliver(outs)
}

// output delivers a message to one connection of the room, or to everyone.
func (w *fakeWorker) output(room string, to event.ConnID, seq uint64, m protocol.Message) {
	w.outputVector(room, to, seq, nil, m)
}

func (w *fakeWorker) outputVector(room string, to event.ConnID, seq uint64, vector []byte, m protocol.Message) {
	w.deliver([]layer.Output{{Room: room, To: consumerAddress, Output: event.Output{
		Kind: event.OutputMessage, To: to, Mark: event.Mark{Epoch: w.epoch, Seq: seq}, Vector: vector, Message: m,
	}}})
}

// outputRejoin delivers a Rejoin for a connection.
func (w *fakeWorker) outputRejoin(room string, to event.ConnID) {
	w.deliver([]layer.Output{{Room: room, To: consumerAddress, Output: event.Output{Kind: event.OutputRejoin, To: to}}})
}

// end closes a connection of the room "doc".
func (w *fakeWorker) end(id event.ConnID) {
	w.output("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
}

// pipes is a net.Listener without a network.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// harness is a consumer behind an HTTP server, on pipes.
type harness struct {
	*Consumer

	t       testing.TB
	worker  *fakeWorker
	pipes   *pipes
	logs    *logs
	http    *http.Server
	handler http.Handler // used in place of the Consumer unless nil
	ended   chan struct{}
}

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newHarness(t testing.TB, cfg Config) *harness {
	t.Helper()
	h := &harness{
		t: t, worker: newFakeWorker(t), logs: &logs{}, ended: make(chan struct{}),
		pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})},
	}
	cfg.Layer = h.worker.layer
	cfg.Logger = slog.New(testkit.CheckLog(t, slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	var err error
	if h.Consumer, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	h.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if h.handler != nil {
				h.handler.ServeHTTP(w, r)
				return
			}
			h.ServeHTTP(w, r)
		}),
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelError),
	}
	go func() {
		defer close(h.ended)
		_ = h.http.Serve(h.pipes)
	}()
	return h
}

// shutdown ends the harness, and checks that nothing is left.
func (h *harness) shutdown() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		h.t.Errorf("shutdown: %v", err)
	}
	_ = h.http.Close()
	<-h.ended
}

// withHarness runs f in a bubble with a harness of its own.
func withHarness(t *testing.T, cfg Config, f func(t *testing.T, h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, cfg)
		defer h.shutdown()
		f(t, h)
	})
}

// client is the other end of a connection.
type client struct {
	*wsclient.Client

	t testing.TB
}

func (h *harness) dial(path string) *client { h.t.Helper(); return h.pipes.connect(h.t, path) }

func (p *pipes) connect(t testing.TB, path string) *client {
	t.Helper()
	c, err := wsclient.DialOver(context.Background(), p.dial, "ws://yroom.test"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{c, t}
}

// join dials and waits until the connection has joined.
func (h *harness) join(path string) (*client, event.ConnID) {
	h.t.Helper()
	c := h.dial(path)
	synctest.Wait()
	ids := h.worker.conns()
	if len(ids) == 0 {
		h.t.Fatalf("no connection has joined\n%s", h.logs)
	}
	return c, ids[len(ids)-1]
}

func (c *client) send(op ws.OpCode, payload []byte) {
	c.t.Helper()
	if err := c.Write(wsclient.Frame(op, true, payload)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) read() (ws.OpCode, []byte) {
	c.t.Helper()
	op, payload, err := c.Read()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return op, payload
}

// want reads one binary message.
func (c *client) want(hexed string) {
	c.t.Helper()
	op, payload := c.read()
	if got := hex.EncodeToString(payload); op != ws.OpBinary || got != hexed {
		c.t.Errorf("got opcode %d with %s, want %s", op, got, hexed)
	}
}

// wantClose reads up to the close frame, answers it and expects the end.
func (c *client) wantClose(code protocol.CloseCode, reason string) {
	c.t.Helper()
	for {
		op, payload, err := c.Read()
		if err != nil {
			c.t.Fatalf("no close frame: %v", err)
		}
		if op != ws.OpClose {
			continue
		}
		got, text := ws.ParseCloseFrameData(payload)
		if protocol.CloseCode(got) != code || !strings.Contains(text, reason) {
			c.t.Errorf("closed with %d %q, want %d %q", got, text, code, reason)
		}
		break
	}
	_ = c.Write(wsclient.Frame(ws.OpClose, true, nil)) // the server may have closed the connection already
	if _, _, err := c.Read(); err == nil {
		c.t.Error("something arrived after the close frame")
	}
	_ = c.Close()
}

// close closes the connection with a code, and expects the same code.
func (c *client) close() {
	c.t.Helper()
	c.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
	op, payload := c.read()
	if code, _ := ws.ParseCloseFrameData(payload); op != ws.OpClose || code != ws.StatusNormalClosure {
		c.t.Errorf("the close frame was answered with opcode %d, %x", op, payload)
	}
	if _, _, err := c.Read(); err == nil {
		c.t.Error("something arrived after the close frame")
	}
	_ = c.Close()
	synctest.Wait()
}
