package consumer

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// held returns how many bytes wait for the client or are being written.
func (s *socket) held() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range slices.Concat(s.batch, s.control[:]) {
		if f != nil {
			n += 128 + len(f.Head) + len(f.Body) + len(f.States)
		}
	}
	for _, c := range s.conns {
		n += c.out.Waiting()
	}
	return n
}

func TestSlowClient(t *testing.T) {
	const size = 64 << 10
	withHarness(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: size} }}, func(t *testing.T, h *harness) {
		slow, id := h.join("/doc")
		fast, _ := h.join("/doc")
		go func() {
			for {
				if op, _, err := fast.Read(); err != nil || op == ws.OpClose {
					return
				}
			}
		}()
		h.worker.output("doc", id, 10, protocol.Message{Type: protocol.SyncStep2, Data: []byte("all up to 10")})
		seq := uint64(10)
		conn := h.conn("doc", id)
		most := 0
		for range 2000 {
			seq++
			h.worker.output("doc", event.Everyone, seq, protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte{1}, 200)})
			h.worker.output("doc", event.Everyone, 0, protocol.Message{Type: protocol.Awareness, Data: testkit.Present(seq%9, 1, `{"user":"ann"}`)})
			if seq < 1000 { // the client sends requests without reading the answers
				h.worker.output("doc", id, seq, protocol.Message{Type: protocol.SyncStep2, Data: bytes.Repeat([]byte{2}, 200)})
			}
			most = max(most, conn.socket.held())
			if seq%50 == 0 { // the client sends something, so it isn't cut off
				slow.send(ws.OpPing, nil)
				time.Sleep(time.Second)
			}
		}
		if most > size {
			t.Errorf("%d bytes were held", most)
		}
		if strings.Contains(h.worker.lines(), "resync") {
			t.Error("a Resync was sent to a client that does not read")
		}

		asked := make(chan uint64, 1)
		h.worker.mu.Lock()
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputResync {
				asked <- in.Mark.Seq
			}
			return nil
		}
		h.worker.mu.Unlock()
		received := make(chan string, 10_000)
		done := make(chan struct{})
		var gate atomic.Pointer[chan struct{}] // the reader waits until it is closed
		open, shut := make(chan struct{}), make(chan struct{})
		close(open)
		gate.Store(&open)
		go func() {
			defer close(done)
			for {
				<-*gate.Load()
				op, payload, err := slow.Read()
				if err != nil {
					return
				}
				if op == ws.OpClose {
					_ = slow.Write(wsclient.Frame(ws.OpClose, true, payload))
				} else if op == ws.OpBinary {
					received <- string(payload)
				}
			}
		}()
		from := soon(t, asked)
		synctest.Wait()
		// The client reads one more frame, and then nothing while these arrive.
		gate.Store(&shut)
		h.worker.output("doc", id, 0, protocol.Message{Type: protocol.Awareness, Data: testkit.Present(9, 1, `{}`)})
		synctest.Wait()
		for len(received) > 0 {
			<-received
		}
		// The answer includes a broadcast before it, but not the one after it.
		h.worker.output("doc", event.Everyone, seq+1, protocol.Message{Type: protocol.Update, Data: []byte("early")})
		h.worker.output("doc", id, seq+1, protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte("diff"), size)})
		h.worker.output("doc", event.Everyone, seq+2, protocol.Message{Type: protocol.Update, Data: []byte("late")})
		close(shut)
		if got := soon(t, received); !strings.Contains(got, "diffdiff") {
			t.Errorf("got %d bytes, want the diff since %d", len(got), from)
		}
		// The last broadcast didn't fit in addition to the large answer, so it is requested
		// again.
		if again := soon(t, asked); again != seq+1 {
			t.Errorf("requested what was added after %d, want %d", again, seq+1)
		}
		h.worker.output("doc", id, seq+2, protocol.Message{Type: protocol.Update, Data: []byte("late")})
		if got := soon(t, received); !strings.HasSuffix(got, "late") {
			t.Errorf("got %q", got)
		}
		go func() { h.worker.end(id) }()
		<-done
	})
}

// soon receives from ch, within a minute.
func soon[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(time.Minute):
		t.Error("waited in vain")
	}
	return v
}

