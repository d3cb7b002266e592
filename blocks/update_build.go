package blocks

import (
	"bytes"
	"math"

	"github.com/yroom/yroom/internal/clocks"
)

// builder makes the body of a client of the blocks that begin a section. It
// copies them as they are, a chunk at a time, and joins those that can be. From a
// loose block on it copies one by one: or each such block could end a chunk of one.
type clientBuilder struct {
	out     *clientBlocks
	client  uint64
	verbose bool // a block was not written as short as can be

	wire        []byte      // what the blocks are read from
	from        int         // where in that the chunk being made goes on
	scratch     []byte      // what the chunk has of before
	clock       uint64      // of the chunk
	count       int         // of its blocks
	tail        tail        // of its last block
	lastDeleted clocks.Span // deleted elements that are not in buried yet
	deletedWire []byte      // the deleted elements, as updates have them
}

// begin begins a body, of blocks that are read from wire.
func (w *clientBuilder) begin(client uint64, wire []byte) {
	*w = clientBuilder{out: new(clientBlocks), client: client, wire: wire, scratch: w.scratch[:0], deletedWire: w.deletedWire[:0]}
}

// at tells where in the chunk what stands at off in wire will be.
func (w *clientBuilder) offsetOf(off int) int { return len(w.scratch) + off - w.from }

// add takes a block that stands at off.
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

// addBlock takes a block that stands from off to next.
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

// takes tells whether a block can be more elements of the last one, as chunk.takes does.
func (w *clientBuilder) canJoin(l *blockLayout, off int, clock uint64) bool {
	return w.tail.joinable && l.kind == w.tail.kind && l.joinable && w.tail.continuedBy(l.origin, l.right, id{w.client, clock - 1}) &&
		(l.kind <= kindDeleted || w.offsetOf(off)-w.tail.prefix+l.next-l.content <= blockBytes)
}

// bury takes elements that are deleted.
func (w *clientBuilder) addDeleted(x clocks.Span) {
	if w.lastDeleted.To == x.From {
		w.lastDeleted.To = x.To
		return
	}
	w.flushDeleted()
	w.lastDeleted = x
}

// flush puts the deleted elements that came last among the others.
func (w *clientBuilder) flushDeleted() {
	if w.lastDeleted.To > 0 {
		w.deletedWire = appendSpan(w.deletedWire, w.lastDeleted)
		w.out.deleted.encoded.n++
	}
}

// cut ends the chunk at off.
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

// finish gives the body of all blocks, up to off and up to clock.
func (w *clientBuilder) finish(off int, clock uint64) *clientBlocks {
	w.endChunk(off)
	w.flushDeleted()
	w.out.blocks.end = clock
	w.out.deleted.encoded.wire = bytes.Clone(w.deletedWire)
	return w.out
}

// release gives up large room to work in, and lets go of body and wire.
func (w *clientBuilder) release() {
	w.out, w.wire = nil, nil
	if cap(w.scratch)+cap(w.deletedWire) > 4*chunkBytes {
		w.scratch, w.deletedWire = nil, nil
	}
}
