package testkit

import (
	"testing"
	"time"
)

// SkipUnderRace skips a test of times, or of work that takes seconds, under the
// race detector.
func SkipUnderRace(t testing.TB) {
	t.Helper()
	if UnderRace {
		t.Skip("the race detector slows down each access to memory")
	}
}

// Linear compares the times that some work takes with n and with 8n parts, and
// fails the test if they are far from linear. Prepare returns the work with n
// parts, which returns how long it took. Each is the best of three runs. Quadratic
// work would take 64 times as long, and seconds; the bounds leave a margin for a
// noisy machine.
func Linear(t *testing.T, n uint64, prepare func(n uint64) (work func() time.Duration)) {
	t.Helper()
	SkipUnderRace(t)
	best := func(n uint64) time.Duration {
		work := prepare(n)
		return min(work(), work(), work())
	}
	few, many := best(n), best(8*n)
	if t.Logf("%v, %v", few, many); many > 30*few && many > time.Second {
		t.Errorf("8 times the input took %.0f times as long", float64(many)/float64(few))
	}
}
