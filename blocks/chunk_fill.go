package blocks

import "slices"

// filler puts blocks into the holes of a run, in clock order. It rewrites the chunks
// with such holes.
type filler struct {
	run    *run
	client uint64
	first  int      // the first chunk that is rewritten
	next   int      // the chunk after the last one that is
	out    []*chunk // what replaces the chunks from first to next

	writing bool   // chunk next-1 is being written
	open    run    // what it becomes
	end     uint64 // where it ends
	at      int    // the number of its block rest
	rest    block  // what is left of that block
}

// add puts a block into a hole, which must be large enough.
func (f *filler) add(b *block) {
	if f.writing && b.clock >= f.end {
		f.close()
	}
	if !f.writing {
		f.begin(b.clock)
	}
	for f.rest.end() <= b.clock {
		f.copy()
	}
	if hole := f.rest; hole.clock < b.clock {
		hole.len, hole.wire = b.clock-hole.clock, nil
		f.open.push(&hole)
	}
	f.open.push(b)
	f.rest.len, f.rest.clock, f.rest.wire = f.rest.end()-b.end(), b.end(), nil
	if f.rest.len == 0 {
		f.load(f.at + 1)
	}
}

// begin begins to write the chunk that holds clock.
func (f *filler) begin(clock uint64) {
	n := f.run.find(clock)
	if f.out == nil {
		f.first, f.next = n, n
	}
	f.out = append(f.out, f.run.chunks[f.next:n]...)
	f.next = n + 1
	k := f.run.indexed(n)
	f.writing, f.open, f.end = true, run{}, f.run.blockEnd(n, len(k.starts)-1)
	f.load(0)
}

// load sets rest to block i of the chunk, or to an empty block at its end.
func (f *filler) load(i int) {
	f.at = i
	k := f.run.chunks[f.next-1]
	if i == len(k.starts) {
		f.rest = block{clock: f.end}
		return
	}
	at := k.clockOf(i)
	f.rest.load(k.blockWire(i), f.client, at, f.run.blockEnd(f.next-1, i)-at)
}

// copy copies rest.
func (f *filler) copy() {
	f.open.push(&f.rest)
	f.load(f.at + 1)
}

// close copies what is left of the chunk.
func (f *filler) close() {
	for f.rest.len > 0 {
		f.copy()
	}
	k := f.run.chunks[f.next-1]
	f.run.size += f.open.size - len(k.wire)
	f.run.count += f.open.count - k.count()
	f.open.chunks[len(f.open.chunks)-1].clip()
	f.out = append(f.out, f.open.chunks...)
	f.writing, f.open = false, run{}
}

// finish ends the writing. No more blocks may be added.
func (f *filler) finish() {
	if f.writing {
		f.close()
	}
	if f.out == nil {
		return
	}
	f.run.chunks = slices.Replace(f.run.chunks, f.first, f.next, f.out...)
	f.run.tail = tail{}
	f.out = nil
}
