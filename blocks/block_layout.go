package blocks

import (
	"unicode/utf8"

	"github.com/yroom/yroom/internal/lib0"
)

// glance is what it takes to hold a block as it stands in an update. It is smaller
// than a block: to fill that for each would make loading a fifth slower.
type blockLayout struct {
	kind          kind
	joinable      bool   // it can be joined with a neighbour of its kind
	foreign       bool   // it refers to another client
	prefix        int    // where in what it was read from the length in front of its content stands
	content       int    // where the content does
	next          int    // behind that
	len           uint64 // elements
	origin, right id     // noID where it has none
}

// skim reads blocks that stand in wire from off on, up to left of them, as long as
// glance.skim takes them, and has w, if there is one, take them too. It gives where
// the next one stands, and how many are left.
func (sec *section) readSimple(wire []byte, off int, left uint64, w *clientBuilder) (int, uint64) {
	clock, foreign := sec.end, sec.foreign
	var l blockLayout
	for ; left > 0 && l.readSimple(wire, off, sec.client, clock); left-- {
		foreign = foreign || l.foreign
		if w != nil {
			w.add(&l, off, clock)
		}
		clock += l.len
		off = l.next
	}
	sec.elements += clock - sec.end
	sec.end, sec.foreign = clock, foreign
	return off, left
}

// skim reads the block at off if it is one of those that most documents are full
// of: text, or what is left of deleted text, where somebody has written before.
// Such a block is read and checked as block.read does it. Of any other, and of one
// that isn't written as short as can be or is bad, skim tells nothing but false.
func (l *blockLayout) readSimple(buf []byte, off int, client, clock uint64) bool {
	if off >= len(buf) {
		return false
	}
	info := buf[off]
	l.kind = kind(info & kindMask)
	if l.kind != kindString && l.kind != kindDeleted || info&hasKey != 0 || info&(hasOrigin|hasRight) == 0 {
		return false
	}
	i := off + 1
	l.joinable, l.foreign, l.origin, l.right = true, false, noID, noID
	if info&hasOrigin != 0 {
		l.origin.client, i = shortUint(buf, i)
		l.origin.clock, i = shortUint(buf, i)
		if l.origin.client != client {
			l.foreign = true
		} else if l.origin.clock >= clock {
			return false
		}
	}
	if info&hasRight != 0 {
		l.right.client, i = shortUint(buf, i)
		l.right.clock, i = shortUint(buf, i)
		if l.right.client != client {
			l.foreign = true
		} else if l.right.clock >= clock {
			return false
		}
	}
	l.prefix = i
	l.len, i = shortUint(buf, i)
	if i == len(buf) || l.len == 0 || clock+l.len > lib0.MaxInt {
		return false
	}
	l.content = i
	if l.kind == kindString {
		if l.len > uint64(min(len(buf)-i, blockBytes)) {
			return false
		}
		text := buf[i : i+int(l.len)]
		if !lib0.IsASCII(buf[i:], len(text)) {
			if !utf8.Valid(text) {
				return false
			}
			l.len = lib0.UTF16Len(text)
		}
		i += len(text)
	}
	l.next = i
	return true
}

// shortUint reads a number of at most five bytes. What is longer than that, longer
// than need be, or cut off, it takes to end with buf.
func shortUint(buf []byte, i int) (v uint64, next int) {
	for shift := 0; i < len(buf) && shift < 35; shift += 7 {
		b := buf[i]
		i++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				break
			}
			return v, i
		}
	}
	return 0, len(buf)
}

// glance is the same of a block that was read and ends at next.
func (b *block) layout(next int) blockLayout {
	l := blockLayout{kind: b.kind, foreign: b.foreign, next: next, len: b.len, joinable: b.joinable(), origin: b.originOrNone(), right: b.rightOrNone()}
	l.content = next - len(b.content)
	l.prefix = l.content - b.prefixLen()
	return l
}
