package consumer

import (
	"runtime"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// What a room sends to many connections is not copied for them, and not kept once
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
	waitUntil(t, func() bool { return received.Load() >= conns*size })
	runtime.ReadMemStats(&memory)
	if n := memory.TotalAlloc - before; n > size {
		t.Errorf("%d bytes were allocated for what %d connections share", n, conns)
	}
	runtime.KeepAlive(data)
	waitUntil(t, func() bool {
		runtime.GC()
		return remembered.Value() == nil
	})
}

func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it takes too long")
		}
	}
}
