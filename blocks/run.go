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

func (k *chunk) kind(i int) kind { return kind(k.wire[k.recs[i].off] & kindMask) }

// deleted tells whether nothing is left of block i but its place.
func (k *chunk) deleted(i int) bool { return k.kind(i) <= kindDeleted }

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
	return len(k.recs) >= chunkBlocks || len(k.wire) >= chunkBytes || clock-k.clock > math.MaxInt32
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

// takes tells whether b can be more elements of the last block.
func (k *chunk) takes(b *block, t *tail) bool {
	return t.takes(b) && (b.deleted() || len(k.wire)-t.prefix+len(b.content) <= blockBytes)
}

// push appends b, joined with the last block where that is the same.
func (k *chunk) push(b *block, t *tail) {
	if k.takes(b, t) {
		k.join(b, t)
	} else {
		k.add(b, t)
	}
}

// add appends b as a block of its own.
func (k *chunk) add(b *block, t *tail) {
	if len(k.recs) == 0 {
		k.clock = b.clock
	}
	k.recs = append(k.recs, rec{uint32(b.clock - k.clock), uint32(len(k.wire))})
	t.open, t.kind, t.flags, t.right = true, b.kind, b.flags, b.right
	k.wire, t.prefix = b.appendTo(k.wire)
}

// join makes b more elements of the last block.
func (k *chunk) join(b *block, t *tail) {
	r := lib0.NewReader(k.wire[t.prefix:])
	grown := r.Uint() + uint64(len(b.content))
	if b.kind != kindString {
		grown = b.end() - k.at(len(k.recs)-1)
	}
	k.setUint(t.prefix, r.Offset(), grown)
	k.wire = append(k.wire, b.content...)
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
		if !r.tail.open && k.kind(len(k.recs)-1) == b.kind {
			r.tail = k.tail()
		}
	}
	size := 0
	if k != nil {
		size = len(k.wire)
	}
	switch {
	case k != nil && k.takes(b, &r.tail):
		k.join(b, &r.tail)
	case k == nil || k.full(b.clock):
		next := new(chunk)
		if k != nil {
			next.recs, next.wire = k.fit()
		}
		k, size, r.tail = next, 0, tail{}
		r.chunks = append(r.chunks, k)
		fallthrough
	default:
		k.add(b, &r.tail)
		r.count++
	}
	r.size += len(k.wire) - size
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
		return lib0.UTF16Len(b.content[:size])
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
