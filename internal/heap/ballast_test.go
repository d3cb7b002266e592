package heap

import (
	"runtime"
	"testing"
)

// With a raised floor, a process that keeps nothing collects garbage at most once for each 8 MiB.
func TestRaiseFloor(t *testing.T) {
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
	defer floor.Store(nil)
	without := collections()
	RaiseFloor()
	with := collections()
	if most := uint32(64<<20/floorBytes + 1); with > most || with >= without {
		t.Errorf("64 MiB of garbage were collected in %d steps, without RaiseFloor in %d; want at most %d", with, without, most)
	}
}
