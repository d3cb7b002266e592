package blocks

import (
	"bytes"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// eraser deletes spans of a run, with room to work in.
type eraser struct{ scratch chunk }

// delete drops the content of the elements in x, which r holds and none of
// which is deleted yet.
func (e *eraser) delete(r *run, client uint64, x clocks.Span) {
	for c := r.find(x.From); x.From < x.To; c++ {
		k := r.open(c)
		end := r.blockEnd(c, len(k.recs)-1)
		part := clocks.Span{From: x.From, To: min(x.To, end)}
		x.From = end
		size, last := len(k.wire), len(k.recs)-1
		before := part.To <= k.at(last) && !k.deleted(last)
		e.rewrite(r, c, client, part)
		shift := len(k.wire) - size
		r.size += shift
		split := len(k.recs) > 2*chunkBlocks || len(k.wire) > 2*chunkBytes && len(k.recs) >= chunkBlocks/4
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
		case c > 0 && r.join(c, client):
			c--
		}
	}
}

// join puts the blocks of chunk c, which is open, into the one before, if both
// together are no more than half a chunk.
func (r *run) join(c int, client uint64) bool {
	k, next := r.chunks[c-1], r.chunks[c]
	if k.count()+next.count() > chunkBlocks/2 || len(k.wire)+len(next.wire) > chunkBytes/2 ||
		k.full(next.at(next.count()-1)) {
		return false
	}
	t := r.open(c - 1).tail()
	r.size -= len(k.wire) + len(next.wire)
	var b block
	for i := range next.recs {
		at := next.at(i)
		b.load(next.blockWire(i), client, at, r.blockEnd(c, i)-at)
		k.push(&b, &t)
	}
	r.size += len(k.wire)
	r.chunks = slices.Delete(r.chunks, c, c+1)
	r.tail = tail{}
	return true
}

// rewrite deletes x, which lies in chunk c.
func (e *eraser) rewrite(r *run, c int, client uint64, x clocks.Span) {
	k := r.chunks[c]
	i := k.find(x.From)
	j := i
	switch end := r.blockEnd(c, i); {
	case x.To > end:
		j = k.find(x.To - 1)
	case x.To == end && x.From == k.at(i):
		k.bury(i, client, x)
		return
	case x.To == end && k.buryEnd(i, client, x):
		return
	}
	// Deleted neighbours come along: they join.
	if i > 0 && x.From == k.at(i) && k.deleted(i-1) {
		i--
	}
	if j+1 < len(k.recs) && x.To == k.at(j+1) && k.deleted(j+1) {
		j++
	}
	out := &e.scratch
	out.recs, out.wire = out.recs[:0], out.wire[:0]
	var t tail
	for n := i; n <= j; n++ {
		var b block
		at := k.at(n)
		b.load(k.blockWire(n), client, at, r.blockEnd(c, n)-at)
		if b.clock < x.From && !b.deleted() {
			rest := b.split(x.From - b.clock)
			out.push(&b, &t)
			b = rest
		}
		if x.To < b.end() && !b.deleted() {
			rest := b.split(x.To - b.clock)
			b.kill()
			out.push(&b, &t)
			b = rest
		} else {
			b.kill()
		}
		out.push(&b, &t)
	}
	k.splice(i, j+1, out)
}

// bury deletes block i, which is x, in its place, and joins it with deleted
// neighbours.
func (k *chunk) bury(i int, client uint64, x clocks.Span) {
	first, last := i, i
	wire := k.blockWire(i)
	from, to := int(k.recs[i].off), int(k.recs[i].off)+len(wire)
	if i > 0 && k.kind(i-1) == kindDeleted && chained(k.blockWire(i-1), wire, id{client, x.From}) {
		first = i - 1
		from -= lib0.UintLen(x.From - k.at(first)) // a deleted block ends with its length
		x.From = k.at(first)
	} else {
		_, end := links(wire)
		from += end
		wire[0] = wire[0]&^kindMask | byte(kindDeleted)
	}
	if size, length := k.nextChained(i, id{client, x.To}); size > 0 {
		last = i + 1
		to, x.To = to+size, x.To+length
	}
	var room [8]byte
	length := lib0.AppendUint(room[:0], x.To-x.From)
	k.wire = replace(k.wire, from, to, length)
	k.recs = slices.Delete(k.recs, first+1, last+1)
	k.shift(first+1, len(length)-(to-from))
}

