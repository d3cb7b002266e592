package blocks

import (
	"bytes"
	"unicode/utf8"

	"github.com/yroom/yroom/internal/lib0"
)

// split parts the block before its element n, with 0 < n < len: b keeps the
// elements in front and right gets the others. Parting a surrogate pair
// writes U+FFFD on both sides, as yjs does (ContentString.splice).
func (b *block) split(n uint64) (right block) {
	b.wire = nil
	right = *b
	right.clock += n
	right.len -= n
	b.len = n
	if b.kind == kindGC {
		return right
	}
	right.flags |= hasOrigin
	right.origin = id{b.client, right.clock - 1}
	right.parent, right.parentIsID = nil, false
	switch {
	case b.kind == kindString && b.len+right.len == uint64(len(b.content)): // ASCII
		b.content, right.content = b.content[:n:n], b.content[n:]
	case b.kind == kindString:
		b.content, right.content, right.own = splitText(b.content, n, b.own)
		b.own = false
	case b.kind.isRun():
		r := lib0.Reread(b.content)
		for ; n > 0; n-- {
			readElement(&r, b.kind)
		}
		b.content, right.content = b.content[:r.Offset()], b.content[r.Offset():]
	}
	return right
}

// from gives the part of the block from the given clock on, which must be
// before its end.
func (b *block) from(clock uint64) block {
	part := *b
	part.cutFront(clock)
	return part
}

// cutFront takes away what is before clock, which must be before the end.
func (b *block) cutFront(clock uint64) {
	if clock > b.clock {
		*b = b.split(clock - b.clock)
	}
}

// splitText parts UTF-8 text before its n'th UTF-16 unit. own says that text may
// be changed; ownRight, that right may be, and that nobody else has it.
func splitText(text []byte, n uint64, own bool) (left, right []byte, ownRight bool) {
	i := 0
	for n > 0 {
		if text[i] < utf8.RuneSelf {
			i++
			n--
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		if size == 4 {
			if n == 1 {
				return splitPair(text, i, own)
			}
			n--
		}
		n--
		i += size
	}
	return text[:i:i], text[i:], own
}

// splitPair parts the surrogate pair at text[i:i+4]. The rest is copied at most
// once, however often it is parted.
func splitPair(text []byte, i int, own bool) (left, right []byte, ownRight bool) {
	left = utf8.AppendRune(append(make([]byte, 0, i+3), text[:i]...), utf8.RuneError)
	right = text[i+1:]
	if !own {
		right = bytes.Clone(right)
	}
	utf8.AppendRune(right[:0], utf8.RuneError)
	return left, right, true
}
