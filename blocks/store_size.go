package blocks

import (
	"math"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// What counts against Options.MaxSize, in addition to the bytes of blocks: what the
// store holds for each client, chunk, block, span of deleted elements and depth. So
// neither a document nor its encoding can take much more than the limit, whatever it
// consists of. A client with one block takes 330 to 510 bytes, its chunk included.
const (
	clientSize = 400
	chunkSize  = 96
	blockSize  = 8
	spanSize   = 16
	depthSize  = 8
	indexSize  = 128                       // of holes
	holeSize   = 10 + blockSize + spanSize // a skip, and the span in front of it

	// splitSize is more than what splitting a block adds, which is a block with the links
	// of the first part. New chunks are counted separately.
	splitSize = 48 + blockSize
)

// total returns the size that counts against Options.MaxSize.
func (s *Store) total() int { return s.integratedCost + s.Pending() + clientSize*len(s.byID) }

// cost returns the size that counts for the run.
func (r *run) cost() int { return r.size + blockSize*r.count + chunkSize*len(r.chunks) }

func (d *clientBlocks) cost() int {
	n := d.blocks.cost() + spanSize*d.deleted.count()
	if d.holes() {
		n += indexSize + spanSize*d.present.count()
	}
	return n
}

// sizes is the size of a client's integrated blocks: in bytes, and as it counts.
type sizes struct{ bytes, cost, count int }

func (d *clientBlocks) sizes() sizes { return sizes{d.blocks.size, d.cost(), d.blocks.count} }

// changed updates the document's size after the integrated blocks of a client have
// changed.
func (s *Store) changed(d *clientBlocks, before sizes) {
	now := d.sizes()
	s.blocksSize += now.bytes - before.bytes
	s.integratedCost += now.cost - before.cost
	s.blockCount += now.count - before.count
}

// checkSize returns ErrLimit if the planned update would take the document past a limit.
// size is the update's, and gained is the size of its new blocks, in bytes. An update
// that makes the document smaller is accepted, whatever its size is.
//
// The estimates of what an update adds are never too low. They are too high for an
// update that deletes what it adds itself.
func (s *Store) checkSize(in *parsedUpdate, limits *Options, gained, size int) error {
	if limits == nil {
		return nil
	}
	if most := costOfByte * size; s.Pending()+most <= limits.MaxPending && s.total()+most <= limits.MaxSize {
		return nil
	}
	added := s.newPendingCost(in)
	if pending := s.Pending() + added; added > 0 && pending > limits.MaxPending {
		return overLimit("pending blocks and deletions", pending, limits.MaxPending)
	}
	before := s.total() - clientSize*s.plan.added
	added += clientSize*(s.plan.added+s.deletionClients(in)) + s.newBlocksCost(in, gained) + s.newDeletionsCost(in)
	if before+added <= limits.MaxSize {
		return nil
	}
	if over := before + added - max(before, limits.MaxSize); s.freedBy(in, over) < over {
		return overLimit("the document", before+added, limits.MaxSize)
	}
	return nil
}

// deletionClients returns for how many clients that the store doesn't have the update has
// deletions.
func (s *Store) deletionClients(in *parsedUpdate) (n int) {
	for i := range in.deletions {
		if s.find(in.deletions[i].client) == nil {
			n++
		}
	}
	return n
}

// newBlocksCost returns what the new blocks of an update add. gained is their size in
// bytes.
func (s *Store) newBlocksCost(in *parsedUpdate, gained int) int {
	if gained == 0 {
		return 0
	}
	count, elements, merging := uint64(0), uint64(0), 0
	for i := range in.sections {
		sec := &in.sections[i]
		count += min(sec.count, math.MaxInt32)
		elements += sec.elements
		if c := s.find(sec.client); !c.plain {
			merging += c.mergeCost(sec)
		}
	}
	blocks := min(int(count), gained/2) // the smallest takes two bytes
	spans := blocks                     // all may be deleted
	splits := gained * 2 / blockBytes   // of long blocks
	blocks += splits
	chunks := blocks/chunkBlocks + gained/chunkBytes + int(elements>>31) + 2*len(in.sections)
	return gained + merging + spanSize*spans + blockSize*blocks + splitSize*splits + chunkSize*min(chunks, blocks) + depthSize*(s.plan.depths+s.plan.staged)
}

// mergeCost returns what it adds that a section's blocks are merged into those of c: blocks
// that are divided by what c has, holes, and chunks where a row of blocks begins or ends.
func (c *client) mergeCost(sec *section) int {
	most := int(min(sec.elements, math.MaxInt32)) // a part of a block has an element, at least
	cuts := len(c.pending) + 2
	if c.holes() {
		cuts += c.present.count()
	}
	cuts = min(cuts, most)
	rows := cuts
	if sec.elements < sec.end-sec.clock { // there are skips
		rows += int(min(sec.count, math.MaxInt32))
	}
	if c.late != nil {
		rows += len(c.late.passed) + len(c.late.woken)
	}
	return splitSize*cuts + (holeSize+2*chunkSize)*min(rows, most) + indexSize
}

// newDeletionsCost returns what the new deletions of integrated and ready elements add
// if no content is dropped.
func (s *Store) newDeletionsCost(in *parsedUpdate) (cost int) {
	for i := range in.deletions {
		d := &in.deletions[i]
		c := s.find(d.client)
		if c == nil {
			continue // pending
		}
		if d.prepared != nil && c.plain && c.late == nil {
			cost += spanSize * d.n
			continue
		}
		at := boundaries{store: s, client: c}
		for _, x := range d.read() {
			x.To = min(x.To, max(c.blocks.end, c.scanned))
			if x.From >= x.To {
				break
			}
			cost += spanSize // x and the spans that it covers or touches become one
			c.eachUndeleted(x, func(part clocks.Span) { cost += at.splitCost(part) })
		}
	}
	return cost
}

// boundaries finds the blocks of a client that deletions split, in clock order.
type boundaries struct {
	store   *Store
	client  *client
	section blockIter // if begun
	begun   bool
}

// splitCost returns what is added if the blocks at both ends of x are split.
func (s *boundaries) splitCost(x clocks.Span) (cost int) {
	if s.store.options.History {
		return 0
	}
	for _, clock := range [2]uint64{x.From, x.To} {
		if s.inside(clock) {
			cost += splitSize
		}
	}
	if cost > 0 {
		cost += chunkSize / (chunkBlocks / 2)
	}
	return cost
}

// inside reports whether a block begins before clock and ends after it.
func (s *boundaries) inside(clock uint64) bool {
	c := s.client
	switch {
	case clock == c.blocks.end || clock > c.blocks.end && clock == c.scanned:
		return false
	case clock < c.blocks.end:
		n := c.blocks.find(clock)
		k := c.blocks.indexed(n)
		return k.clockOf(k.find(clock)) != clock
	case len(c.pending) > 0 || c.section == nil:
		return true
	}
	if !s.begun {
		s.section, s.begun = iterSection(c.section), true
	}
	b := s.section.seek(clock)
	return b != nil && b.clock != clock && !b.deleted()
}

// freedBy returns how much of the content that is in the document an update deletes, at
// least: it stops when that is enough, or when it has read more blocks than the update is
// worth.
func (s *Store) freedBy(in *parsedUpdate, enough int) (freed int) {
	if s.options.History {
		return 0
	}
	left := 4096
	for i := range in.deletions {
		d := &in.deletions[i]
		c := s.find(d.client)
		if c == nil || c.blocks.end == 0 {
			continue
		}
		spans := d.read()
		left += 16 * len(spans)
		for _, x := range spans {
			x.To = min(x.To, c.blocks.end)
			if x.From >= x.To {
				break
			}
			c.eachUndeleted(x, func(part clocks.Span) {
				var b block
				for w := c.blocks.iter(part.From); freed < enough && left > 0 && part.From < part.To && w.next(&b, c.id); left-- {
					to := min(part.To, b.end())
					if b.kind != kindSkip {
						freed += b.freed(to - part.From)
					}
					part.From = to
				}
			})
			if freed >= enough || left <= 0 {
				return freed
			}
		}
	}
	return freed
}

// freed returns how many bytes of the block's content are dropped, at least, if n of its
// elements are deleted.
func (b *block) freed(n uint64) int {
	if n == b.len {
		return len(b.content) + b.prefixLen() - lib0.UintLen(b.len)
	}
	return int(min(n, math.MaxInt32)) // an element takes a byte, at least
}
