package blocks

import (
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// place is where in a section a block begins.
type sectionPos struct {
	off   int    // in its bytes
	index uint64 // of its blocks
	clock uint64
}

// source gives blocks of one client in clock order: those of a checked section
// of an update, or those of runs.
type blockIter struct {
	client uint64
	block  block
	loaded bool

	section *section // nil: the source is runs
	wire    lib0.Reader
	pos     sectionPos // of block, if it is loaded
	nextPos sectionPos // of what comes next

	runs   []*run // the rest, and where in the first
	walker runIter
}

func iterSection(sec *section) blockIter {
	return sec.from(sectionPos{clock: sec.clock})
}

// from gives the blocks from a place on.
func (sec *section) from(p sectionPos) blockIter {
	return blockIter{client: sec.client, section: sec, wire: lib0.Reread(sec.wire[p.off:]), nextPos: p}
}

// runSource gives the blocks of runs, from the one on that holds clock or is
// behind it.
func iterRuns(client uint64, runs []*run, clock uint64) blockIter {
	i := sort.Search(len(runs), func(i int) bool { return runs[i].end > clock })
	s := blockIter{client: client, runs: runs[i:]}
	if len(s.runs) > 0 {
		s.walker = s.runs[0].iter(clock)
	}
	return s
}

// next goes to the next block; nil: there is none. The block is valid until
// the next call, and may be changed.
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

// at goes on to the block that holds clock; nil: none does. It never goes back.
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

// place is where a section's source has got to: at its block, or behind all.
func (s *blockIter) position() sectionPos {
	if s.loaded {
		return s.pos
	}
	return s.nextPos
}
