// Package footprint_test measures the memory of a server for each connection and for
// each room, as the operating system counts it: the resident memory of a "yroom serve"
// process with many idle clients.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/footprint
package footprint_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

var clients = flag.Int("clients", 5000, "number of clients of each measurement")

func BenchmarkFootprint(b *testing.B) {
	program := testkit.Build(b)
	for range b.N {
		together := measure(b, program, func(client int) string { return fmt.Sprint("room", client%(*clients/100)) })
		apart := measure(b, program, func(client int) string { return fmt.Sprint("room", client) })
		b.Logf("resident memory, with %d idle clients that have written one character:\n"+
			"| | bytes |\n|---|---|\n| a connection, 100 in a room | %d |\n| a connection in a room of its own, with the room | %d |\n",
			*clients, together, apart)
	}
}

// measure returns the growth of the server's resident memory for each client, in bytes.
func measure(b *testing.B, program string, room func(client int) string) int {
	b.Helper()
	server := testkit.Serve(b, program, b.TempDir(), "--store", "memory:")
	defer server.Stop(b)
	before := resident(b, server)
	var all []*wsclient.Client
	defer func() {
		for _, c := range all {
			_ = c.Close() // the server may have closed it
		}
	}()
	for i := range *clients {
		c, err := wsclient.DialOver(b.Context(), nil, server.URL(room(i)), nil)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, c)
		for _, message := range [][]byte{
			testkit.SyncStep1([]byte{0}),
			testkit.Present(uint64(i+1), 1, `{"user":{"name":"a user"}}`),
			testkit.Update(testkit.Typed(uint64(i+1), 0, "x")),
		} {
			if err := c.Send(message); err != nil {
				b.Fatal(err)
			}
		}
	}
	time.Sleep(5 * time.Second) // what was used to open the connections is given back
	return (resident(b, server) - before) / *clients
}

// resident returns the resident memory of a process, in bytes.
func resident(b *testing.B, server *testkit.Server) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	if err != nil {
		b.Skipf("the system doesn't report the memory of a process: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
