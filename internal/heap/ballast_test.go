package heap

import (
	"runtime"
	"testing"
)

// With ballast, a process that keeps nothing collects garbage about once for each 8 MiB. A busy machine makes
// the runtime begin earlier.
func TestAddBallast(t *testing.T) {
	collections := func() uint32 {
		runtime.GC() // so that the runtime knows the size of the heap
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 64 << 10 {
			garbage = make([]byte, 1<<10)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	defer ballast.Store(nil)
	without := collections()
	AddBallast()
	with := collections()
	if most := uint32(64 << 20 / ballastBytes * 3 / 2); with > most || with >= without {
		t.Errorf("%d collections for 64 MiB of garbage, want at most %d and fewer than the %d without ballast", with, most, without)
	}
}
