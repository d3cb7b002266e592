// Package footprint_test measures what idle connections and idle rooms cost a server: the
// resident memory and the CPU time of a "yroom serve" process, as the operating system counts
// them.
//
//	YROOM_TRACES=folder go test -run '^$' -bench . -benchtime 1x -timeout 1h ./bench/footprint
package footprint_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

var (
	clients = flag.Int("clients", 9000, "number of clients of the measurements of connections")
	rooms   = flag.Int("rooms", 200, "number of rooms of the measurements of rooms")
	span    = flag.Duration("span", time.Minute, "length of each measurement")
	yroom   = flag.String("yroom", "", "path of the yroom to measure (default: it is built)")
)

const (
	renewEvery = 15 * time.Second // as stock clients renew their awareness
	settleTime = 15 * time.Second // what was used to open the connections is given back
)

// BenchmarkConnections measures connections whose clients have synchronized and have written one
// character. At first they send nothing more than answers to pings. Then they are present, and
// renew their awareness, as stock clients do.
func BenchmarkConnections(b *testing.B) {
	program := path(b)
	for range b.N {
		table := "| | silent, bytes | CPU µs a second | renewing, bytes | CPU µs a second | kernel, bytes |\n|---|---|---|---|---|---|\n"
		for _, layout := range []struct {
			name string
			room func(client int) string
		}{
			{"a connection, 100 in a room", func(client int) string { return fmt.Sprint("room", client/100) }},
			{"a connection in a room of its own, with the room", func(client int) string { return fmt.Sprint("room", client) }},
		} {
			silent, renewing := measureConnections(b, program, layout.room)
			table += fmt.Sprintf("| %s | %d | %.2f | %d | %.2f | %d |\n",
				layout.name, silent.memory, silent.cpu, renewing.memory, renewing.cpu, silent.kernel)
		}
		b.Logf("each of %d connections:\n%s", *clients, table)
	}
}

// BenchmarkRooms measures rooms with the document B4, each with one connection that is silent.
func BenchmarkRooms(b *testing.B) {
	program := path(b)
	document := paper(b)
	for range b.N {
		table := "| | bytes | CPU µs a second |\n|---|---|---|\n"
		for _, store := range []string{"memory:", "sqlite:rooms.db"} {
			room := measureRooms(b, program, store, document)
			table += fmt.Sprintf("| a room, %s | %d | %.2f |\n", store, room.memory, room.cpu)
		}
		b.Logf("each of %d rooms with B4, whose update has %d bytes:\n%s", *rooms, len(document), table)
	}
}

// path returns the program to measure.
func path(b *testing.B) string {
	b.Helper()
	if runtime.GOOS != "linux" {
		b.Skip("only Linux tells what a process takes")
	}
	if *yroom == "" {
		return testkit.Build(b)
	}
	program, err := filepath.Abs(*yroom)
	if err != nil {
		b.Fatal(err)
	}
	return program
}

// figures are those of one connection or one room.
type figures struct {
	memory int     // resident memory, in bytes
	cpu    float64 // CPU time in microseconds a second
	kernel int     // the kernel's memory for both ends, in bytes
}

func measureConnections(b *testing.B, program string, room func(client int) string) (silent, renewing figures) {
	b.Helper()
	server := serve(b, program, "memory:")
	before := observe(b, server)
	c := connect(b, *clients, func(client int) string { return server.URL(room(client)) })
	for i := range c.clients {
		c.send(b, i, testkit.SyncStep1([]byte{0}), testkit.Update(testkit.Typed(uint64(i+1), 0, "x")))
	}
	time.Sleep(settleTime)
	silent = watch(b, server, before, len(c.clients))
	stop := make(chan struct{})
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		c.renew(stop)
	}()
	time.Sleep(settleTime)
	renewing = watch(b, server, before, len(c.clients))
	close(stop)
	<-renewed
	c.close()
	server.Stop(b)
	return silent, renewing
}

func measureRooms(b *testing.B, program, store string, document []byte) figures {
	b.Helper()
	server := serve(b, program, store)
	before := observe(b, server)
	c := connect(b, *rooms, func(client int) string { return server.URL(fmt.Sprint("room", client)) })
	for i := range c.clients {
		c.send(b, i, testkit.SyncStep1([]byte{0}), testkit.SyncStep2(document), c.present(i))
	}
	time.Sleep(settleTime)
	room := watch(b, server, before, *rooms)
	c.close()
	server.Stop(b)
	return room
}

// serve starts a server that admits all clients at once.
func serve(b *testing.B, program, store string) *testkit.Server {
	b.Helper()
	dir := b.TempDir()
	const settings = "joins_per_second: 100000\n"
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(settings), 0o600); err != nil {
		b.Fatal(err)
	}
	return testkit.Serve(b, program, dir, "--store", store)
}

// watch observes the server for the span, and returns what has come since before for each of n.
// The memory is the median of those at the end of each second.
func watch(b *testing.B, server *testkit.Server, before observation, n int) figures {
	b.Helper()
	begin := observe(b, server)
	var memory []int
	for range int(cmp.Or(span.Seconds(), 1)) {
		time.Sleep(time.Second)
		memory = append(memory, observe(b, server).resident)
	}
	end := observe(b, server)
	return figures{
		memory: (median(memory) - before.resident) / n,
		cpu:    float64((end.cpu - begin.cpu).Microseconds()) / end.at.Sub(begin.at).Seconds() / float64(n),
		kernel: (end.kernel - before.kernel) / n,
	}
}