// buryEnd deletes x, the end of block i, in its place, as far as that is easy:
// ASCII that somebody takes back.
func (k *chunk) buryEnd(i int, client uint64, x clocks.Span) bool {
	wire := k.blockWire(i)
	if k.kind(i) != kindString {
		return false
	}
	right, end := links(wire)
	r := lib0.NewReader(wire[end:])
	size, keep := r.Uint(), x.From-k.at(i)
	if size != x.To-k.at(i) || keep == 0 || lib0.UintLen(size) != lib0.UintLen(keep) {
		return false
	}
	from := int(k.recs[i].off) + end + r.Offset() + int(keep)
	to := int(k.recs[i].off) + len(wire)

	flags := wire[0] & hasRight
	last := i
	var room [48]byte
	out := append(room[:0], byte(kindDeleted)|hasOrigin|flags)
	out = lib0.AppendUint(out, client)
	out = lib0.AppendUint(out, x.From-1)
	if flags != 0 {
		out = append(out, wire[right:end]...)
	}
	if size, length := k.nextChained(i, id{client, x.To}); size > 0 {
		last = i + 1
		to, x.To = to+size, x.To+length
	}
	out = lib0.AppendUint(out, x.To-x.From)

	lib0.AppendUint(wire[end:end], keep)
	k.wire = replace(k.wire, from, to, out)
	k.recs = replace(k.recs, i+1, last+1, []rec{{uint32(x.From - k.clock), uint32(from)}})
	k.shift(i+2, len(out)-(to-from))
	return true
}

// nextChained gives the bytes and the elements of the block behind block i where
// it is deleted and goes on where that ends, at the given id.
func (k *chunk) nextChained(i int, at id) (size int, length uint64) {
	if i+1 == len(k.recs) || k.kind(i+1) != kindDeleted {
		return 0, 0
	}
	next := k.blockWire(i + 1)
	if !chained(k.blockWire(i), next, at) {
		return 0, 0
	}
	_, end := links(next)
	r := lib0.NewReader(next[end:])
	return len(next), r.Uint()
}

// shift moves where the blocks from i on begin.
func (k *chunk) shift(i, by int) {
	for ; i < len(k.recs); i++ {
		k.recs[i].off = uint32(int(k.recs[i].off) + by)
	}
}

// chained tells whether block b, whose id is given, goes on where block a ends:
// its origin is a's last element, and they have the same right origin.
func chained(a, b []byte, at id) bool {
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
	rightA, endA := links(a)
	rightB, endB := links(b)
	return bytes.Equal(a[rightA:endA], b[rightB:endB])
}

// links tells where in the bytes of a block its right origin begins, if it has
// one, and where its content does.
func links(wire []byte) (right, end int) {
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

// skipID gives the place behind the id at wire[i].
func skipID(wire []byte, i int) int {
	for range 2 {
		for wire[i] >= 0x80 {
			i++
		}
		i++
	}
	return i
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
	k.shift(n, shift)
}

// replace is slices.Replace, but leaves little room where it has to make some,
// and not much where a lot has gone.
func replace[T any](s []T, i, j int, with []T) []T {
	n := len(s) + len(with) - (j - i)
	if room := n/8 + 8; n > cap(s) || cap(s)-n > 4*room {
		s = append(make([]T, 0, max(n, len(s))+room), s...)
	}
	out := s[:max(n, len(s))]
	copy(out[i+len(with):], s[j:])
	copy(out[i:], with)
	return out[:n]
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
