package consumer

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// Nothing of a request stays in memory while its connection is open. Many small header
// fields take some ten times their bytes in memory.
func TestHeadersAreNotKept(t *testing.T) {
	const (
		conns = 100
		bound = 16 << 10 // of a connection, with its room and its test
	)
	var fields strings.Builder
	for i := 0; fields.Len() < 20<<10; i++ {
		fmt.Fprintf(&fields, "X%d: 1\r\n", i)
	}
	name := strings.Repeat("a", 200)
	request := "GET /" + name + "?" + strings.Repeat("x", 10<<10) + " HTTP/1.1\r\nHost: yroom.test\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		fields.String() + "\r\n"

	h := newHarness(t, Config{})
	defer h.shutdown()
	dial := func() {
		c, err := h.pipes.dial(context.Background(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		go func(c net.Conn) { _, _ = c.Write([]byte(request)) }(c) // the answer shows whether it arrived
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("not upgraded: %v, %v", resp, err)
		}
	}
	joined := func(n int) {
		testkit.Eventually(t, fmt.Sprintf("%d connections join", n), func() string {
			if joined := len(h.worker.conns()); joined != n {
				return fmt.Sprint(joined)
			}
			return ""
		})
	}
	dial()
	joined(1)
	before := heap()
	for range conns {
		dial()
	}
	joined(1 + conns)
	if held := (heap() - before) / conns; held > bound {
		t.Errorf("a connection that sent %d KiB of headers holds %d KiB, want %d at most", len(request)>>10, held>>10, bound>>10)
	}
}

// heap returns the bytes of the heap that are in use.
func heap() int {
	runtime.GC()
	runtime.GC() // what the first run has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
