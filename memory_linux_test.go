package yroom_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// TestConnectionMemory bounds what an idle connection takes of the Go runtime's memory: its
// objects and its stack. The clients are file descriptors, of which the runtime knows nothing.
func TestConnectionMemory(t *testing.T) {
	testkit.SkipUnderRace(t)
	const clients = 800
	for _, tc := range []struct {
		inRoom, budget int
	}{
		{100, 6_800},
		{1, 12_600}, // with a room
	} {
		t.Run(fmt.Sprintf("%d in a room", tc.inRoom), func(t *testing.T) {
			server, web := running(t, yroom.Config{Limits: consumer.Limits{JoinsPerSecond: 1_000_000}})
			address := netip.MustParseAddrPort(strings.TrimPrefix(web.URL, "http://"))
			fds, got := make([]int, 0, clients), make([]byte, 4096)
			t.Cleanup(func() {
				for _, fd := range fds {
					_ = syscall.Close(fd) // nothing is expected of it any more
				}
			})
			before := inUse()
			for i := range clients {
				fd := connectRaw(t, got, address, fmt.Sprint("/ws/room", i/tc.inRoom))
				fds = append(fds, fd)
				id := uint64(i + 1)
				for _, m := range [][]byte{
					testkit.SyncStep1([]byte{0}),
					testkit.Awareness(testkit.Present(id, 1, `{"user":{"name":"Ada Lovelace"}}`)),
					testkit.Update(testkit.Typed(id, 0, "x")),
				} {
					writeRaw(t, fd, wsclient.Frame(ws.OpBinary, true, m))
				}
			}
			for i := range clients / tc.inRoom {
				doc := server.Documents().Document(fmt.Sprint("room", i))
				testkit.Eventually(t, "all have written", func() string {
					info, err := doc.Info(t.Context())
					if text, _ := doc.Text(t.Context(), "text"); err != nil || info.Summary.Clients < tc.inRoom || len(text) < tc.inRoom {
						return fmt.Sprintf("%d of %d clients are present, and have written %d characters (%v)", info.Summary.Clients, tc.inRoom, len(text), err)
					}
					return ""
				})
			}
			var each int
			// What is still on its way takes memory, too.
			testkit.Eventually(t, fmt.Sprintf("a connection takes at most %d bytes", tc.budget), func() string {
				if each = (inUse() - before) / clients; each <= tc.budget {
					return ""
				}
				return fmt.Sprintf("it takes %d", each)
			})
			t.Logf("%d bytes", each)
		})
	}
}

// inUse returns how many bytes objects and stacks take, once what isn't used was collected. Stacks
// are counted with the spans of 32 KiB that hold them, and spans that are partly used make up a few percent,
// more of them after a run on a busy machine.
func inUse() int {
	for range 4 { // pools, and stacks that have grown, are collected bit by bit
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// connectRaw connects a WebSocket client. It reads the answer into got.
func connectRaw(t *testing.T, got []byte, address netip.AddrPort, path string) (fd int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	writeRaw(t, fd, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, address))
	n, err := syscall.Read(fd, got)
	if err != nil || !bytes.HasPrefix(got[:max(n, 0)], []byte("HTTP/1.1 101 ")) {
		t.Fatalf("the answer to an upgrade is %q (%v)", got[:max(n, 0)], err)
	}
	return fd
}

func writeRaw(t *testing.T, fd int, b []byte) {
	t.Helper()
	if n, err := syscall.Write(fd, b); err != nil || n != len(b) {
		t.Fatalf("%d of %d bytes were written: %v", n, len(b), err)
	}
}
