package blocks

import (
	"math"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// How large a chunk grows before another one is begun, and how much content
// is joined into one block: a change inside touches no more than that. A chunk
// that is loaded, or edited in its middle, may have twice as many blocks.
const (
	chunkBlocks = 64
	chunkBytes  = 4096
	blockBytes  = 2048
)

// rec says where a block of a chunk begins.
type blockStart struct {
	clock uint32 // behind the chunk's
	off   uint32 // in the chunk's bytes
}

// chunk is a few neighbouring blocks of one client, in V1, as they are
// written to the wire.
//
// A chunk that was loaded is closed: it is bytes, and nobody knows where in them
// a block begins until somebody opens it (run.open). Most chunks never are. What
// asks for a block by its number wants an open one.
type chunk struct {
	clock     uint64
	unindexed int          // how many blocks it has, where it is closed
	starts    []blockStart // its blocks, where it is open
	wire      []byte
}

// open finds out where the blocks begin.
func (k *chunk) buildIndex() {
	k.starts = make([]blockStart, 0, k.unindexed)
	r := lib0.Reread(k.wire)
	for clock := uint64(0); r.Len() > 0; {
		k.starts = append(k.starts, blockStart{uint32(clock), uint32(r.Offset())})
		clock += readLen(&r)
	}
	k.unindexed = 0
}

// readLen reads past a block that was checked, and gives how many elements it has.
func readLen(r *lib0.Reader) uint64 {
	var b block
	if b.readHead(r); b.kind == kindGC {
		return r.Uint()
	}
	b.readContent(r)
	return b.len
}

// count is how many blocks the chunk has.
func (k *chunk) count() int { return k.unindexed + len(k.starts) }

// at gives the clock of block i.
func (k *chunk) clockOf(i int) uint64 { return k.clock + uint64(k.starts[i].clock) }

// blockWire gives the bytes of block i.
func (k *chunk) blockWire(i int) []byte {
	if i+1 < len(k.starts) {
		return k.wire[k.starts[i].off:k.starts[i+1].off]
	}
	return k.wire[k.starts[i].off:]
}

func (k *chunk) kind(i int) kind { return kind(k.wire[k.starts[i].off] & kindMask) }

// deleted tells whether nothing is left of block i but its place.
func (k *chunk) deleted(i int) bool { return k.kind(i) <= kindDeleted }

// find gives the index of the block that holds clock.
func (k *chunk) find(clock uint64) int {
	behind := uint32(min(clock-k.clock, math.MaxUint32))
	i, j := 0, len(k.starts)
	for i+1 < j {
		if mid := (i + j) / 2; k.starts[mid].clock <= behind {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// full tells whether a block at clock has to begin another chunk.
func (k *chunk) full(clock uint64) bool {
	return k.count() >= chunkBlocks || len(k.wire) >= chunkBytes || clock-k.clock > math.MaxInt32
}

// tail says how the last block of a chunk can be continued. The zero value
// says that it can't.
type tail struct {
	kind     kind
	joinable bool
	right    id  // noID: it has none
	prefix   int // where in the chunk's bytes the length in front of the content stands
}

// takes tells whether a block of the tail's kind, that may be joined with others, says
// the same as more elements of the tail's block would. before is the element in front
// of it; origin and right are noID where it has none.
func (t *tail) continuedBy(origin, right, before id) bool {
	return t.kind == kindGC || origin == before && right == t.right
}

// takes tells whether b, the next block of the same client, can be more elements of
// the last block.
func (k *chunk) canJoin(b *block, t *tail) bool {
	return t.joinable && b.kind == t.kind && b.joinable() && t.continuedBy(b.originOrNone(), b.rightOrNone(), id{b.client, b.clock - 1}) &&
		(b.deleted() || len(k.wire)-t.prefix+len(b.content) <= blockBytes)
}

// push appends b, joined with the last block where that is the same.
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

// join makes b more elements of the last block.
func (k *chunk) join(b *block, t *tail) {
	k.wire = appendElements(k.wire, t.prefix, b.kind, b.len, b.content)
}

// grow gives wire with more elements of the given content in its last block. The
// length of what that holds stands at prefix.
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

// fit leaves the chunk no room to grow, and gives the room that it had.
func (k *chunk) clip() (recs []blockStart, wire []byte) {
	recs, wire = k.starts[:0], k.wire[:0]
	k.starts, k.wire = slices.Clone(k.starts), slices.Clone(k.wire)
	return recs, wire
}

// tail reads how the chunk's last block can be continued.
func (k *chunk) tail() tail {
	last := len(k.starts) - 1
	r := lib0.NewReader(k.blockWire(last))
	var b block
	b.readHead(&r)
	return tail{kind: b.kind, joinable: b.joinable(), right: b.rightOrNone(), prefix: int(k.starts[last].off) + r.Offset()}
}
