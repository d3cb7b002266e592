package blocks

import (
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// split splits the block before its element n, with 0 < n < len: b keeps the elements
// before n, and right has the others. If n splits a surrogate pair, each half becomes
// U+FFFD, as in yjs (ContentString.splice).
func (b *block) split(n uint64) (right block) {
	b.wire = nil
	right = *b
	right.clock += n
	right.len -= n
	b.len = n
	if b.kind.bare() {
		return right
	}
	right.flags |= hasOrigin
	right.origin = id{b.client, right.clock - 1}
	right.parent, right.parentIsID = nil, false
	switch {
	case b.kind == kindString:
		b.content, right.content, right.owned = lib0.SplitUTF16(b.content, n, n+right.len, b.owned)
		b.owned = false
	case b.kind.hasElements():
		r := lib0.Reread(b.content)
		for ; n > 0; n-- {
			readElement(&r, b.kind)
		}
		b.content, right.content = b.content[:r.Offset()], b.content[r.Offset():]
	}
	return right
}

// from returns the part of the block from clock on. clock must be less than the
// block's end.
func (b *block) from(clock uint64) block {
	part := *b
	part.cutFront(clock)
	return part
}

// cutLinks reduces the block to its elements x. The content stays as it is: what remains
// has the links of a block of these elements, and its length.
func (b *block) cutLinks(x clocks.Span) {
	if x.From > b.clock && !b.kind.bare() {
		b.flags |= hasOrigin
		b.origin = id{b.client, x.From - 1}
		b.parent, b.parentIsID = nil, false
	}
	b.clock, b.len, b.wire = x.From, x.To-x.From, nil
}

// cutFront removes the elements before clock, which must be less than the block's end.
func (b *block) cutFront(clock uint64) {
	if clock > b.clock {
		*b = b.split(clock - b.clock)
	}
}
