package testkit

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
)

// SkipUnderRace skips a test of running times, or of work that takes seconds, under
// the race detector.
func SkipUnderRace(t testing.TB) {
	t.Helper()
	if UnderRace {
		t.Skip("the race detector slows down each access to memory")
	}
}

// Linear fails the test if the time of some work grows much faster than its number of
// parts. It calls prepare before each run; only the work that prepare returns is
// measured.
//
// Linear compares 8 runs with n parts and one run with 8n parts: linear work takes the
// same time on both sides, and quadratic work takes 8 times as long on the second.
// Times are the CPU time of this process, in which waiting for a CPU doesn't count.
// Other processes also slow down this one through shared caches, so both sides last
// about as long, and the test fails only if the best of five comparisons is bad.
// Collecting garbage is not part of the work, unless there is very much of it.
//
// No other test of the process may run at the same time.
func Linear(t *testing.T, n uint64, prepare func(n uint64) (work func())) {
	t.Helper()
	SkipUnderRace(t)
	const (
		enough = 20 * time.Millisecond // the system may count CPU time in ticks of some milliseconds
		most   = 3.5
	)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(512 << 20))
	measure := func(n uint64) time.Duration {
		work := prepare(n)
		runtime.GC() // sweep the garbage of prepare and of the run before
		start := CPUTime(t)
		work()
		return CPUTime(t) - start
	}
	for range 5 {
		var few, many time.Duration
		for many < enough {
			for range 8 {
				few += measure(n)
			}
			many += measure(8 * n)
		}
		ratio := float64(many) / float64(few)
		t.Logf("8 runs with %d parts took %v, one run with %d parts %.1f times as long", n, few, 8*n, ratio)
		if ratio <= most {
			return
		}
	}
	t.Errorf("one run with %d parts takes more than %.1f times as long as 8 runs with %d parts", 8*n, most, n)
}

// CPUTime returns the CPU time that this process has taken.
func CPUTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
