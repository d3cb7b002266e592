package blocks

import (
	"unicode/utf8"

	"github.com/yroom/yroom/internal/lib0"
)

// blockLayout is what loading needs of a block: how it joins its neighbours, and where
// its parts are in the bytes that it was read from. It is smaller than block: filling
// a block for each one read would make loading a fifth slower.
type blockLayout struct {
	kind          kind
	joinable      bool   // see block.joinable
	foreign       bool   // it refers to an element of another client
	prefix        int    // offset of the content's prefix
	content       int    // offset of the content
	next          int    // offset of the end
	len           uint64 // in elements
	origin, right id     // noID if the block has none
}

// readSimple reads up to left blocks from offset off of wire, as long as
// blockLayout.readSimple accepts them, and adds them to w unless w is nil. It returns
// the offset of the next block and the number of blocks left.
func (sec *section) readSimple(wire []byte, off int, left uint64, w *clientBuilder) (int, uint64) {
	clock, foreign, text := sec.end, sec.foreign, sec.text
	var l blockLayout
	for ; left > 0 && l.readSimple(wire, off, sec.client, clock); left-- {
		foreign = foreign || l.foreign
		// Most blocks follow an element of the same client that is in a list of text, too.
		follows := l.origin == id{sec.client, clock - 1}
		text = text && follows
		linked := l.right != noID || l.kind == kindString && !text
		sec.linked = sec.linked || linked
		text = text || l.kind == kindString
		if sec.index != nil {
			sec.index.add(blockPos{clock, off}, l.right, linked, follows)
		}
		if w != nil {
			w.add(&l, off, clock)
		}
		clock += l.len
		off = l.next
	}
	sec.elements += clock - sec.end
	sec.end, sec.foreign, sec.text = clock, foreign, text
	return off, left
}

// isSimple reports whether info is the first byte of a block of the kind that most
// documents consist of: text or deleted content with an origin or right origin.
func isSimple(info byte) bool {
	k := kind(info & kindMask)
	return (k == kindString || k == kindDeleted) && info&hasKey == 0 && info&(hasOrigin|hasRight) != 0
}

// readSimple reads the block at off if isSimple accepts it. Such a block is checked
// as block.read checks it. For any other block, and for one that is malformed or has
// an integer longer than necessary, readSimple returns false.
func (l *blockLayout) readSimple(buf []byte, off int, client, clock uint64) bool {
	if off >= len(buf) {
		return false
	}
	info := buf[off]
	if !isSimple(info) {
		return false
	}
	l.kind = kind(info & kindMask)
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

// shortUint reads a varUint of at most five bytes at buf[i]. If the integer takes more
// than five bytes, more than necessary, or is truncated, next is len(buf).
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

// layout returns the layout of a block that was read and ends at offset next.
func (b *block) layout(next int) blockLayout {
	l := blockLayout{kind: b.kind, foreign: b.foreign, next: next, len: b.len, joinable: b.joinable(), origin: b.originOrNone(), right: b.rightOrNone()}
	l.content = next - len(b.content)
	l.prefix = l.content - b.prefixLen()
	return l
}
