package consumer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func (w *fakeWorker) outputProbe(room string, to event.ConnID) {
	w.deliver([]layer.Output{{Room: room, To: consumerAddress, Output: event.Output{Kind: event.OutputProbe, To: to}}})
}

// of returns the inputs of a kind.
func (w *fakeWorker) of(kind event.InputKind) (ins []layer.Input) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.inputs {
		if in.Kind == kind {
			ins = append(ins, in)
		}
	}
	return ins
}

func TestProbe(t *testing.T) {
	pong := []byte{0x8a, 0x80, 0, 0, 0, 0}
	for name, tc := range map[string]struct {
		probes int
		answer []byte
		silent int
	}{
		"no answer":           {1, nil, 1},
		"a pong":              {1, pong, 0},
		"half a frame":        {1, pong[:1], 1},
		"a message":           {1, short(0x82, "\x03"), 0},
		"several, no answer":  {5, nil, 1},
		"several, and a pong": {5, pong, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				c, id := h.join("/doc")
				time.Sleep(time.Second)
				for range tc.probes {
					h.worker.outputProbe("doc", id)
				}
				if op, _ := c.read(); op != ws.OpPing {
					t.Fatalf("got opcode %d, want a ping", op)
				}
				if tc.answer != nil {
					if err := c.Write(tc.answer); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(probeWait - time.Millisecond)
				synctest.Wait()
				if early := h.worker.of(event.InputSilent); len(early) > 0 {
					t.Errorf("silent before the time is over: %v", early)
				}
				time.Sleep(time.Millisecond)
				synctest.Wait()
				silent := h.worker.of(event.InputSilent)
				if len(silent) != tc.silent {
					t.Errorf("got %v, want %d", silent, tc.silent)
				}
				for _, in := range silent {
					if in.Conn != id || in.Room != "doc" {
						t.Errorf("got %v", in)
					}
				}
			})
		})
	}
}

// A client that takes a large message slowly is not silent.
func TestProbeOfSlowReader(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, 1<<20)})
		synctest.Wait()
		h.worker.outputProbe("doc", id)
		for range 5 {
			if err := c.Skip(100 << 10); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if silent := h.worker.of(event.InputSilent); len(silent) > 0 {
			t.Errorf("a slow reader counts as silent: %v", silent)
		}
	})
}

// The connection ends while a probe waits.
func TestProbeOfEndedConn(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		h.worker.outputProbe("doc", id)
		c.read()
		c.close()
		time.Sleep(time.Minute)
		synctest.Wait()
		if silent := h.worker.of(event.InputSilent); len(silent) > 0 {
			t.Errorf("a connection that has ended counts as silent: %v", silent)
		}
		h.worker.outputProbe("doc", id)
		synctest.Wait()
		if n := len(h.worker.of(event.InputLeave)); n != 2 {
			t.Errorf("%d Leaves, want one for the end and one for the probe", n)
		}
	})
}

func TestUser(t *testing.T) {
	type name string
	users := map[string]any{"none": nil, "string": "ada", "name": name("ada"), "other": 7}
	hooks := Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		return Admission{Room: r.Room, User: users[r.HTTP.URL.Query().Get("user")]}, nil
	}}
	for user, want := range map[string]string{"none": "", "string": "ada", "name": "ada", "other": ""} {
		t.Run(user, func(t *testing.T) {
			withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
				h.join("/doc?user=" + user)
				if joins := h.worker.of(event.InputJoin); len(joins) != 1 || joins[0].User != want {
					t.Errorf("got %v, want the user %q", joins, want)
				}
			})
		})
	}
}

// Awareness carries the client id of the connection's own client.
func TestOwnClient(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, _ := h.join("/doc")
		for _, id := range []uint64{7, 8, 7} {
			c.send(ws.OpBinary, testkit.Awareness(testkit.Present(id, 1, "{}")))
		}
		synctest.Wait()
		for _, in := range h.worker.of(event.InputMessage) {
			if in.Client != 7 {
				t.Errorf("got %v, want the client 7", in)
			}
		}
		if n := len(h.worker.of(event.InputMessage)); n != 3 {
			t.Errorf("%d messages", n)
		}
	})
}
