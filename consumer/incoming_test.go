package consumer

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/protocol"
)

// part sends a part of a binary message, which isn't the last one if more is true.
func (c *client) part(first, more bool, size int) {
	c.t.Helper()
	op := ws.OpContinuation
	if first {
		op = ws.OpBinary
	}
	if err := c.Write(wsclient.Frame(op, !more, make([]byte, size))); err != nil {
		c.t.Fatal(err)
	}
	synctest.Wait()
}

// large is a message of 600 KiB, an update of zeros.
func large() []byte {
	return plain.Append(nil, protocol.Message{Type: protocol.Update, Data: make([]byte, 600<<10)})
}

func TestMessageMemory(t *testing.T) {
	withHarness(t, Config{MessageMemory: 1 << 20}, func(t *testing.T, h *harness) {
		first, _ := h.join("/doc")
		message := large()
		if err := first.Write(wsclient.Frame(ws.OpBinary, false, message[:len(message)-1])); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		second, _ := h.join("/doc")
		go func() { _ = second.Send(large()) }() // the server doesn't read all of it
		op, payload := second.read()
		if code, reason := ws.ParseCloseFrameData(payload); op != ws.OpClose || protocol.CloseCode(code) != protocol.CloseTryLater {
			t.Errorf("got opcode %d with %d %q", op, code, reason)
		}
		_ = second.Close() // it still sends
		// Small messages need none, and when the large one has arrived, there is memory again.
		third, _ := h.join("/doc")
		third.send(ws.OpBinary, []byte{3})
		first.part(false, false, 1)
		third.send(ws.OpBinary, large())
		synctest.Wait()
		third.send(ws.OpText, bytes.Repeat([]byte("x"), 600<<10)) // is ignored
		synctest.Wait()
		if n := len(h.worker.of(event.InputMessage)); n != 3 {
			t.Errorf("%d messages have arrived, want 3", n)
		}
		if used := h.incoming.used.Load(); used != 0 {
			t.Errorf("%d bytes are still reserved", used)
		}
	})
}

// A message that arrives slowly is cut off if others may lack memory, and only then.
func TestSlowMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		memory int
		cut    bool
	}{"much memory": {4 << 20, false}, "little memory": {1 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{MessageMemory: tc.memory}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				var writer sync.WaitGroup
				writer.Go(func() { // the end of the connection ends it
					for op := ws.OpBinary; c.Write(wsclient.Frame(op, false, make([]byte, 30<<10))) == nil; op = ws.OpContinuation {
						time.Sleep(2 * time.Second)
						if op == ws.OpBinary {
							if c.Write(wsclient.Frame(ws.OpContinuation, false, make([]byte, 600<<10))) != nil {
								return
							}
						}
					}
				})
				time.Sleep(incomingGrace)
				synctest.Wait()
				if n := len(h.all(nil)); n != 1 {
					t.Fatal("the message was cut off early")
				}
				time.Sleep(2 * sweepEvery)
				synctest.Wait()
				if cut := len(h.all(nil)) == 0; cut != tc.cut {
					t.Errorf("cut off: %v, want %v", cut, tc.cut)
				}
				_ = c.Close()
				writer.Wait()
				synctest.Wait()
				if used := h.incoming.used.Load(); used != 0 {
					t.Errorf("%d bytes are still reserved", used)
				}
			})
		})
	}
}
