package heap

import (
	"context"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	idleEvery = time.Second
	idleShare = 8       // memory is returned if it is more than this part of what is in use,
	idleLeast = 2 << 20 // and so much more, in bytes
	idleCost  = 200     // the part of the time of one processor that returning memory may take
	idleTurns = 2       // how often memory is returned after a busy time: pools of buffers need two collections to become free
)

// sizes is what the Go runtime says of its memory, in bytes.
type sizes struct {
	live      uint64 // what the last collection has kept
	idle      uint64 // what is not in use, or may no longer be, and was not returned to the system
	allocated uint64 // since the start
}

// idleness decides when a process that has little to do returns memory to the system. The Go
// runtime lets a process take twice what it uses, which saves work while it is busy, and
// returns little of that afterwards.
type idleness struct {
	allocated uint64 // when due was called last
	turns     int    // how often memory has to be returned in any case
	next      time.Time
}

// due reports whether memory is to be returned. It is called every idleEvery.
func (q *idleness) due(now time.Time, h sizes) bool {
	worth := h.live/idleShare + idleLeast
	busy := h.allocated-q.allocated > worth
	q.allocated = h.allocated
	switch {
	case busy:
		q.turns = idleTurns
		return false
	case now.Before(q.next):
		return false
	case q.turns > 0:
		q.turns--
		return true
	}
	return h.idle > worth
}

// took records how long it took to return memory.
func (q *idleness) took(now time.Time, d time.Duration) { q.next = now.Add(d * idleCost) }

// ReturnIdle returns memory to the system whenever the process has little to do, until ctx
// ends.
func ReturnIdle(ctx context.Context) {
	ticker := time.NewTicker(idleEvery)
	defer ticker.Stop()
	var q idleness
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if q.due(now, readSizes()) {
				debug.FreeOSMemory()
				q.took(time.Now(), time.Since(now))
			}
		}
	}
}

func readSizes() sizes {
	read := []runtimemetrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	runtimemetrics.Read(read)
	live, objects := read[0].Value.Uint64(), read[1].Value.Uint64()
	return sizes{
		live:      live,
		idle:      objects - min(objects, live) + read[2].Value.Uint64(),
		allocated: read[3].Value.Uint64(),
	}
}
