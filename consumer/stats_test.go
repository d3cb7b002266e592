package consumer

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Stats have what clients send and read, and the clients that read too slowly, until
// they are gone.
func TestStats(t *testing.T) {
	const size = 64 << 10
	withHarness(t, Config{Settings: func(string) Settings { return Settings{OutboxSize: size} }}, func(t *testing.T, h *harness) {
		stats := func() Stats {
			time.Sleep(sweepEvery)
			synctest.Wait()
			return h.Stats()
		}
		slow, id := h.join("/doc")
		fast, _ := h.join("/doc")
		fast.send(ws.OpBinary, []byte{0, 0, 1, 0})
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: []byte("all")})
		_, first := slow.read()
		want := Stats{Plain: 2, Received: Traffic{1, 4}, Sent: Traffic{1, uint64(2 + len(first))}}
		if diff := cmp.Diff(want, stats()); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}

		read := make(chan struct{})
		go func() {
			defer close(read)
			for {
				if op, _, err := fast.Read(); err != nil || op == ws.OpClose {
					return
				}
			}
		}()
		for seq := range uint64(1000) {
			h.worker.output("doc", event.Everyone, 2+seq, protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte{1}, 200)})
			if seq%20 == 0 {
				synctest.Wait() // so that the fast client reads
			}
		}
		got := stats()
		if got.Behind != 1 || got.Sent.Messages < 1001 {
			t.Errorf("one connection is behind, and stats are %+v", got)
		}
		h.worker.output("doc", id, 1001, protocol.Message{Type: protocol.Awareness, Data: []byte{0}})
		if got = stats(); got.Waiting == 0 || got.Waiting != got.Longest {
			t.Errorf("something waits for one connection, and stats are %+v", got)
		}

		slow.Close()
		fast.Close()
		<-read
		got = stats()
		if got.Plain != 0 || got.Waiting != 0 || got.Longest != 0 || got.Behind != 0 {
			t.Errorf("without connections, stats are %+v", got)
		}
	})
}
