package blocks

import (
	"math"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// How large a chunk grows before another one is begun, and how much content
// is joined into one block: a change inside touches no more than that.
const (
	chunkBlocks = 64
	chunkBytes  = 4096
	blockBytes  = 2048
)

// rec says where a block of a chunk begins. It is small: there is one for each
// block of a document.
type rec struct {
	clock uint32 // behind the chunk's
	off   uint32 // in the chunk's bytes
}

// chunk is a few neighbouring blocks of one client, in V1, as they are
// written to the wire.
type chunk struct {
	clock uint64
	recs  []rec
	wire  []byte
}

// at gives the clock of block i.
func (k *chunk) at(i int) uint64 { return k.clock + uint64(k.recs[i].clock) }

// blockWire gives the bytes of block i.
func (k *chunk) blockWire(i int) []byte {
	if i+1 < len(k.recs) {
		return k.wire[k.recs[i].off:k.recs[i+1].off]
	}
	return k.wire[k.recs[i].off:]
}

// deleted tells whether nothing is left of block i but its place.
func (k *chunk) deleted(i int) bool { return kind(k.wire[k.recs[i].off]&kindMask) <= kindDeleted }

// find gives the index of the block that holds clock.
func (k *chunk) find(clock uint64) int {
	behind := uint32(min(clock-k.clock, math.MaxUint32))
	i, j := 0, len(k.recs)
	for i+1 < j {
		if mid := (i + j) / 2; k.recs[mid].clock <= behind {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// full tells whether a block at clock has to begin another chunk.
func (k *chunk) full(clock uint64) bool {
	return len(k.wire) >= chunkBytes || clock-k.clock > math.MaxInt32
}

// tail says how the last block of a chunk can be continued. The zero value
// says that it can't.
type tail struct {
	open   bool
	kind   kind
	flags  byte
	right  id
	prefix int // where in the chunk's bytes the length in front of the content stands
}

// takes tells whether b, the next block of the same client, says the same as
// more elements of the tail's block would.
func (t *tail) takes(b *block) bool {
	switch {
	case !t.open || t.kind != b.kind:
		return false
	case b.kind == kindGC:
		return true
	case b.flags&hasOrigin == 0 || b.origin != id{b.client, b.clock - 1}:
		return false
	case (b.flags^t.flags)&hasRight != 0, b.flags&hasRight != 0 && b.right != t.right:
		return false
	case b.kind == kindDeleted:
		return true
	}
	// The next value of a map key deletes the one before. They would be parted again.
	return b.kind.isRun() && (b.flags|t.flags)&hasKey == 0
}

// push appends b, joined with the last block where that is the same.
func (k *chunk) push(b *block, t *tail) {
	if t.takes(b) && (b.deleted() || len(k.wire)-t.prefix+len(b.content) <= blockBytes) {
		r := lib0.NewReader(k.wire[t.prefix:])
		old := r.Uint()
		grown := b.end() - k.at(len(k.recs)-1)
		if b.kind == kindString {
			grown = old + uint64(len(b.content))
		}
		k.setUint(t.prefix, r.Offset(), grown)
		k.wire = append(k.wire, b.content...)
		return
	}
	if len(k.recs) == 0 {
		k.clock = b.clock
	}
	k.recs = append(k.recs, rec{uint32(b.clock - k.clock), uint32(len(k.wire))})
	t.open, t.kind, t.flags, t.right = true, b.kind, b.flags, b.right
	k.wire, t.prefix = b.appendTo(k.wire)
}

// setUint writes v over the varUint of the given width at off.
func (k *chunk) setUint(off, width int, v uint64) {
	for more := lib0.UintLen(v) - width; more > 0; more-- {
		k.wire = slices.Insert(k.wire, off, 0)
	}
	lib0.AppendUint(k.wire[off:off], v)
}

// run is blocks of one client without a gap.
type run struct {
	end    uint64 // the clock behind the last block
	size   int    // bytes of all blocks
	count  int    // of pushed blocks that were not joined with the one before
	chunks []*chunk
	tail   tail
}

func (r *run) start() uint64 { return r.chunks[0].clock }

// push appends b, which begins at r.end unless r is empty. It copies what b
// aliases.
func (r *run) push(b *block) {
	if b.kind.isRun() && len(b.content) > blockBytes && b.len > 1 {
		r.pushParts(*b)
		return
	}
	var k *chunk
	if n := len(r.chunks); n > 0 {
		k = r.chunks[n-1]
		if !r.tail.open {
			r.tail = k.tail()
		}
	}
	if k == nil || k.full(b.clock) || len(k.recs) >= chunkBlocks && !r.tail.takes(b) {
		next := new(chunk)
		if k != nil {
			next.recs, next.wire = k.fit()
		}
		k, r.tail = next, tail{}
		r.chunks = append(r.chunks, k)
	}
	size, count := len(k.wire), len(k.recs)
	k.push(b, &r.tail)
	r.size += len(k.wire) - size
	r.count += len(k.recs) - count
	r.end = b.end()
}

// fit leaves the chunk no room to grow, and gives the room that it had.
func (k *chunk) fit() (recs []rec, wire []byte) {
	recs, wire = k.recs[:0], k.wire[:0]
	k.recs, k.wire = slices.Clone(k.recs), slices.Clone(k.wire)
	return recs, wire
}

// pushParts appends a long block in parts of about blockBytes. Strings are
// parted between code points only, so that nothing is lost.
func (r *run) pushParts(b block) {
	for b.len > 1 && len(b.content) > blockBytes {
		n := elementsWithin(&b, blockBytes)
		if n == b.len {
			break
		}
		rest := b.split(n)
		r.push(&b)
		b = rest
	}
	r.push(&b)
}

// elementsWithin counts the elements that fit into size bytes of content, at
// least one code point or element.
func elementsWithin(b *block, size int) (n uint64) {
	if b.kind == kindString {
		for size > 0 && b.content[size]&0xc0 == 0x80 {
			size--
		}
		return utf16Len(b.content[:size])
	}
	r := lib0.NewReader(b.content)
	for r.Offset() < len(b.content) {
		readElement(&r, b.kind)
		if r.Offset() > size && n > 0 {
			break
		}
		n++
	}
	return n
}

// tail reads how the chunk's last block can be continued.
func (k *chunk) tail() tail {
	last := len(k.recs) - 1
	r := lib0.NewReader(k.blockWire(last))
	info := r.Byte()
	b := block{clock: math.MaxUint64, kind: kind(info & kindMask), flags: info &^ kindMask}
	if b.kind != kindGC {
		b.readLinks(&r)
	}
	return tail{open: true, kind: b.kind, flags: b.flags, right: b.right, prefix: int(k.recs[last].off) + r.Offset()}
}

// find gives the index of the chunk that holds clock.
func (r *run) find(clock uint64) int {
	i, j := 0, len(r.chunks)
	for i+1 < j {
		if mid := (i + j) / 2; r.chunks[mid].clock <= clock {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// walker goes through the blocks of a run.
type walker struct {
	run   *run
	chunk int
	rec   int
}

// walk goes through the blocks from the one on that holds clock, or from the
// first.
func (r *run) walk(clock uint64) walker {
	w := walker{run: r}
	if clock > r.start() {
		w.chunk = r.find(clock)
		w.rec = r.chunks[w.chunk].find(clock)
	}
	return w
}

// blockEnd gives the clock behind block i of chunk c.
func (r *run) blockEnd(c, i int) uint64 {
	if k := r.chunks[c]; i+1 < len(k.recs) {
		return k.at(i + 1)
	}
	if c+1 < len(r.chunks) {
		return r.chunks[c+1].clock
	}
	return r.end
}

// next loads the next block into b; false: there is none.
func (w *walker) next(b *block, client uint64) bool {
	if w.chunk >= len(w.run.chunks) {
		return false
	}
	k := w.run.chunks[w.chunk]
	at := k.at(w.rec)
	b.load(k.blockWire(w.rec), client, at, w.run.blockEnd(w.chunk, w.rec)-at)
	if w.rec++; w.rec == len(k.recs) {
		w.chunk, w.rec = w.chunk+1, 0
	}
	return true
}

// deletion deletes spans of a run, with room to work in.
type deletion struct{ scratch chunk }

// delete drops the content of the elements in x, which r holds. What is
// deleted already stays as it is.
func (d *deletion) delete(r *run, client uint64, x span) {
	for c := r.find(x.from); x.from < x.to; c++ {
		k := r.chunks[c]
		end := r.blockEnd(c, len(k.recs)-1)
		part := span{x.from, min(x.to, end)}
		x.from = end
		size := len(k.wire)
		if !d.rewrite(r, c, client, part) {
			continue
		}
		r.size += len(k.wire) - size
		if c == len(r.chunks)-1 {
			r.tail = tail{}
		}
		switch {
		case len(k.recs) > 2*chunkBlocks || len(k.wire) > 2*chunkBytes && len(k.recs) >= chunkBlocks/4:
			r.chunks = slices.Insert(r.chunks, c+1, k.halve())
			c++
		case c > 0 && r.join(c, client):
			c--
		}
	}
}

// join puts the blocks of chunk c into the one before, if both together are no
// more than half a chunk.
func (r *run) join(c int, client uint64) bool {
	k, next := r.chunks[c-1], r.chunks[c]
	if len(k.recs)+len(next.recs) > chunkBlocks/2 || len(k.wire)+len(next.wire) > chunkBytes/2 {
		return false
	}
	t := k.tail()
	r.size -= len(k.wire) + len(next.wire)
	w := walker{run: r, chunk: c}
	for b := (block{}); w.chunk == c && w.next(&b, client); {
		k.push(&b, &t)
	}
	r.size += len(k.wire)
	r.chunks = slices.Delete(r.chunks, c, c+1)
	r.tail = tail{}
	return true
}

// rewrite deletes x, which lies in chunk c. It reports false if there was
// nothing to do.
func (d *deletion) rewrite(r *run, c int, client uint64, x span) bool {
	k := r.chunks[c]
	i, j := k.find(x.from), k.find(x.to-1)
	for k.deleted(i) {
		if i++; i > j {
			return false
		}
	}
	// Deleted neighbours come along: they join.
	if i > 0 && x.from <= k.at(i) {
		i--
	}
	if j+1 < len(k.recs) && x.to == k.at(j+1) {
		j++
	}
	out := &d.scratch
	out.recs, out.wire = out.recs[:0], out.wire[:0]
	var t tail
	for n := i; n <= j; n++ {
		var b block
		at := k.at(n)
		b.load(k.blockWire(n), client, at, r.blockEnd(c, n)-at)
		if !b.deleted() && b.clock < x.to && x.from < b.end() {
			if b.clock < x.from {
				rest := b.split(x.from - b.clock)
				out.push(&b, &t)
				b = rest
			}
			if x.to < b.end() {
				rest := b.split(x.to - b.clock)
				b.kill()
				out.push(&b, &t)
				b = rest
			} else {
				b.kill()
			}
		}
		out.push(&b, &t)
	}
	k.splice(i, j+1, out)
	return true
}

// splice puts the blocks of with in the place of the blocks i to j.
func (k *chunk) splice(i, j int, with *chunk) {
	from, to := int(k.recs[i].off), len(k.wire)
	if j < len(k.recs) {
		to = int(k.recs[j].off)
	}
	shift := len(with.wire) - (to - from)
	k.wire = replace(k.wire, from, to, with.wire)
	k.recs = replace(k.recs, i, j, with.recs)
	n := i
	for range with.recs {
		k.recs[n].clock += uint32(with.clock - k.clock)
		k.recs[n].off += uint32(from)
		n++
	}
	for ; n < len(k.recs); n++ {
		k.recs[n].off = uint32(int(k.recs[n].off) + shift)
	}
}

// replace is slices.Replace, but leaves little room where it has to make some,
// and not much where a lot has gone.
func replace[T any](s []T, i, j int, with []T) []T {
	n := len(s) + len(with) - (j - i)
	if room := n/8 + 8; n > cap(s) || cap(s)-n > 4*room {
		grown := make([]T, len(s), max(n, len(s))+room)
		copy(grown, s)
		s = grown
	}
	return slices.Replace(s, i, j, with...)
}

// halve moves the second half of the chunk's blocks into another one.
func (k *chunk) halve() *chunk {
	mid := len(k.recs) / 2
	off := k.recs[mid].off
	next := &chunk{clock: k.at(mid), recs: slices.Clone(k.recs[mid:]), wire: slices.Clone(k.wire[off:])}
	behind := k.recs[mid].clock
	for i := range next.recs {
		next.recs[i].clock -= behind
		next.recs[i].off -= off
	}
	k.recs, k.wire = slices.Clone(k.recs[:mid]), slices.Clone(k.wire[:off])
	return next
}
