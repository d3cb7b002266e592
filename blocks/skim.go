package blocks

import (
	"unicode/utf8"

	"github.com/yroom/yroom/internal/lib0"
)

// glance is what it takes to hold a block as it stands in an update. It is smaller
// than a block: to fill that for each would make loading a fifth slower.
type glance struct {
	kind          kind
	joins         bool   // it can be joined with a neighbour of its kind
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
func (sec *section) skim(wire []byte, off int, left uint64, w *builder) (int, uint64) {
	clock, foreign := sec.end, sec.foreign
	var g glance
	for ; left > 0 && g.skim(wire, off, sec.client, clock); left-- {
		foreign = foreign || g.foreign
		if w != nil {
			w.add(&g, off, clock)
		}
		clock += g.len
		off = g.next
	}
	sec.elements += clock - sec.end
	sec.end, sec.foreign = clock, foreign
	return off, left
}

// skim reads the block at off if it is one of those that most documents are full
// of: text, or what is left of deleted text, where somebody has written before.
// Such a block is read and checked as block.read does it. Of any other, and of one
// that isn't written as short as can be or is bad, skim tells nothing but false.
func (g *glance) skim(buf []byte, off int, client, clock uint64) bool {
	if off >= len(buf) {
		return false
	}
	info := buf[off]
	g.kind = kind(info & kindMask)
	if g.kind != kindString && g.kind != kindDeleted || info&hasKey != 0 || info&(hasOrigin|hasRight) == 0 {
		return false
	}
	i := off + 1
	g.joins, g.foreign, g.origin, g.right = true, false, noID, noID
	if info&hasOrigin != 0 {
		g.origin.client, i = shortUint(buf, i)
		g.origin.clock, i = shortUint(buf, i)
		if g.origin.client != client {
			g.foreign = true
		} else if g.origin.clock >= clock {
			return false
		}
	}
	if info&hasRight != 0 {
		g.right.client, i = shortUint(buf, i)
		g.right.clock, i = shortUint(buf, i)
		if g.right.client != client {
			g.foreign = true
		} else if g.right.clock >= clock {
			return false
		}
	}
	g.prefix = i
	g.len, i = shortUint(buf, i)
	if i == len(buf) || g.len == 0 || clock+g.len > lib0.MaxInt {
		return false
	}
	g.content = i
	if g.kind == kindString {
		if g.len > uint64(min(len(buf)-i, blockBytes)) {
			return false
		}
		text := buf[i : i+int(g.len)]
		if !lib0.IsASCII(buf[i:], len(text)) {
			if !utf8.Valid(text) {
				return false
			}
			g.len = lib0.UTF16Len(text)
		}
		i += len(text)
	}
	g.next = i
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
func (b *block) glance(next int) glance {
	g := glance{kind: b.kind, foreign: b.foreign, next: next, len: b.len, joins: b.joins(), origin: b.originOrNone(), right: b.rightOrNone()}
	g.content = next - len(b.content)
	g.prefix = g.content - b.prefixLen()
	return g
}
