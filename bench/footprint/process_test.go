package footprint_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
)

// observation is what a process takes.
type observation struct {
	at       time.Time
	resident int           // its resident memory, in bytes
	cpu      time.Duration // that it has used
	kernel   int           // what the kernel keeps for all processes, in bytes
}

func observe(b *testing.B, server *testkit.Server) observation {
	b.Helper()
	pid := server.Process.Pid
	cpu, err := load.CPU(pid)
	if err != nil {
		b.Fatal(err)
	}
	return observation{
		at:       time.Now(),
		resident: kilobytes(b, fmt.Sprintf("/proc/%d/status", pid), "VmRSS:"),
		cpu:      cpu,
		kernel:   kilobytes(b, "/proc/meminfo", "Slab:"),
	}
}

// kilobytes returns the bytes of a line that has a number of kilobytes.
func kilobytes(b *testing.B, file, name string) int {
	b.Helper()
	for line := range strings.Lines(read(b, file)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != name {
			continue
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			b.Fatal(err)
		}
		return n << 10
	}
	b.Fatalf("%s has no line %s", file, name)
	return 0
}

func read(b *testing.B, file string) string {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	return string(bytes.TrimSpace(text))
}

func median(of []int) int {
	slices.Sort(of)
	return of[len(of)/2]
}
