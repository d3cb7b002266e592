package blocks

import (
	"bytes"
	"unicode/utf8"

	"github.com/yroom/yroom/internal/clocks"
)

// clashBlocks bounds how many blocks are read to find a clash: those of an update and
// those of the document together.
const clashBlocks = 1024

// Clashes returns how many of the updates that Apply has taken had a clash: a block
// that the document has with the same client and clock, and with other content. It also
// returns the first element of the last one. Such a block is dropped like any block
// that the document has already, so the client that has sent it shows another document
// than all others. It means that two programs use the same client id at the same time,
// or that one has lost what it had written before.
//
// Only the first blocks of an update are compared, and only the parts of a block that
// have one encoding. So some clashes are not counted, but everything that is counted is a
// clash.
func (s *Store) Clashes() (n int, last ID) { return s.clashes, s.lastClash }

// noteClash counts a clash of the update, if it has one.
func (s *Store) noteClash(in *parsedUpdate) {
	left := clashBlocks
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c == nil || sec.clock >= c.blocks.end {
			continue
		}
		if clock, found := c.clash(sec, &left); found {
			s.clashes++
			s.lastClash = ID{c.id, clock}
		}
		if left <= 0 {
			return
		}
	}
}

// clash returns the clock of the first element for which the section has another block
// than the document, and reports whether there is one. It decreases left by the
// number of blocks that it reads, and ends when left is 0.
func (c *client) clash(sec *section, left *int) (clock uint64, found bool) {
	sent, held := iterSection(sec), c.blocks.iter(sec.clock)
	var b block
	for s := sent.next(); s != nil && s.clock < c.blocks.end; s = sent.next() {
		for b.end() <= s.clock {
			if *left--; *left < 0 || !held.next(&b, c.id) {
				return 0, false
			}
		}
		if *left--; *left < 0 {
			return 0, false
		}
		if b.kind == kindSkip {
			continue
		}
		if both := (clocks.Span{From: max(s.clock, b.clock), To: min(s.end(), b.end())}); clashes(s.part(both), b.part(both)) {
			return both.From, true
		}
	}
	return 0, false
}

// part returns the part of the block with the elements x, which it must have.
func (b *block) part(x clocks.Span) block {
	part := b.from(x.From)
	if part.end() > x.To {
		part.split(x.To - x.From)
	}
	return part
}

// clashes reports whether two blocks of the same elements differ. It doesn't compare
// deleted blocks, which have lost their content; text in which a surrogate pair was split,
// which has lost the pair; values, which can be encoded in several ways; and the right
// origins of blocks with an origin, which may have been mended.
func clashes(a, b block) bool {
	switch {
	case a.deleted() || b.deleted():
		return false
	case a.kind != b.kind, a.originOrNone() != b.originOrNone(), a.flags&hasOrigin == 0 && a.rightOrNone() != b.rightOrNone(), !bytes.Equal(a.parent, b.parent):
		return true
	}
	return a.kind == kindString && !bytes.Equal(a.content, b.content) &&
		!bytes.ContainsRune(a.content, utf8.RuneError) && !bytes.ContainsRune(b.content, utf8.RuneError)
}
