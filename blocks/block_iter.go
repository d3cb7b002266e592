package blocks

import (
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// sectionPos is the position of a block in a section.
type sectionPos struct {
	off   int    // offset in the section's bytes
	index uint64 // number of blocks before it
	clock uint64
}

// blockIter iterates over blocks of one client in clock order: the blocks of a checked
// section of an update, or the blocks of runs.
type blockIter struct {
	client uint64
	block  block
	loaded bool

	section *section // nil if the blocks are those of runs
	wire    lib0.Reader
	pos     sectionPos // of block, if loaded
	nextPos sectionPos // of the next block

	runs   []*run // the runs that are left; iter iterates over the first of them
	walker runIter
}

func iterSection(sec *section) blockIter {
	return sec.from(sectionPos{clock: sec.clock})
}

// from returns an iterator over the blocks of the section from p on.
func (sec *section) from(p sectionPos) blockIter {
	return blockIter{client: sec.client, section: sec, wire: lib0.Reread(sec.wire[p.off:]), nextPos: p}
}

// iterRuns returns an iterator over the blocks of runs from the first one on that ends
// after clock.
func iterRuns(client uint64, runs []*run, clock uint64) blockIter {
	i := sort.Search(len(runs), func(i int) bool { return runs[i].end > clock })
	s := blockIter{client: client, runs: runs[i:]}
	if len(s.runs) > 0 {
		s.walker = s.runs[0].iter(clock)
	}
	return s
}

// next advances to the next block, or returns nil if there is none. The block is valid
// until the next call, and may be changed.
func (s *blockIter) next() *block {
	for s.section != nil && s.nextPos.index < s.section.count {
		s.pos = s.nextPos
		left := s.wire.Len()
		s.block.read(&s.wire, s.client, s.pos.clock)
		s.nextPos = sectionPos{s.pos.off + left - s.wire.Len(), s.pos.index + 1, s.block.end()}
		if s.block.kind != kindSkip {
			return &s.block
		}
	}
	for len(s.runs) > 0 {
		if s.walker.next(&s.block, s.client) {
			return &s.block
		}
		if s.runs = s.runs[1:]; len(s.runs) > 0 {
			s.walker = s.runs[0].iter(0)
		}
	}
	return nil
}

// seek advances to the block that holds clock, or returns nil if no block does.
// Successive calls must not decrease clock.
func (s *blockIter) seek(clock uint64) *block {
	for {
		if !s.loaded {
			if s.next() == nil {
				return nil
			}
			s.loaded = true
		}
		if s.block.end() > clock {
			break
		}
		s.loaded = false
	}
	if s.block.clock > clock {
		return nil
	}
	return &s.block
}
