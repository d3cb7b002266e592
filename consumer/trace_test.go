package consumer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Only updates can have a trace. It is sent with the edit, and reported with the broadcast.
func TestTrace(t *testing.T) {
	trace := &event.Trace{ID: [16]byte{1}, Span: [8]byte{2}}
	var asked, ended int
	var delivered []string
	keep := true
	cfg := Config{Events: Events{
		Trace: func(*Conn) (*event.Trace, func()) {
			asked++
			if !keep {
				return nil, nil
			}
			return trace, func() { ended++ }
		},
		Delivered: func(i DeliverInfo) {
			delivered = append(delivered, fmt.Sprintf("%s %t to %d", i.Room, i.Trace == trace, i.Conns))
		},
	}}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		a, _ := h.join("/doc")
		h.join("/doc")
		h.join("/other")
		for _, frame := range []string{"\x00\x00\x01\x00", "\x00\x02\x01\x07", "\x03"} { // a SyncStep1, an update, a query of awareness
			a.send(ws.OpBinary, []byte(frame))
		}
		synctest.Wait()
		keep = false
		a.send(ws.OpBinary, []byte("\x00\x02\x01\x08"))
		synctest.Wait()
		if asked != 2 || ended != 1 {
			t.Errorf("Trace was called %d times, and its func %d times", asked, ended)
		}
		h.worker.mu.Lock()
		for _, in := range h.worker.inputs {
			if traced := string(in.Message.Data) == "\x07"; (in.Trace == trace) != traced || (in.Trace != nil) != traced {
				t.Errorf("the input %+v has the trace %v", in, in.Trace)
			}
		}
		h.worker.mu.Unlock()
		for seq, of := range []*event.Trace{nil, trace} {
			h.worker.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
				Kind: event.OutputMessage, Mark: event.Mark{Epoch: h.worker.epoch, Seq: uint64(1 + seq)}, Message: update(7), Trace: of,
			}}})
		}
		if got := strings.Join(delivered, ", "); got != "doc true to 2" {
			t.Errorf("delivered: %s", got)
		}
	})
}

// A panic in a function for traces is logged, and the edit goes on.
func TestTracePanics(t *testing.T) {
	cfg := Config{Events: Events{
		Trace:     func(*Conn) (*event.Trace, func()) { return nil, func() { panic("Trace") } },
		Delivered: func(DeliverInfo) { panic("Delivered") },
	}}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		a, id := h.join("/doc")
		a.send(ws.OpBinary, []byte("\x00\x02\x01\x07"))
		synctest.Wait()
		if !strings.Contains(h.worker.lines(), "message 3 07") {
			t.Errorf("the room has received:\n%s", h.worker.lines())
		}
		h.worker.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
			Kind: event.OutputMessage, Mark: event.Mark{Epoch: h.worker.epoch, Seq: 1}, Message: update(7), Trace: new(event.Trace),
		}}})
		h.worker.end(id)
		synctest.Wait()
		for _, name := range []string{"Trace", "Delivered"} {
			if !strings.Contains(h.logs.String(), "panic="+name) {
				t.Errorf("the panic of %s is not logged", name)
			}
		}
	})
}

// An edit of which no trace is kept allocates nothing for that.
func TestTraceAllocations(t *testing.T) {
	testkit.SkipUnderRace(t)
	var conn *Conn
	cfg := Config{Events: Events{Trace: func(c *Conn) (*event.Trace, func()) { conn = c; return nil, nil }}}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		a, _ := h.join("/doc")
		a.send(ws.OpBinary, []byte("\x00\x02\x01\x07"))
		synctest.Wait()
		m := update(7)
		allocations := func(receive func(protocol.Message) error) float64 {
			return testing.AllocsPerRun(200, func() {
				if err := receive(m); err != nil {
					t.Error(err)
				}
			})
		}
		without := allocations(func(m protocol.Message) error { return conn.receiveMessage(m, 4, nil) })
		with := allocations(func(m protocol.Message) error { return conn.receiveTraced(m, 4) })
		if with > without {
			t.Errorf("%v allocations for an edit, and %v without traces", with, without)
		}
	})
}
