package consumer

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
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

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLayer records what the consumer does and says what the test tells it to.
type fakeLayer struct {
	mu      sync.Mutex
	log     []string
	inputs  []layer.Input
	send    func(layer.Input) error // nil: everything is taken
	join    func(string) error
	deliver func([]layer.Output)
	closed  bool
}

func (l *fakeLayer) Attach(deliver func([]layer.Output)) (layer.Port, error) {
	l.deliver = deliver
	return l, nil
}

func (l *fakeLayer) Serve(context.Context, func(layer.Input) error) error { panic("unused") }
func (l *fakeLayer) Deliver(_ context.Context, outs []layer.Output) error {
	l.deliver(outs)
	return nil
}

var kinds = map[room.Kind]string{room.Join: "join", room.Message: "message", room.Leave: "leave", room.Resync: "resync"}

func (l *fakeLayer) Send(in layer.Input) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.send != nil {
		if err := l.send(in); err != nil {
			return err
		}
	}
	l.inputs = append(l.inputs, in)
	line := "send " + kinds[in.Kind]
	switch in.Kind {
	case room.Message:
		line += fmt.Sprintf(" %d %x", in.Msg.Type, in.Msg.Data)
	case room.Resync:
		line += fmt.Sprintf(" %d", in.Seq)
	}
	l.log = append(l.log, line)
	return nil
}

func (l *fakeLayer) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, line)
}

func (l *fakeLayer) Join(name string) error {
	if l.join != nil {
		if err := l.join(name); err != nil {
			return err
		}
	}
	l.note("port join " + name)
	return nil
}

func (l *fakeLayer) Leave(name string) error { l.note("port leave " + name); return nil }
func (l *fakeLayer) Close() error            { l.closed = true; l.note("port close"); return nil }

func (l *fakeLayer) lines() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.log, "\n")
}

// conns are the connections that joined, in order.
func (l *fakeLayer) conns() (ids []room.ConnID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, in := range l.inputs {
		if in.Kind == room.Join {
			ids = append(ids, in.Conn)
		}
	}
	return ids
}

// tell delivers an output to one connection of the room, or to everyone.
func (l *fakeLayer) tell(name string, to room.ConnID, seq uint64, m protocol.Message) {
	l.deliver([]layer.Output{{Room: name, Output: room.Output{To: to, Seq: seq, Msg: m}}})
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

// house is a consumer behind an HTTP server, on pipes.
type house struct {
	t     testing.TB
	layer *fakeLayer
	*Consumer
	pipes *pipes
	logs  *logs
	http  *http.Server
	ended chan struct{}
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

func newHouse(t testing.TB, cfg Config) *house {
	t.Helper()
	h := &house{
		t: t, layer: &fakeLayer{}, logs: &logs{}, ended: make(chan struct{}),
		pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})},
	}
	if cfg.Layer == nil {
		cfg.Layer = h.layer
	}
	cfg.Logger = slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.Consumer, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	h.http = &http.Server{Handler: h.Consumer, ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelError)}
	go func() {
		defer close(h.ended)
		_ = h.http.Serve(h.pipes)
	}()
	return h
}

// shutdown ends the house, which must leave nothing behind.
func (h *house) shutdown() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		h.t.Errorf("shutdown: %v", err)
	}
	_ = h.http.Close()
	<-h.ended
}

// inHouse runs f in a bubble with a house of its own.
func inHouse(t *testing.T, cfg Config, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, cfg)
		defer h.shutdown()
		f(t, h)
	})
}

// client is the other end of a connection.
type client struct {
	t    testing.TB
	conn net.Conn
	in   io.Reader
}

func (h *house) dial(path string) *client {
	h.t.Helper()
	d := ws.Dialer{NetDial: h.pipes.dial}
	conn, br, _, err := d.Dial(context.Background(), "ws://yroom.test"+path)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &client{t: h.t, conn: conn, in: conn}
	if br != nil {
		c.in = br
	}
	return c
}

// join dials and waits until the room knows.
func (h *house) join(path string) (*client, room.ConnID) {
	h.t.Helper()
	c := h.dial(path)
	synctest.Wait()
	ids := h.layer.conns()
	if len(ids) == 0 {
		h.t.Fatalf("nobody joined\n%s", h.logs)
	}
	return c, ids[len(ids)-1]
}

func (c *client) raw(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func clientFrame(op ws.OpCode, fin bool, payload []byte) []byte {
	f := ws.NewFrame(op, fin, payload)
	return ws.MustCompileFrame(ws.MaskFrameWith(f, [4]byte{1, 2, 3, 4}))
}

func (c *client) send(op ws.OpCode, payload []byte) {
	c.t.Helper()
	c.raw(clientFrame(op, true, payload))
}

func (c *client) read() (ws.OpCode, []byte) {
	c.t.Helper()
	op, payload, err := c.tryRead()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return op, payload
}

func (c *client) tryRead() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return 0, nil, err
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(c.in, payload)
	return h.OpCode, payload, err
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
		op, payload, err := c.tryRead()
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
	_, _ = c.conn.Write(clientFrame(ws.OpClose, true, nil)) // the server may be gone already
	if _, _, err := c.tryRead(); err == nil {
		c.t.Error("something came after the close frame")
	}
	_ = c.conn.Close()
}

// bye closes from the client's side.
func (c *client) bye() {
	c.t.Helper()
	c.send(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))
	op, payload := c.read()
	if code, _ := ws.ParseCloseFrameData(payload); op != ws.OpClose || code != ws.StatusNormalClosure {
		c.t.Errorf("the close frame was answered with opcode %d, %x", op, payload)
	}
	if _, _, err := c.tryRead(); err == nil {
		c.t.Error("something came after the close frame")
	}
	_ = c.conn.Close()
	synctest.Wait()
}
