package blocks

import "github.com/yroom/yroom/internal/lib0"

// sectionIndex is where the blocks of a section begin, and which of them plan.accept must
// look at.
type sectionIndex struct {
	starts []blockPos // of all blocks, skips included
	open   []int      // the numbers of the blocks that plan.accept must look at
	right  id         // while the section is read: the right origin of the last block

	// The clocks of the section are divided into equal shares, about as many as it has
	// blocks, so that few blocks need to be searched for a clock. first is the block that
	// holds the first clock of each share.
	first []uint32
	shift int // the share of a clock, counted from the section's, is the clock >> shift
}

// blockPos is where a block of a section begins.
type blockPos struct {
	clock uint64
	off   int // offset in the section's bytes
}

// smallSection is the number of blocks up to which a section has no index, until one of
// its blocks is looked up.
const smallSection = 16

func newIndex(blocks uint64) *sectionIndex {
	return &sectionIndex{starts: make([]blockPos, 0, blocks), right: noID}
}

// add adds the next block. linked reports whether refCheck must look up what the block
// refers to, and follows whether its origin is the last element of the block before it.
//
// Most blocks continue the one before them, in front of the same right origin. If that
// one is in order, so are they, and no other block can have been inserted between the two.
func (x *sectionIndex) add(at blockPos, right id, linked, follows bool) {
	if len(x.starts) == 0 || !follows || linked && (right == noID || right != x.right) {
		x.open = append(x.open, len(x.starts))
	}
	x.starts, x.right = append(x.starts, at), right
}

// indexed returns the section's index.
func (sec *section) indexed() *sectionIndex {
	if sec.index == nil {
		sec.index = newIndex(sec.count)
		r := lib0.Reread(sec.wire)
		var b block
		for clock := sec.clock; r.Len() > 0; clock = b.end() {
			sec.index.starts = append(sec.index.starts, blockPos{clock, r.Offset()})
			b.read(&r, sec.client, clock)
		}
	}
	return sec.index
}

// find returns the number of the block that holds clock.
func (sec *section) find(clock uint64) int {
	x := sec.indexed()
	i, j := 0, len(x.starts)
	if j > smallSection {
		if x.first == nil {
			sec.share()
		}
		k := (clock - sec.clock) >> x.shift
		i, j = int(x.first[k]), int(x.first[k+1])+1
	}
	for i+1 < j {
		if mid := int(uint(i+j) / 2); x.starts[mid].clock <= clock {
			i = mid
		} else {
			j = mid
		}
	}
	return i
}

// share divides the clocks of the section.
func (sec *section) share() {
	x, span := sec.index, sec.end-sec.clock
	for span>>x.shift >= uint64(2*len(x.starts)) {
		x.shift++
	}
	x.first = make([]uint32, span>>x.shift+2)
	n := 0
	for k := range x.first {
		for n+1 < len(x.starts) && x.starts[n+1].clock <= sec.clock+uint64(k)<<x.shift {
			n++
		}
		x.first[k] = uint32(n)
	}
}

// startOf returns where block n begins, or where the section ends.
func (sec *section) startOf(n int) blockPos {
	if n < len(sec.index.starts) {
		return sec.index.starts[n]
	}
	return blockPos{sec.end, len(sec.wire)}
}

// readLinks reads block n without its content. The section must have an index.
func (sec *section) readLinks(n int, b *block) {
	from, to := sec.startOf(n), sec.startOf(n+1)
	r := lib0.Reread(sec.wire[from.off:])
	info := r.Byte()
	b.client, b.clock, b.len = sec.client, from.clock, to.clock-from.clock
	b.kind, b.flags = kind(info&kindMask), info&^kindMask
	b.parent, b.content, b.wire, b.parentIsID, b.foreign, b.owned = nil, nil, nil, false, false, false
	if b.kind.bare() {
		b.flags = 0
		return
	}
	b.readLinks(&r)
}
