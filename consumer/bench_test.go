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
	t.Helper()
	return crowdAt(t, n, func(c *Consumer) http.Handler { return c }, nil, 0)
}

// hocuspocusCrowd is crowd with Hocuspocus clients, each with further documents on its
// socket.
func hocuspocusCrowd(t testing.TB, n, further int) (w *fakeWorker, received, writes *atomic.Int64) {
	t.Helper()
	opening := wsclient.Frame(ws.OpBinary, true, []byte("\x03doc\x02\x00\x00"))
	for i := range further {
		opening = append(opening, wsclient.Frame(ws.OpBinary, true, fmt.Appendf(nil, "\x03%03d\x02\x00\x00", i))...)
	}
	return crowdAt(t, n, (*Consumer).Hocuspocus, opening, (1+further)*scopeFrame)
}

// crowdAt connects n clients to a handler. They send opening, and the handler replies with
// this number of bytes.
func crowdAt(t testing.TB, n int, handler func(*Consumer) http.Handler, opening []byte, reply int) (w *fakeWorker, received, writes *atomic.Int64) {
	t.Helper()
	return crowdBehind(t, n, handler, opening, reply, func(l net.Listener, writes *atomic.Int64) net.Listener { return counted{l, writes} })
}

// directCrowd is crowd, but with sockets of the system, whose writes are not counted.
func directCrowd(t testing.TB, n int) (w *fakeWorker, received *atomic.Int64) {
	t.Helper()
	w, received, _ = crowdBehind(t, n, func(c *Consumer) http.Handler { return c }, nil, 0, func(l net.Listener, _ *atomic.Int64) net.Listener { return l })
	return w, received
}

func crowdBehind(t testing.TB, n int, handler func(*Consumer) http.Handler, opening []byte, reply int, listener func(net.Listener, *atomic.Int64) net.Listener) (w *fakeWorker, received, writes *atomic.Int64) {
	t.Helper()
	w, received, writes = newFakeWorker(t), new(atomic.Int64), new(atomic.Int64)
	c, err := New(Config{Layer: w.layer, Logger: slog.New(slog.DiscardHandler), Limits: Limits{JoinsPerSecond: 1_000_000}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler(c))
	server.Listener = listener(server.Listener, writes)
	server.Start()
	read := make(chan struct{}, n)
	for range n {
		conn, _, _, err := ws.Dial(context.Background(), "ws"+server.URL[len("http"):]+"/doc")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(opening); err != nil {
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
		if joined := w.joined("doc"); joined < n {
			return fmt.Sprintf("%d of %d have joined", joined, n)
		}
		if got := received.Load(); got < int64(n*reply) {
			return fmt.Sprintf("%d bytes of replies have arrived", got)
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

// joined returns how many connections have joined a room.
func (w *fakeWorker) joined(room string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.inputs {
		if in.Kind == event.InputJoin && in.Room == room {
			n++
		}
	}
	return n
}

const (
	smallFrame   = 2 + 3 + 30
	addressBytes = len("\x03doc")
	scopeFrame   = 2 + addressBytes + 2 + len("\x0aread-write")
)

// broadcast delivers an update, and waits until n bytes have arrived.
func broadcast(w *fakeWorker, outs []layer.Output, received *atomic.Int64, n int) {
	want := received.Load() + int64(n)
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

// benchmarkBroadcast sends small updates to n connections, which read size bytes each.
func benchmarkBroadcast(b *testing.B, w *fakeWorker, received, writes *atomic.Int64, n, size int) {
	b.Helper()
	outs := smallUpdate()
	broadcast(w, outs, received, n*size)
	writes.Store(0)
	b.ReportAllocs()
	start := testkit.CPUTime(b)
	for b.Loop() {
		broadcast(w, outs, received, n*size)
	}
	deliveries := float64(b.N * n)
	b.ReportMetric(float64(testkit.CPUTime(b)-start)/deliveries, "cpu-ns/delivery")
	b.ReportMetric(float64(writes.Load())/deliveries, "writes/message")
}

// One small update to 100 connections, including reading at the other ends.
func BenchmarkBroadcast(b *testing.B) {
	const n = 100
	b.Run("wrapped", func(b *testing.B) {
		w, received, writes := crowd(b, n)
		benchmarkBroadcast(b, w, received, writes, n, smallFrame)
	})
	b.Run("direct", func(b *testing.B) {
		w, received := directCrowd(b, n)
		benchmarkBroadcast(b, w, received, new(atomic.Int64), n, smallFrame)
	})
}

// The same to Hocuspocus clients, with one document on a socket and with fifty.
func BenchmarkBroadcastHocuspocus(b *testing.B) {
	const n = 100
	for _, further := range []int{0, 49} {
		b.Run(fmt.Sprintf("documents=%d", further+1), func(b *testing.B) {
			w, received, writes := hocuspocusCrowd(b, n, further)
			benchmarkBroadcast(b, w, received, writes, n, smallFrame+addressBytes)
		})
	}
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
	t.Run("plain", func(t *testing.T) {
		w, received, writes := crowd(t, n)
		testBroadcastAllocations(t, w, received, writes, n, smallFrame)
	})
	t.Run("direct", func(t *testing.T) {
		w, received := directCrowd(t, n)
		testBroadcastAllocations(t, w, received, nil, n, smallFrame)
	})
	t.Run("Hocuspocus", func(t *testing.T) {
		w, received, writes := hocuspocusCrowd(t, n, 0)
		testBroadcastAllocations(t, w, received, writes, n, smallFrame+addressBytes)
	})
}

func testBroadcastAllocations(t *testing.T, w *fakeWorker, received, writes *atomic.Int64, n, size int) {
	t.Helper()
	outs := smallUpdate()
	for range 20 {
		broadcast(w, outs, received, n*size)
	}
	if writes != nil {
		writes.Store(0)
	}
	if allocs := testing.AllocsPerRun(100, func() { broadcast(w, outs, received, n*size) }); allocs > float64(n)/10 {
		t.Errorf("%v allocations for a broadcast to %d connections", allocs, n)
	}
	if writes == nil {
		return
	}
	if got := writes.Load(); got != int64(101*n) {
		t.Errorf("%d writes for 101 broadcasts to %d connections", got, n)
	}
}
