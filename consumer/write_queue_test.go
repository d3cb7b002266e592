package consumer

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// small is a listener for connections with a small buffer for what is written.
type small struct{ net.Listener }

func (l small) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return c, err
}

// onNetwork starts a server for a consumer, and returns what connects a client to the room "doc" over
// TCP.
func onNetwork(t *testing.T) (c *Consumer, w *fakeWorker, dial func() *net.TCPConn) {
	t.Helper()
	w = newFakeWorker(t)
	c, err := New(Config{Layer: w.layer, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(c)
	server.Listener = small{server.Listener}
	server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	joined := 0
	return c, w, func() *net.TCPConn {
		conn, _, _, err := ws.Dial(t.Context(), "ws"+server.URL[len("http"):]+"/doc")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		joined++
		testkit.Eventually(t, "the client joins", func() string {
			if w.joined("doc") < joined {
				return "it has not joined"
			}
			return ""
		})
		return conn.(*net.TCPConn)
	}
}

// numbered returns an update of some bytes with a number in it.
func numbered(number, size int) protocol.Message {
	data := make([]byte, size)
	binary.BigEndian.PutUint32(data, uint32(number))
	return protocol.Message{Type: protocol.Update, Data: data}
}

// wantNumbered reads the updates with the numbers from 1 on, and checks that none is missing,
// repeated or torn.
func wantNumbered(t *testing.T, conn net.Conn, size, last int) {
	t.Helper()
	for number := 1; number <= last; number++ {
		want := updateFrame(numbered(number, size).Data)
		got := make([]byte, len(want.Head)+len(want.Body))
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatalf("update %d: %v", number, err)
		}
		if string(got) != string(want.Head)+string(want.Body) {
			t.Fatalf("in place of update %d there is %.20x", number, got)
		}
	}
}

// A client that doesn't read delays no other one, and receives everything once it reads.
func TestFullSocket(t *testing.T) {
	for name, size := range map[string]int{"small frames": 1000, "large frames": 40 << 10} {
		t.Run(name, func(t *testing.T) {
			c, w, dial := onNetwork(t)
			slow := dial()
			if err := slow.SetReadBuffer(64 << 10); err != nil {
				t.Fatal(err)
			}
			fast := dial()
			updates := 1_500_000 / size // the outbox has room for them
			for number := 1; number <= updates; number++ {
				w.output("doc", event.Everyone, uint64(number), numbered(number, size))
			}
			wantNumbered(t, fast, size, updates)
			testkit.Eventually(t, "the slow client is waited for", func() string {
				for _, s := range c.all(nil) {
					if s.moved.Load() != 0 {
						return ""
					}
				}
				return "no write waits"
			})
			wantNumbered(t, slow, size, updates)
		})
	}
}

// A client that receives one batch after the other doesn't keep others waiting.
func TestWritersTakeTurns(t *testing.T) {
	c, _, dial := onNetwork(t)
	dial()
	dial()
	q := c.writes
	q.mu.Lock()
	q.working += q.most // so that the test itself writes
	q.mu.Unlock()
	sockets := c.all(nil)
	for _, s := range sockets {
		s.addControl(controlPing, pingFrame)
		s.end(cause{CloseError: protocol.CloseError{Code: protocol.CloseRestart}}) // its frame is a batch of its own
	}
	a := attempts.Get().(*attempt)
	var order []*socket
	for s := q.take(); s != nil; s = q.take() {
		order = append(order, s)
		s.tryWriter(a)
	}
	if len(order) != 4 || order[0] == order[1] || order[0] != order[2] {
		t.Errorf("%d batches were written, want two of each socket, by turns", len(order))
	}
	q.mu.Lock()
	q.working -= q.most - 1 // take has subtracted one
	q.mu.Unlock()
}
