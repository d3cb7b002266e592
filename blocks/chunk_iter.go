package blocks

import "github.com/yroom/yroom/internal/lib0"

// walker goes through the blocks of a run.
type runIter struct {
	run   *run
	from  uint64      // blocks that end before that are passed over
	wire  lib0.Reader // the rest of a chunk
	clock uint64      // of its next block
	chunk int         // what follows
}

// walk goes through the blocks from the one on that holds clock, or is behind it.
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

// next reads the next block into b; false: there is none.
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
