package consumer

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// Data that a room sends to many connections is not copied for each, and not kept once
// it was written.
func TestLargeAnswersAreShared(t *testing.T) {
	const conns, size = 50, 4 << 20
	w, received, _ := crowd(t, conns)
	data := make([]byte, size)
	remembered := weakbytes.Make(data)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	before := memory.TotalAlloc
	for _, id := range w.conns() {
		w.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: data})
	}
	testkit.Eventually(t, "all receive the data", func() string {
		if n := received.Load(); n < conns*size {
			return fmt.Sprintf("%d bytes have arrived", n)
		}
		return ""
	})
	runtime.ReadMemStats(&memory)
	if n := memory.TotalAlloc - before; n > size {
		t.Errorf("%d bytes were allocated for what %d connections share", n, conns)
	}
	runtime.KeepAlive(data)
	testkit.Eventually(t, "the data is released", func() string {
		if runtime.GC(); remembered.Value() != nil {
			return "it is kept"
		}
		return ""
	})
}
