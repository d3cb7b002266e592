package blocks

import (
	"bytes"
	"math"

	"github.com/yroom/yroom/internal/clocks"
)

// builder makes the body of a client of the blocks that begin a section. It
// copies them as they are, a chunk at a time, and joins those that can be. From a
// loose block on it copies one by one: or each such block could end a chunk of one.
type builder struct {
	body   *body
	client uint64
	loose  bool // a block was not written as short as can be

	wire   []byte      // what the blocks are read from
	from   int         // where in that the chunk being made goes on
	room   []byte      // what the chunk has of before
	clock  uint64      // of the chunk
	count  int         // of its blocks
	tail   tail        // of its last block
	dead   clocks.Span // deleted elements that are not in buried yet
	buried []byte      // the deleted elements, as updates have them
}

// begin begins a body, of blocks that are read from wire.
func (w *builder) begin(client uint64, wire []byte) {
	*w = builder{body: new(body), client: client, wire: wire, room: w.room[:0], buried: w.buried[:0]}
}

// at tells where in the chunk what stands at off in wire will be.
func (w *builder) at(off int) int { return len(w.room) + off - w.from }

// add takes a block that stands at off.
func (w *builder) add(g *glance, off int, clock uint64) {
	if g.kind <= kindDeleted {
		w.bury(clocks.Span{From: clock, To: clock + g.len})
	}
	if w.takes(g, off, clock) {
		w.room = append(w.room, w.wire[w.from:off]...)
		w.room = grow(w.room, w.tail.prefix, g.kind, g.len, w.wire[g.content:g.next])
		w.from = g.next
		return
	}
	at := w.at(off)
	if w.count >= 2*chunkBlocks || at >= chunkBytes || clock-w.clock > math.MaxInt32 {
		w.cut(off)
		at = 0
	}
	if w.count == 0 {
		w.clock = clock
	}
	w.count++
	w.tail = tail{g.kind, g.joins, g.right, at + g.prefix - off}
}

// addBlock takes a block that stands from off to next.
func (w *builder) addBlock(b *block, off, next int) {
	w.loose = w.loose || b.wire == nil
	if long := b.kind.isRun() && len(b.content) > blockBytes; !w.loose && !long {
		g := b.glance(next)
		w.add(&g, off, b.clock)
		return
	}
	w.cut(off)
	if b.deleted() {
		w.bury(clocks.Span{From: b.clock, To: b.end()})
	}
	w.body.blocks.push(b)
	w.from = next
}

// takes tells whether a block can be more elements of the last one, as chunk.takes does.
func (w *builder) takes(g *glance, off int, clock uint64) bool {
	return w.tail.joins && g.kind == w.tail.kind && g.joins && w.tail.takes(g.origin, g.right, id{w.client, clock - 1}) &&
		(g.kind <= kindDeleted || w.at(off)-w.tail.prefix+g.next-g.content <= blockBytes)
}

// bury takes elements that are deleted.
func (w *builder) bury(x clocks.Span) {
	if w.dead.To == x.From {
		w.dead.To = x.To
		return
	}
	w.flush()
	w.dead = x
}

// flush puts the deleted elements that came last among the others.
func (w *builder) flush() {
	if w.dead.To > 0 {
		w.buried = appendSpan(w.buried, w.dead)
		w.body.deleted.closed.n++
	}
}

// cut ends the chunk at off.
func (w *builder) cut(off int) {
	if w.count > 0 {
		k := &chunk{clock: w.clock, closed: w.count}
		if len(w.room) > 0 {
			w.room = append(w.room, w.wire[w.from:off]...)
			k.wire = bytes.Clone(w.room)
		} else {
			k.wire = bytes.Clone(w.wire[w.from:off])
		}
		r := &w.body.blocks
		if n := len(r.chunks); n > 0 && r.chunks[n-1].closed == 0 {
			r.chunks[n-1].fit()
		}
		r.chunks, r.tail = append(r.chunks, k), tail{}
		r.size += len(k.wire)
		r.count += w.count
	}
	w.room, w.count, w.from, w.tail = w.room[:0], 0, off, tail{}
}

// finish gives the body of all blocks, up to off and up to clock.
func (w *builder) finish(off int, clock uint64) *body {
	w.cut(off)
	w.flush()
	w.body.blocks.end = clock
	w.body.deleted.closed.wire = bytes.Clone(w.buried)
	return w.body
}

// release gives up large room to work in, and lets go of body and wire.
func (w *builder) release() {
	w.body, w.wire = nil, nil
	if cap(w.room)+cap(w.buried) > 4*chunkBytes {
		w.room, w.buried = nil, nil
	}
}
