package consumer

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// holds is what waits in c's outbox, and what is being written.
func (c *Conn) holds() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range slices.Concat(c.out.queue, c.out.batch, c.out.newest[:]) {
		if f != nil {
			n += f.cost()
		}
	}
	return n
}

func TestSlowClient(t *testing.T) {
	const size = 64 << 10
	inHouse(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: size} }}, func(t *testing.T, h *house) {
		slow, id := h.join("/doc")
		fast, _ := h.join("/doc")
		go func() {
			for {
				if op, _, err := fast.tryRead(); err != nil || op == ws.OpClose {
					return
				}
			}
		}()
		h.layer.tell("doc", id, 10, protocol.Message{Type: protocol.SyncStep2, Data: []byte("all up to 10")})
		seq := uint64(10)
		conn := h.conn(id)
		most := 0
		for range 2000 {
			seq++
			h.layer.tell("doc", room.Everyone, seq, protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte{1}, 200)})
			h.layer.tell("doc", room.Everyone, 0, protocol.Message{Type: protocol.Awareness, Data: presence(seq%9, `{"user":"ann"}`).state})
			if seq < 1000 { // it asks without reading the answers
				h.layer.tell("doc", id, seq, protocol.Message{Type: protocol.SyncStep2, Data: bytes.Repeat([]byte{2}, 200)})
			}
			most = max(most, conn.holds())
			if seq%50 == 0 { // it says something, so it isn't given up
				slow.send(ws.OpPing, nil)
				time.Sleep(time.Second)
			}
		}
		if most > size {
			t.Errorf("%d bytes were held", most)
		}
		if strings.Contains(h.layer.lines(), "resync") {
			t.Error("a Resync was sent to a client that does not read")
		}

		asked := make(chan uint64, 1)
		h.layer.mu.Lock()
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Resync {
				asked <- in.Seq
			}
			return nil
		}
		h.layer.mu.Unlock()
		received := make(chan string, 10_000)
		done := make(chan struct{})
		var gate atomic.Pointer[chan struct{}] // who reads waits until it is closed
		open, shut := make(chan struct{}), make(chan struct{})
		close(open)
		gate.Store(&open)
		go func() {
			defer close(done)
			for {
				<-*gate.Load()
				op, payload, err := slow.tryRead()
				if err != nil {
					return
				}
				if op == ws.OpClose {
					_, _ = slow.conn.Write(clientFrame(ws.OpClose, true, payload))
				} else if op == ws.OpBinary {
					received <- string(payload)
				}
			}
		}()
		from := soon(t, asked)
		synctest.Wait()
		// It reads one frame more, and then nothing while these come.
		gate.Store(&shut)
		h.layer.tell("doc", id, 0, protocol.Message{Type: protocol.Awareness, Data: presence(9, `{}`).state})
		synctest.Wait()
		for len(received) > 0 {
			<-received
		}
		// A broadcast before the answer is covered by it, the one after it is not.
		h.layer.tell("doc", room.Everyone, seq+1, protocol.Message{Type: protocol.Update, Data: []byte("early")})
		h.layer.tell("doc", id, seq+1, protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte("diff"), size)})
		h.layer.tell("doc", room.Everyone, seq+2, protocol.Message{Type: protocol.Update, Data: []byte("late")})
		close(shut)
		if got := soon(t, received); !strings.Contains(got, "diffdiff") {
			t.Errorf("got %d bytes, want the diff since %d", len(got), from)
		}
		// The last one didn't fit beside the large answer: it is asked for again.
		if again := soon(t, asked); again != seq+1 {
			t.Errorf("asked for what came after %d, want %d", again, seq+1)
		}
		h.layer.tell("doc", id, seq+2, protocol.Message{Type: protocol.Update, Data: []byte("late")})
		if got := soon(t, received); !strings.HasSuffix(got, "late") {
			t.Errorf("got %q", got)
		}
		go func() { h.end(id) }()
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

func (h *house) end(id room.ConnID) {
	h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
}

// A Resync that the room can't take closes the connection.
func TestResyncFails(t *testing.T) {
	inHouse(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: 1 << 10} }}, func(t *testing.T, h *house) {
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Resync {
				return layer.ErrNoOwner
			}
			return nil
		}
		c, _ := h.join("/doc")
		for i := range 10 {
			h.layer.tell("doc", room.Everyone, uint64(i), protocol.Message{Type: protocol.Update, Data: make([]byte, 300)})
		}
		c.wantClose(protocol.CloseTryLater, "nobody serves")
	})
}

func TestWriterPanics(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Resync {
				panic("boo")
			}
			return nil
		}
		c, id := h.join("/doc")
		conn := h.conn(id)
		conn.mu.Lock()
		conn.out.behind = true
		conn.mu.Unlock()
		h.layer.tell("doc", room.Everyone, 0, protocol.Message{Type: protocol.Awareness, Data: []byte{0}})
		for {
			if _, _, err := c.tryRead(); err != nil {
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
	inHouse(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: 1 << 10} }}, func(t *testing.T, h *house) {
		c, _ := h.join("/doc")
		for range 5 {
			h.layer.tell("doc", room.Everyone, 0, protocol.Message{Type: protocol.Awareness, Data: bytes.Repeat([]byte{0xff}, 200)})
		}
		c.wantClose(protocol.CloseInternal, "mistake")
	})
}

// However many don't read, the data that they wait for is there once.
func TestStalledClientsShareData(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		const n, size = 40, 4 << 20
		data := make([]byte, size)
		var outs []layer.Output
		for range n {
			_, id := h.join("/doc")
			outs = append(outs, layer.Output{Room: "doc", Output: room.Output{
				To: id, Seq: 1, Msg: protocol.Message{Type: protocol.SyncStep2, Data: data},
			}})
		}
		heap := func() int {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		before := heap()
		h.layer.deliver(outs)
		synctest.Wait()
		grown := heap() - before
		t.Logf("%d connections hold %d KiB beside %d KiB of data", n, grown>>10, size>>10)
		if grown > size {
			t.Error("that is more than the data")
		}
		for _, o := range outs {
			if held := h.conn(o.To).holds(); held < size {
				t.Fatalf("only %d bytes wait", held)
			}
		}
		runtime.KeepAlive(data)
	})
}

// Who says something now and then but never reads is given up all the same.
func TestStalledClient(t *testing.T) {
	for name, size := range map[string]int{"small frames": 100, "large frames": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, Config{}, func(t *testing.T, h *house) {
				c, _ := h.join("/doc")
				stalled := time.Now()
				for range 2 {
					h.layer.tell("doc", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, size)})
					synctest.Wait()
				}
				for time.Since(stalled) < 2*stallLimit {
					if _, err := c.conn.Write(clientFrame(ws.OpPing, true, nil)); err != nil {
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

// A client that takes many minutes for what it is sent is let be.
func TestSlowlyRead(t *testing.T) {
	const all = 1 << 20
	for name, size := range map[string]int{"small frames": 1 << 10, "a large frame": all} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, Config{}, func(t *testing.T, h *house) {
				c, _ := h.join("/doc")
				for range all / size {
					h.layer.tell("doc", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, size)})
				}
				for got := 0; got < all; got += writeStep {
					if _, err := io.CopyN(io.Discard, c.in, writeStep); err != nil {
						t.Fatalf("after %d bytes: %v", got, err)
					}
					c.send(ws.OpPing, nil)
					time.Sleep(50 * time.Second)
				}
				_ = c.conn.Close()
			})
		})
	}
}
