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

	"github.com/yroom/yroom/internal/testkit"
)

// observation is what a process takes.
type observation struct {
	at       time.Time
	resident int           // its resident memory, in bytes
	cpu      time.Duration // that it has used
	kernel   int           // what the kernel keeps for all processes, in bytes
}

// tick is the unit in which Linux counts CPU time for programs.
const tick = 10 * time.Millisecond

func observe(b *testing.B, server *testkit.Server) observation {
	b.Helper()
	pid := server.Process.Pid
	stat := read(b, fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(stat, ") ") // after the name of the program
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		b.Fatalf("the system doesn't report the CPU time of a process: %q", stat)
	}
	var ticks int
	for _, field := range fields[11:13] { // of the program and of the kernel for it
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return observation{
		at:       time.Now(),
		resident: kilobytes(b, fmt.Sprintf("/proc/%d/status", pid), "VmRSS:"),
		cpu:      time.Duration(ticks) * tick,
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
