package blocks

import "github.com/yroom/yroom/internal/lib0"

// run is blocks of one client without a gap, in chunks.
type run struct {
	end    uint64 // the clock after the last element
	size   int    // in bytes, of all blocks
	count  int    // the number of blocks
	chunks []*chunk
	tail   tail
}

func (r *run) start() uint64 { return r.chunks[0].clock }

// push appends b, which must begin at r.end unless r is empty. It copies what b
// aliases.
func (r *run) push(b *block) {
	if b.kind.hasElements() && len(b.content) > blockBytes && b.len > 1 {
		r.pushParts(*b)
		return
	}
	var k *chunk
	if n := len(r.chunks); n > 0 {
		k = r.indexed(n - 1)
		if !r.tail.joinable && b.joinable() && k.kind(len(k.starts)-1) == b.kind {
			r.tail = k.tail()
		}
	}
	joined := k != nil && k.canJoin(b, &r.tail)
	if !joined && (k == nil || k.full(b.clock)) {
		next := new(chunk)
		if k != nil {
			next.starts, next.wire = k.clip()
		}
		k, r.tail = next, tail{}
		r.chunks = append(r.chunks, k)
	}
	size := len(k.wire)
	if joined {
		k.join(b, &r.tail)
	} else {
		k.add(b, &r.tail)
		r.count++
	}
	r.size += len(k.wire) - size
	r.end = b.end()
}

// pushParts appends a long block in parts of about blockBytes. It splits strings only
// between code points, so that no surrogate pair is lost.
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

// elementsWithin returns how many elements fit into size bytes of content, but at
// least one element or code point.
func elementsWithin(b *block, size int) (n uint64) {
	if b.kind == kindString {
		for size > 0 && b.content[size]&0xc0 == 0x80 {
			size--
		}
		return lib0.UTF16Len(b.content[:size])
	}
	r := lib0.Reread(b.content)
	for r.Offset() < len(b.content) {
		readElement(&r, b.kind)
		if r.Offset() > size && n > 0 {
			break
		}
		n++
	}
	return n
}

// indexed returns chunk c with its index.
func (r *run) indexed(c int) *chunk {
	k := r.chunks[c]
	if k.unindexed > 0 {
		k.buildIndex()
	}
	return k
}

// find returns the number of the chunk that holds clock.
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

// blockEnd returns the clock after block i of chunk c, which must be indexed.
func (r *run) blockEnd(c, i int) uint64 {
	if k := r.chunks[c]; i+1 < len(k.starts) {
		return k.clockOf(i + 1)
	}
	if c+1 < len(r.chunks) {
		return r.chunks[c+1].clock
	}
	return r.end
}
