package blocks

import (
	"bytes"
	"math"

	"github.com/yroom/yroom/internal/clocks"
)

// clientBuilder builds the clientBlocks of a client that the store doesn't have from a
// section. It copies the section chunk by chunk, and joins blocks that can be joined.
// After the first block that is not canonical, it pushes blocks one by one: otherwise
// each such block could end a chunk with one block.
type clientBuilder struct {
	out     *clientBlocks
	client  uint64
	verbose bool // a block was not canonical: one of its integers was longer than necessary

	wire        []byte      // the section's blocks, and what follows them
	from        int         // offset in wire of what is not in the chunk yet
	scratch     []byte      // the chunk's bytes so far, if they differ from wire
	clock       uint64      // of the chunk
	count       int         // of the chunk's blocks
	tail        tail        // of the chunk
	lastDeleted clocks.Span // deleted elements that are not in deletedWire yet
	deletedWire []byte      // the spans of deleted elements, in the encoding of updates
}

// begin begins new clientBlocks, from blocks that are read from wire.
func (w *clientBuilder) begin(client uint64, wire []byte) {
	*w = clientBuilder{out: new(clientBlocks), client: client, wire: wire, scratch: w.scratch[:0], deletedWire: w.deletedWire[:0]}
}

// offsetOf returns the offset in the chunk of what is at off in wire.
func (w *clientBuilder) offsetOf(off int) int { return len(w.scratch) + off - w.from }

// add adds the block at off.
func (w *clientBuilder) add(l *blockLayout, off int, clock uint64) {
	if l.kind <= kindDeleted {
		w.addDeleted(clocks.Span{From: clock, To: clock + l.len})
	}
	if w.canJoin(l, off, clock) {
		w.scratch = append(w.scratch, w.wire[w.from:off]...)
		w.scratch = appendElements(w.scratch, w.tail.prefix, l.kind, l.len, w.wire[l.content:l.next])
		w.from = l.next
		return
	}
	at := w.offsetOf(off)
	if w.count >= 2*chunkBlocks || at >= chunkBytes || clock-w.clock > math.MaxInt32 {
		w.endChunk(off)
		at = 0
	}
	if w.count == 0 {
		w.clock = clock
	}
	w.count++
	w.tail = tail{l.kind, l.joinable, l.right, at + l.prefix - off}
}

// addBlock adds the block from off to next.
func (w *clientBuilder) addBlock(b *block, off, next int) {
	w.verbose = w.verbose || b.wire == nil
	if long := b.kind.hasElements() && len(b.content) > blockBytes; !w.verbose && !long {
		l := b.layout(next)
		w.add(&l, off, b.clock)
		return
	}
	w.endChunk(off)
	if b.deleted() {
		w.addDeleted(clocks.Span{From: b.clock, To: b.end()})
	}
	w.out.blocks.push(b)
	w.from = next
}

// canJoin reports whether a block can become further elements of the last one, as
// chunk.canJoin does.
func (w *clientBuilder) canJoin(l *blockLayout, off int, clock uint64) bool {
	return w.tail.joinable && l.kind == w.tail.kind && l.joinable && w.tail.continuedBy(l.origin, l.right, id{w.client, clock - 1}) &&
		(l.kind <= kindDeleted || w.offsetOf(off)-w.tail.prefix+l.next-l.content <= blockBytes)
}

// addDeleted adds elements that are deleted.
func (w *clientBuilder) addDeleted(x clocks.Span) {
	if w.lastDeleted.To == x.From {
		w.lastDeleted.To = x.To
		return
	}
	w.flushDeleted()
	w.lastDeleted = x
}

// flushDeleted encodes lastDeleted.
func (w *clientBuilder) flushDeleted() {
	if w.lastDeleted.To > 0 {
		w.deletedWire = appendSpan(w.deletedWire, w.lastDeleted)
		w.out.deleted.encoded.n++
	}
}

// endChunk ends the chunk at off.
func (w *clientBuilder) endChunk(off int) {
	if w.count > 0 {
		k := &chunk{clock: w.clock, unindexed: w.count}
		if len(w.scratch) > 0 {
			w.scratch = append(w.scratch, w.wire[w.from:off]...)
			k.wire = bytes.Clone(w.scratch)
		} else {
			k.wire = bytes.Clone(w.wire[w.from:off])
		}
		r := &w.out.blocks
		if n := len(r.chunks); n > 0 && r.chunks[n-1].unindexed == 0 {
			r.chunks[n-1].clip()
		}
		r.chunks, r.tail = append(r.chunks, k), tail{}
		r.size += len(k.wire)
		r.count += w.count
	}
	w.scratch, w.count, w.from, w.tail = w.scratch[:0], 0, off, tail{}
}

// finish returns the clientBlocks of the blocks up to off, which end at clock.
func (w *clientBuilder) finish(off int, clock uint64) *clientBlocks {
	w.endChunk(off)
	w.flushDeleted()
	w.out.blocks.end = clock
	w.out.deleted.encoded.wire = bytes.Clone(w.deletedWire)
	return w.out
}

// reset drops large buffers and the references to the section.
func (w *clientBuilder) reset() {
	w.out, w.wire = nil, nil
	if cap(w.scratch)+cap(w.deletedWire) > 4*chunkBytes {
		w.scratch, w.deletedWire = nil, nil
	}
}
