package blocks

import "github.com/yroom/yroom/internal/lib0"

// runIter iterates over the blocks of a run.
type runIter struct {
	run   *run
	from  uint64      // blocks that end before or at from are skipped
	wire  lib0.Reader // the rest of the current chunk
	clock uint64      // of the next block
	chunk int         // the next chunk
}

// iter returns an iterator over the blocks that end after clock.
func (r *run) iter(clock uint64) runIter {
	w := runIter{run: r, from: clock, chunk: r.find(clock)}
	if w.chunk < len(r.chunks) && r.chunks[w.chunk].unindexed == 0 {
		k := r.chunks[w.chunk]
		i := k.find(max(clock, k.clock))
		w.wire, w.clock = lib0.Reread(k.wire[k.starts[i].off:]), k.clockOf(i)
		w.chunk++
	}
	return w
}

// next reads the next block into b. It reports false if there is none.
func (w *runIter) next(b *block, client uint64) bool {
	for {
		for w.wire.Len() == 0 {
			if w.chunk == len(w.run.chunks) {
				return false
			}
			k := w.run.chunks[w.chunk]
			w.wire, w.clock = lib0.Reread(k.wire), k.clock
			w.chunk++
		}
		b.read(&w.wire, client, w.clock)
		if w.clock = b.end(); w.clock > w.from {
			return true
		}
	}
}
