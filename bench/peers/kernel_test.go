package peers_test

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// kernelMemory returns the bytes that the kernel uses for sockets and for its objects, of
// all processes.
func kernelMemory() (bytes int) {
	for _, part := range []struct {
		path, name string
		size       int
	}{
		{"/proc/net/sockstat", "mem ", 4 << 10}, // of TCP, in pages
		{"/proc/meminfo", "\nSlab:", 1 << 10},
	} {
		text, err := os.ReadFile(part.path)
		if err != nil {
			continue // the figure is smaller then
		}
		_, rest, _ := strings.Cut(string(text), part.name)
		n := 0
		_, _ = fmt.Sscan(rest, &n) // 0 if there is none
		bytes += n * part.size
	}
	return bytes
}

// watchKernel measures the memory of the kernel until grown is called, which returns by how
// much it has grown at most.
func watchKernel() (grown func() int) {
	before := kernelMemory()
	done, most := make(chan struct{}), make(chan int)
	go func() {
		highest := before
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				most <- highest
				return
			case <-tick.C:
				highest = max(highest, kernelMemory())
			}
		}
	}()
	return func() int {
		close(done)
		return <-most - before
	}
}
