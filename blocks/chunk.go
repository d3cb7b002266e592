package blocks

import (
	"math"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// A chunk that reaches chunkBlocks or chunkBytes is full: the next block begins
// another one. Blocks are joined up to blockBytes of content, so that an edit inside a
// block copies no more than that. A chunk that was loaded, or edited in its middle,
// may have twice as many blocks.
const (
	chunkBlocks = 64
	chunkBytes  = 4096
	blockBytes  = 2048
)

// blockStart is where a block of a chunk begins.
type blockStart struct {
	clock uint32 // relative to the chunk's clock
	off   uint32 // offset in the chunk's bytes
}

// chunk is a few neighbouring blocks of one client, encoded in V1.
//
// A chunk that was loaded has no index: it is bytes and the number of their blocks.
// The index, where each block begins, is built when a block is looked up
// (run.indexed); for most chunks that never happens. Methods that take the number of a
// block need the index.
type chunk struct {
	clock     uint64
	unindexed int          // the number of blocks, if there is no index; else 0
	starts    []blockStart // the index
	wire      []byte
}

// buildIndex finds where the blocks begin.
func (k *chunk) buildIndex() {
	k.starts = make([]blockStart, 0, k.unindexed)
	r := lib0.Reread(k.wire)
	for clock := uint64(0); r.Len() > 0; {
		k.starts = append(k.starts, blockStart{uint32(clock), uint32(r.Offset())})
		clock += readLen(&r)
	}
	k.unindexed = 0
}

// readLen reads a checked block and returns how many elements it has.
func readLen(r *lib0.Reader) uint64 {
	var b block
	if b.readHead(r); b.kind.bare() {
		return r.Uint()
	}
	b.readContent(r)
	return b.len
}

// count returns how many blocks the chunk has.
func (k *chunk) count() int { return k.unindexed + len(k.starts) }

// clockOf returns the clock of block i.
func (k *chunk) clockOf(i int) uint64 { return k.clock + uint64(k.starts[i].clock) }

// blockWire returns the bytes of block i, which alias the chunk.
func (k *chunk) blockWire(i int) []byte {
	if i+1 < len(k.starts) {
		return k.wire[k.starts[i].off:k.starts[i+1].off]
	}
	return k.wire[k.starts[i].off:]
}

func (k *chunk) kind(i int) kind { return kind(k.wire[k.starts[i].off] & kindMask) }

// deleted reports whether block i is a deleted block or a GC block.
func (k *chunk) deleted(i int) bool { return k.kind(i) <= kindDeleted }

// find returns the number of the block that holds clock.
func (k *chunk) find(clock uint64) int {
	offset := uint32(min(clock-k.clock, math.MaxUint32))
	i, j := 0, len(k.starts)
	for i+1 < j {
		if mid := (i + j) / 2; k.starts[mid].clock <= offset {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// full reports whether a block at clock must begin another chunk.
func (k *chunk) full(clock uint64) bool {
	return k.count() >= chunkBlocks || len(k.wire) >= chunkBytes || clock-k.clock > math.MaxInt32
}

// tail is what joining needs of the last block of a chunk. The zero value can't be
// joined with any block.
type tail struct {
	kind     kind
	joinable bool
	right    id  // noID if there is none
	prefix   int // offset in the chunk's bytes of the content's prefix
}

// continuedBy reports whether a joinable block of the tail's kind means the same as
// further elements of the tail's block. before is the element before that block;
// origin and right are noID if it has none.
func (t *tail) continuedBy(origin, right, before id) bool {
	return t.kind == kindGC || origin == before && right == t.right
}

// canJoin reports whether b, the next block of the same client, can become further
// elements of the last block.
func (k *chunk) canJoin(b *block, t *tail) bool {
	return t.joinable && b.kind == t.kind && b.joinable() && t.continuedBy(b.originOrNone(), b.rightOrNone(), id{b.client, b.clock - 1}) &&
		(b.deleted() || len(k.wire)-t.prefix+len(b.content) <= blockBytes)
}

// push appends b, joined with the last block if possible.
func (k *chunk) push(b *block, t *tail) {
	if k.canJoin(b, t) {
		k.join(b, t)
	} else {
		k.add(b, t)
	}
}

// add appends b as a block of its own.
func (k *chunk) add(b *block, t *tail) {
	if len(k.starts) == 0 {
		k.clock = b.clock
	}
	k.starts = append(k.starts, blockStart{uint32(b.clock - k.clock), uint32(len(k.wire))})
	t.kind, t.joinable, t.right = b.kind, b.joinable(), b.rightOrNone()
	k.wire, t.prefix = b.appendTo(k.wire)
}

// join appends the elements of b to the last block.
func (k *chunk) join(b *block, t *tail) {
	k.wire = appendElements(k.wire, t.prefix, b.kind, b.len, b.content)
}

// appendElements appends content, of more elements, to the last block of wire, whose
// prefix is at the offset prefix.
func appendElements(wire []byte, prefix int, k kind, more uint64, content []byte) []byte {
	if k == kindString {
		more = uint64(len(content))
	}
	r := lib0.NewReader(wire[prefix:])
	length := r.Uint() + more
	for wider := lib0.UintLen(length) - r.Offset(); wider > 0; wider-- {
		wire = slices.Insert(wire, prefix, 0)
	}
	lib0.AppendUint(wire[prefix:prefix], length)
	return append(wire, content...)
}

// clip copies the chunk's slices to the size that they need. It returns the old ones,
// emptied, for reuse.
func (k *chunk) clip() (recs []blockStart, wire []byte) {
	recs, wire = k.starts[:0], k.wire[:0]
	k.starts, k.wire = slices.Clone(k.starts), slices.Clone(k.wire)
	return recs, wire
}

// tail reads the tail of the chunk.
func (k *chunk) tail() tail {
	last := len(k.starts) - 1
	r := lib0.NewReader(k.blockWire(last))
	var b block
	b.readHead(&r)
	return tail{kind: b.kind, joinable: b.joinable(), right: b.rightOrNone(), prefix: int(k.starts[last].off) + r.Offset()}
}