// A Resync that the room can't take for ten seconds closes the connection.
func TestResyncFails(t *testing.T) {
	withHarness(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: 1 << 10} }}, func(t *testing.T, h *harness) {
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputResync {
				return layer.ErrNoOwner
			}
			return nil
		}
		c, _ := h.join("/doc")
		for i := range 10 {
			h.worker.output("doc", event.Everyone, uint64(i), protocol.Message{Type: protocol.Update, Data: make([]byte, 300)})
		}
		start := time.Now()
		c.wantClose(protocol.CloseTryLater, "no server runs the room")
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

func TestAskPanics(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputResync {
				panic("boo")
			}
			return nil
		}
		c, id := h.join("/doc")
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: []byte{0}})
		c.want("00010100")
		h.worker.output("doc", event.Everyone, 3, protocol.Message{Type: protocol.Update, Data: []byte{0}}) // 2 is missing
		for {
			if _, _, err := c.Read(); err != nil {
				break
			}
		}
		synctest.Wait()
		if !strings.Contains(h.logs.String(), "panic=boo") || !strings.Contains(h.logs.String(), "code=1011") {
			t.Errorf("log:\n%s", h.logs)
		}
	})
}

func TestBadAwarenessCloses(t *testing.T) {
	withHarness(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: 1 << 10} }}, func(t *testing.T, h *harness) {
		c, _ := h.join("/doc")
		for range 5 {
			h.worker.output("doc", event.Everyone, 0, protocol.Message{Type: protocol.Awareness, Data: bytes.Repeat([]byte{0xff}, 200)})
		}
		c.wantClose(protocol.CloseInternal, "mistake")
	})
}

// Data that waits for many clients that don't read is in memory only once.
func TestStalledClientsShareData(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		const n, size = 40, 4 << 20
		data := make([]byte, size)
		var outs []layer.Output
		for range n {
			_, id := h.join("/doc")
			outs = append(outs, layer.Output{Room: "doc", To: consumerAddress, Output: event.Output{
				Kind: event.OutputMessage, To: id, Mark: event.Mark{Epoch: 1, Seq: 1},
				Message: protocol.Message{Type: protocol.SyncStep2, Data: data},
			}})
		}
		heap := func() int {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		before := heap()
		h.worker.deliver(outs)
		synctest.Wait()
		grown := heap() - before
		t.Logf("%d connections hold %d KiB in addition to %d KiB of data", n, grown>>10, size>>10)
		if grown > size {
			t.Error("the connections hold more than the data")
		}
		for _, o := range outs {
			if held := h.conn("doc", o.Output.To).socket.held(); held < size {
				t.Fatalf("only %d bytes wait", held)
			}
		}
		runtime.KeepAlive(data)
	})
}

// A client that sends something now and then but never reads is cut off too.
func TestStalledClient(t *testing.T) {
	for name, size := range map[string]int{"small frames": 100, "large frames": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				stalled := time.Now()
				for range 2 {
					h.worker.output("doc", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, size)})
					synctest.Wait()
				}
				for time.Since(stalled) < 2*stallLimit {
					if err := c.Write(wsclient.Frame(ws.OpPing, true, nil)); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				if kept := time.Since(stalled); kept < stallLimit || kept > stallLimit+2*sweepEvery {
					t.Errorf("kept for %v", kept)
				}
				synctest.Wait()
				if !strings.Contains(h.logs.String(), "the client read nothing for a minute") {
					t.Errorf("log:\n%s", h.logs)
				}
			})
		})
	}
}

// A client that takes many minutes to read is not cut off.
func TestSlowlyRead(t *testing.T) {
	const all = 1 << 20
	for name, size := range map[string]int{"small frames": 1 << 10, "a large frame": all} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				for range all / size {
					h.worker.output("doc", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, size)})
				}
				for got := 0; got < all; got += writeStep {
					if err := c.Skip(writeStep); err != nil {
						t.Fatalf("after %d bytes: %v", got, err)
					}
					c.send(ws.OpPing, nil)
					time.Sleep(50 * time.Second)
				}
				_ = c.Close()
			})
		})
	}
}
