package blocks

import (
	"bytes"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// eraser deletes elements in chunks. Its scratch chunk is reused.
type eraser struct{ scratch chunk }

// delete drops the content of the elements in x. All of them must be in r, and none
// may be deleted yet.
func (e *eraser) delete(r *run, client uint64, x clocks.Span) {
	for c := r.find(x.From); x.From < x.To; c++ {
		k := r.indexed(c)
		end := r.blockEnd(c, len(k.starts)-1)
		part := clocks.Span{From: x.From, To: min(x.To, end)}
		x.From = end
		size, last := len(k.wire), len(k.starts)-1
		r.count -= len(k.starts)
		before := part.To <= k.clockOf(last) && !k.deleted(last)
		e.rewrite(r, c, client, part)
		shift := len(k.wire) - size
		r.size += shift
		r.count += len(k.starts)
		split := len(k.starts) > 2*chunkBlocks || len(k.wire) > 2*chunkBytes && len(k.starts) >= chunkBlocks/4
		if c == len(r.chunks)-1 {
			if before && !split {
				r.tail.prefix += shift
			} else {
				r.tail = tail{}
			}
		}
		switch {
		case split:
			r.chunks = slices.Insert(r.chunks, c+1, k.halve())
			c++
		case c > 0 && r.joinChunks(c, client):
			c--
		}
	}
}

// joinChunks moves the blocks of chunk c, which must be indexed, to the chunk before
// it, if both together are at most half a chunk. It reports whether they are.
func (r *run) joinChunks(c int, client uint64) bool {
	k, next := r.chunks[c-1], r.chunks[c]
	if k.count()+next.count() > chunkBlocks/2 || len(k.wire)+len(next.wire) > chunkBytes/2 ||
		k.full(next.clockOf(next.count()-1)) {
		return false
	}
	t := r.indexed(c - 1).tail()
	r.size -= len(k.wire) + len(next.wire)
	r.count -= k.count() + next.count()
	var b block
	for i := range next.starts {
		at := next.clockOf(i)
		b.load(next.blockWire(i), client, at, r.blockEnd(c, i)-at)
		k.push(&b, &t)
	}
	r.size += len(k.wire)
	r.count += k.count()
	r.chunks = slices.Delete(r.chunks, c, c+1)
	r.tail = tail{}
	return true
}

// rewrite deletes x, which must be inside chunk c.
func (e *eraser) rewrite(r *run, c int, client uint64, x clocks.Span) {
	k := r.chunks[c]
	i := k.find(x.From)
	j := i
	switch end := r.blockEnd(c, i); {
	case x.To > end:
		j = k.find(x.To - 1)
	case x.To == end && x.From == k.clockOf(i):
		k.deleteBlock(i, client, x)
		return
	case x.To == end && k.deleteEnd(i, client, x):
		return
	}
	// Rewrite deleted neighbours too, to join them.
	if i > 0 && x.From == k.clockOf(i) && k.deleted(i-1) {
		i--
	}
	if j+1 < len(k.starts) && x.To == k.clockOf(j+1) && k.deleted(j+1) {
		j++
	}
	out := &e.scratch
	out.starts, out.wire = out.starts[:0], out.wire[:0]
	var t tail
	for n := i; n <= j; n++ {
		var b block
		at := k.clockOf(n)
		b.load(k.blockWire(n), client, at, r.blockEnd(c, n)-at)
		if b.clock < x.From && !b.deleted() {
			rest := b.split(x.From - b.clock)
			out.push(&b, &t)
			b = rest
		}
		if x.To < b.end() && !b.deleted() {
			rest := b.split(x.To - b.clock)
			b.dropContent()
			out.push(&b, &t)
			b = rest
		} else {
			b.dropContent()
		}
		out.push(&b, &t)
	}
	k.splice(i, j+1, out)
}

// deleteBlock deletes block i, whose elements are x, in place, and joins it with
// deleted neighbours.
func (k *chunk) deleteBlock(i int, client uint64, x clocks.Span) {
	first, last := i, i
	wire := k.blockWire(i)
	from, to := int(k.starts[i].off), int(k.starts[i].off)+len(wire)
	if i > 0 && k.kind(i-1) == kindDeleted && follows(k.blockWire(i-1), wire, id{client, x.From}) {
		first = i - 1
		from -= lib0.UintLen(x.From - k.clockOf(first)) // a deleted block ends with its length
		x.From = k.clockOf(first)
	} else {
		_, end := linkOffsets(wire)
		from += end
		wire[0] = wire[0]&^kindMask | byte(kindDeleted)
	}
	if size, length := k.nextDeleted(i, id{client, x.To}); size > 0 {
		last = i + 1
		to, x.To = to+size, x.To+length
	}
	var scratch [8]byte
	length := lib0.AppendUint(scratch[:0], x.To-x.From)
	k.wire = replaceCompact(k.wire, from, to, length)
	k.starts = slices.Delete(k.starts, first+1, last+1)
	k.shiftStarts(first+1, len(length)-(to-from))
}

// deleteEnd deletes x, the last elements of block i, in place, and reports whether it
// has. It handles ASCII text only, as when a user deletes what they have just typed.
func (k *chunk) deleteEnd(i int, client uint64, x clocks.Span) bool {
	wire := k.blockWire(i)
	if k.kind(i) != kindString {
		return false
	}
	right, end := linkOffsets(wire)
	r := lib0.NewReader(wire[end:])
	size, keep := r.Uint(), x.From-k.clockOf(i)
	if size != x.To-k.clockOf(i) || keep == 0 || lib0.UintLen(size) != lib0.UintLen(keep) {
		return false
	}
	from := int(k.starts[i].off) + end + r.Offset() + int(keep)
	to := int(k.starts[i].off) + len(wire)

	flags := wire[0] & hasRight
	last := i
	var scratch [48]byte
	out := append(scratch[:0], byte(kindDeleted)|hasOrigin|flags)
	out = lib0.AppendUint(out, client)
	out = lib0.AppendUint(out, x.From-1)
	if flags != 0 {
		out = append(out, wire[right:end]...)
	}
	if size, length := k.nextDeleted(i, id{client, x.To}); size > 0 {
		last = i + 1
		to, x.To = to+size, x.To+length
	}
	out = lib0.AppendUint(out, x.To-x.From)

	lib0.AppendUint(wire[end:end], keep)
	k.wire = replaceCompact(k.wire, from, to, out)
	k.starts = replaceCompact(k.starts, i+1, last+1, []blockStart{{uint32(x.From - k.clock), uint32(from)}})
	k.shiftStarts(i+2, len(out)-(to-from))
	return true
}

// nextDeleted returns the size in bytes and the length in elements of the block after
// block i, if that is deleted and continues block i at the given id. Otherwise it
// returns zeros.
func (k *chunk) nextDeleted(i int, at id) (size int, length uint64) {
	if i+1 == len(k.starts) || k.kind(i+1) != kindDeleted {
		return 0, 0
	}
	next := k.blockWire(i + 1)
	if !follows(k.blockWire(i), next, at) {
		return 0, 0
	}
	_, end := linkOffsets(next)
	r := lib0.NewReader(next[end:])
	return len(next), r.Uint()
}

// shiftStarts adds by to the offsets of the blocks from i on.
func (k *chunk) shiftStarts(i, by int) {
	for ; i < len(k.starts); i++ {
		k.starts[i].off = uint32(int(k.starts[i].off) + by)
	}
}

// follows reports whether block b, which begins at the given id, continues block a:
// its origin is a's last element, and both have the same right origin.
func follows(a, b []byte, at id) bool {
	if b[0]&hasOrigin == 0 || (a[0]^b[0])&hasRight != 0 {
		return false
	}
	r := lib0.NewReader(b[1:])
	if (id{r.Uint(), r.Uint()} != id{at.client, at.clock - 1}) {
		return false
	}
	if a[0]&hasRight == 0 {
		return true
	}
	rightA, endA := linkOffsets(a)
	rightB, endB := linkOffsets(b)
	return bytes.Equal(a[rightA:endA], b[rightB:endB])
}

// linkOffsets returns the offset in the bytes of a block at which its right origin
// begins, if it has one, and the offset at which its content begins, prefix included.
func linkOffsets(wire []byte) (right, end int) {
	end = 1
	if wire[0]&(hasOrigin|hasRight) == 0 {
		var b block
		r := lib0.Reread(wire)
		b.readHead(&r)
		return 0, r.Offset()
	}
	if wire[0]&hasOrigin != 0 {
		end = skipID(wire, end)
	}
	right = end
	if wire[0]&hasRight != 0 {
		end = skipID(wire, end)
	}
	return right, end
}

// skipID returns the offset after the id at wire[i].
func skipID(wire []byte, i int) int {
	for range 2 {
		for wire[i] >= 0x80 {
			i++
		}
		i++
	}
	return i
}

// splice replaces the blocks from i to j, excluded, with those of with.
func (k *chunk) splice(i, j int, with *chunk) {
	from, to := int(k.starts[i].off), len(k.wire)
	if j < len(k.starts) {
		to = int(k.starts[j].off)
	}
	shift := len(with.wire) - (to - from)
	k.wire = replaceCompact(k.wire, from, to, with.wire)
	k.starts = replaceCompact(k.starts, i, j, with.starts)
	n := i
	for range with.starts {
		k.starts[n].clock += uint32(with.clock - k.clock)
		k.starts[n].off += uint32(from)
		n++
	}
	k.shiftStarts(n, shift)
}

// replaceCompact is slices.Replace with less spare capacity: it allocates little, and
// reallocates if much becomes unused.
func replaceCompact[T any](s []T, i, j int, with []T) []T {
	n := len(s) + len(with) - (j - i)
	if spare := n/8 + 8; n > cap(s) || cap(s)-n > 4*spare {
		s = append(make([]T, 0, max(n, len(s))+spare), s...)
	}
	out := s[:max(n, len(s))]
	copy(out[i+len(with):], s[j:])
	copy(out[i:], with)
	return out[:n]
}

// halve moves the second half of the chunk's blocks to a new chunk.
func (k *chunk) halve() *chunk {
	mid := len(k.starts) / 2
	off := k.starts[mid].off
	next := &chunk{clock: k.clockOf(mid), starts: slices.Clone(k.starts[mid:]), wire: slices.Clone(k.wire[off:])}
	first := k.starts[mid].clock
	for i := range next.starts {
		next.starts[i].clock -= first
		next.starts[i].off -= off
	}
	k.starts, k.wire = slices.Clone(k.starts[:mid]), slices.Clone(k.wire[:off])
	return next
}
