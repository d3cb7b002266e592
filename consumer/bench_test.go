package consumer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// counted counts the writes to the sockets that it accepts.
type counted struct {
	net.Listener
	writes *atomic.Int64
}

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(b []byte) (int, error) { c.writes.Add(1); return c.Conn.Write(b) }

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, l.writes}, err
}

// crowd connects n clients to one room, over loopback. received counts bytes.
func crowd(t testing.TB, n int) (w *fakeWorker, received, writes *atomic.Int64) {
	w, received, writes = newFakeWorker(t), new(atomic.Int64), new(atomic.Int64)
	c, err := New(Config{Layer: w.layer, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.Handler(c))
	server.Listener = counted{server.Listener, writes}
	server.Start()
	read := make(chan struct{}, n)
	for range n {
		conn, _, _, err := ws.Dial(context.Background(), "ws"+server.URL[len("http"):]+"/doc")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			buf := make([]byte, 4096)
			for {
				got, err := conn.Read(buf)
				received.Add(int64(got))
				if err != nil || buf[0] == 0x88 {
					break
				}
			}
			_, _ = conn.Write(wsclient.Frame(ws.OpClose, true, nil))
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
			read <- struct{}{}
		}()
	}
	testkit.Eventually(t, "all join", func() string {
		if joined := len(w.conns()); joined < n {
			return fmt.Sprintf("%d of %d have joined", joined, n)
		}
		return ""
	})
	t.Cleanup(func() {
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		for range n {
			<-read
		}
		server.Close()
	})
	received.Store(0)
	writes.Store(0)
	return w, received, writes
}

const smallFrame = 2 + 3 + 30

func broadcast(w *fakeWorker, outs []layer.Output, received *atomic.Int64, n int) {
	want := received.Load() + int64(n*smallFrame)
	outs[0].Mark.Seq++
	w.deliver(outs)
	for received.Load() < want {
		time.Sleep(20 * time.Microsecond)
	}
}

func smallUpdate() []layer.Output {
	return []layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
		Kind: event.OutputMessage, Message: protocol.Message{Type: protocol.Update, Data: make([]byte, 30)},
	}}}
}

// One small update to 100 connections, including reading at the other ends.
func BenchmarkBroadcast(b *testing.B) {
	const n = 100
	w, received, writes := crowd(b, n)
	outs := smallUpdate()
	broadcast(w, outs, received, n)
	writes.Store(0)
	b.ReportAllocs()
	for b.Loop() {
		broadcast(w, outs, received, n)
	}
	b.ReportMetric(float64(writes.Load())/float64(b.N*n), "writes/message")
}

// Ten updates in a row, as a busy room sends them, share writes.
func BenchmarkBurst(b *testing.B) {
	const n, burst = 100, 10
	w, received, writes := crowd(b, n)
	outs := smallUpdate()
	writes.Store(0)
	b.ReportAllocs()
	for b.Loop() {
		want := received.Load() + n*burst*smallFrame
		for range burst {
			outs[0].Mark.Seq++
			w.deliver(outs)
		}
		for received.Load() < want {
			time.Sleep(20 * time.Microsecond)
		}
	}
	b.ReportMetric(float64(writes.Load())/float64(b.N*n*burst), "writes/message")
}

// A broadcast allocates its frame, and nothing per connection.
func TestBroadcastAllocations(t *testing.T) {
	testkit.SkipUnderRace(t)
	const n = 100
	w, received, writes := crowd(t, n)
	outs := smallUpdate()
	for range 20 {
		broadcast(w, outs, received, n)
	}
	writes.Store(0)
	if allocs := testing.AllocsPerRun(100, func() { broadcast(w, outs, received, n) }); allocs > n/10 {
		t.Errorf("%v allocations for a broadcast to %d connections", allocs, n)
	}
	if got := writes.Load(); got != 101*n {
		t.Errorf("%d writes for 101 broadcasts to %d connections", got, n)
	}
}
