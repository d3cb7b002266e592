package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// pendingRange returns the range of the pending runs that overlap or touch a section.
func (c *client) pendingRange(sec *section) (from, to int) {
	from = sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end >= sec.clock })
	to = from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() > sec.end })
	return from, to
}

// addPending adds the section's blocks to the pending ones, except those that are known.
func (c *client) addPending(sec *section) {
	from, to := c.pendingRange(sec)
	held := c.pending[from:to]
	before := pendingCostOf(held)
	var runs []*run
	q := pieces{client: c, src: iterSection(sec)}
	for b := q.next(); b != nil; b = q.next() {
		for len(held) > 0 && held[0].end <= b.clock {
			runs = append(runs, held[0])
			held = held[1:]
		}
		runs = appendToRuns(runs, b)
	}
	runs = append(runs, held...)
	c.pendingCost += pendingCostOf(runs) - before
	c.pending = slices.Replace(c.pending, from, to, runs...)
}

// unpend removes pending blocks that were integrated.
func (c *client) unpend(woken clocks.Spans) {
	from := c.pendingAt(woken[0].From)
	to := from + sort.Search(len(c.pending)-from, func(i int) bool { return c.pending[from+i].start() >= woken.End() })
	var runs []*run
	for _, r := range c.pending[from:to] {
		runs = r.appendOthers(runs, c.id, woken)
	}
	c.pendingCost += pendingCostOf(runs) - pendingCostOf(c.pending[from:to])
	c.pending = slices.Replace(c.pending, from, to, runs...)
}

// appendOthers appends the blocks of r that are not among those of some elements to runs.
// r must not be used afterwards.
func (r *run) appendOthers(runs []*run, client uint64, elements clocks.Spans) []*run {
	among := func(x clocks.Span) bool {
		i := elements.Search(x.From + 1)
		return i < len(elements) && elements[i].From < x.To
	}
	if !among(clocks.Span{From: r.start(), To: r.end}) {
		return append(runs, r)
	}
	ends := make([]uint64, len(r.chunks))
	for n := range r.chunks {
		if ends[n] = r.end; n+1 < len(r.chunks) {
			ends[n] = r.chunks[n+1].clock
		}
	}
	for n, k := range r.chunks {
		if !among(clocks.Span{From: k.clock, To: ends[n]}) {
			runs = appendChunk(runs, k, ends[n])
			continue
		}
		k = r.indexed(n)
		var b block
		for i := range k.starts {
			at := k.clockOf(i)
			end := ends[n]
			if i+1 < len(k.starts) {
				end = k.clockOf(i + 1)
			}
			if !among(clocks.Span{From: at, To: end}) {
				b.load(k.blockWire(i), client, at, end-at)
				runs = appendToRuns(runs, &b)
			}
		}
	}
	return runs
}

// appendChunk appends a chunk, which ends at end and must be after all blocks of runs.
func appendChunk(runs []*run, k *chunk, end uint64) []*run {
	last := len(runs) - 1
	if last < 0 || runs[last].end != k.clock {
		runs = append(runs, new(run))
		last++
	}
	r := runs[last]
	r.chunks, r.tail = append(r.chunks, k), tail{}
	r.size, r.count, r.end = r.size+len(k.wire), r.count+k.count(), end
	return runs
}

// appendToRuns appends b, which must be after all blocks of runs, and may be changed. As
// long as blocks are pending, those that may be map entries stay apart: each has one value.
func appendToRuns(runs []*run, b *block) []*run {
	b.apart = b.mayBeEntry()
	last := len(runs) - 1
	if last < 0 || runs[last].end != b.clock {
		runs = append(runs, new(run))
		last++
	}
	runs[last].push(b)
	return runs
}

// eachNotReady calls yield with the blocks of the update that the plan leaves pending.
func (s *Store) eachNotReady(in *parsedUpdate, yield func(*block)) {
	for i := range in.sections {
		sec := &in.sections[i]
		c := s.find(sec.client)
		if c.late == nil || len(c.late.passed) == 0 {
			continue
		}
		passed := c.late.passed
		q := c.piecesOf(sec)
		for b := q.next(); b != nil && len(passed) > 0; b = q.next() {
			for len(passed) > 0 && passed[0].From < b.clock {
				passed = passed[1:]
			}
			if len(passed) > 0 && passed[0].From == b.clock && !passed[0].ready {
				yield(b)
			}
		}
	}
}

// newPendingCost estimates by how much an update would increase Pending.
func (s *Store) newPendingCost(in *parsedUpdate) (cost int) {
	s.eachNotReady(in, func(b *block) {
		cost += runCost + chunkSize + blockSize + waiterSize + len(b.parent) + len(b.content)
		cost += splitSize * (2 * len(b.content) / blockBytes) // run.push splits a long block
	})
	for _, d := range in.deletions {
		c := s.find(d.client)
		plain := c != nil && c.plain && c.late == nil
		if d.prepared != nil && plain {
			continue
		}
		for _, x := range slices.Backward(d.read()) {
			if plain {
				if x.To <= c.scanned {
					break
				}
				x.From = max(x.From, c.scanned)
			}
			c.eachPart(x, func(x clocks.Span, integrated bool) {
				if !integrated {
					c.eachUndeleted(x, func(clocks.Span) { cost += spanCost })
				}
			})
		}
	}
	return cost
}

// The cost of a pending run, span or waiter in addition to its bytes. It includes moving
// them when others are inserted before them, and what deletions add that split blocks once
// they are integrated.
const (
	runCost    = 448
	spanCost   = 2*splitSize + spanSize + 16
	waiterSize = 64

	// costOfByte is more than a byte of an update can cost: the encoding of a block
	// takes at least two bytes, and so does that of a span. That of a client takes at
	// least four.
	costOfByte = (runCost+chunkSize+blockSize+waiterSize)/2 + clientSize/4
)

func pendingCostOf(runs []*run) (n int) {
	for _, r := range runs {
		n += runCost + r.cost()
	}
	return n
}
