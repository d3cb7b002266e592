package consumer

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

const (
	readOnly  = event.AccessPresent
	readWrite = event.AccessPresent | event.AccessWrite
)

// outputAccess delivers the access that a program has given to a connection.
func (w *fakeWorker) outputAccess(to event.ConnID, a event.Access, seq uint64) {
	w.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
		Kind: event.OutputAccess, To: to, Access: a, AccessSeq: seq,
	}}})
}

// wantAccess checks the access in the last input, of this kind, and that of the connection.
func (h *harness) wantAccess(id event.ConnID, kind event.InputKind, a event.Access, seq uint64) {
	h.t.Helper()
	synctest.Wait()
	in := h.worker.inputs[len(h.worker.inputs)-1]
	if in.Kind != kind || in.Conn != id || in.Access != a || in.AccessSeq != seq {
		h.t.Errorf("the last input is %+v, want one of kind %d for %d with access %d after %d changes", in, kind, id, a, seq)
	}
	if got := h.conn("doc", id).Access(); got != a {
		h.t.Errorf("the connection has access %d, want %d", got, a)
	}
}

func TestSetAccess(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		conn := h.conn("doc", id)
		conn.SetAccess(readOnly)
		h.wantAccess(id, event.InputAccess, readOnly, 0)
		conn.SetAccess(readOnly)
		if n := len(h.worker.inputs); n != 2 {
			t.Errorf("%d inputs after the same access again", n)
		}
		h.worker.outputRejoin("doc", id)
		h.wantAccess(id, event.InputJoin, readOnly, 0)

		h.worker.outputAccess(id, readWrite, 1)
		h.wantAccess(id, event.InputAccess, readWrite, 1) // the room learns that the consumer knows
		h.worker.outputAccess(id, event.AccessRead, 0)    // is older
		synctest.Wait()
		if n := len(h.worker.inputs); n != 4 || conn.Access() != readWrite {
			t.Errorf("%d inputs, and access %d, after an old change", n, conn.Access())
		}
		h.worker.outputAccess(id, readWrite, 2) // changes nothing
		h.wantAccess(id, event.InputAccess, readWrite, 2)
		conn.SetAccess(event.AccessRead)
		h.wantAccess(id, event.InputAccess, event.AccessRead, 2)
		c.close()
		conn.SetAccess(readWrite)
		if conn.Access() != event.AccessRead {
			t.Error("the access of a connection that has ended was changed")
		}
	})
}

func TestSetAccessBeforeJoin(t *testing.T) {
	hooks := Hooks{PreConnect: func(c *Conn, _ *http.Request) error {
		c.SetAccess(readOnly)
		return nil
	}}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		_, id := h.join("/doc")
		h.wantAccess(id, event.InputJoin, readOnly, 0)
	})
}

// The room is told of the last access, however full it is, and before any message that
// the client sends then.
func TestSetAccessWhileFull(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		var full atomic.Bool
		full.Store(true)
		h.worker.handle = func(layer.Input) error {
			if full.Load() {
				return layer.ErrFull
			}
			return nil
		}
		h.conn("doc", id).SetAccess(event.AccessRead)
		time.Sleep(time.Millisecond)
		h.conn("doc", id).SetAccess(readOnly)
		c.send(ws.OpBinary, []byte{0, 0, 1, 0})
		synctest.Wait()
		full.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		ins := h.worker.inputs
		if n := len(ins); n != 3 || ins[1].Kind != event.InputAccess || ins[1].Access != readOnly || ins[2].Kind != event.InputMessage {
			t.Errorf("the inputs are %+v", ins)
		}
	})
}

// A dialect may have messages for changes of the access.
func TestClientIsToldOfAccess(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.handler = serveDocuments(h.Consumer, "doc")
		c, id := h.join("/")
		h.conn("doc", id).SetAccess(readOnly)
		c.want("6452") // dR
		h.worker.outputAccess(id, event.AccessRead, 1)
		h.worker.outputAccess(id, event.AccessWrite, 2)
		c.want("6457") // dW
	})
}

func TestConnClose(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		h.conn("doc", id).Close(protocol.CloseForbidden, "go")
		c.wantClose(protocol.CloseForbidden, "go")
	})
}
