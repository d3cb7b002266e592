package blocks

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/clocks"
)

// unhex decodes hex with spaces, in which the tests write updates.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatalf("%q: %v", s, err)
	}
	return b
}

// apply applies valid updates.
func apply(tb testing.TB, s *Store, updates ...string) {
	tb.Helper()
	for _, u := range updates {
		if _, err := s.Apply(unhex(tb, u), V1); err != nil {
			tb.Fatalf("Apply(%s): %v", u, err)
		}
		check(tb, s)
	}
}

// wantEncoding compares the document with an update in hex.
func wantEncoding(tb testing.TB, s *Store, want string) {
	tb.Helper()
	if got := s.Encode(V1); !bytes.Equal(got, unhex(tb, want)) {
		tb.Errorf("the document is %x, want %x", got, unhex(tb, want))
	}
}

// check checks the invariants of a Store.
func check(tb testing.TB, s *Store) {
	tb.Helper()
	size, pending, cost := 0, 0, 0
	for i, c := range s.inOrder() {
		if s.byID[c.id] != c || i > 0 && s.clients[i-1].id <= c.id {
			tb.Fatalf("client %d is in the wrong place", c.id)
		}
		if c.planned || c.section != nil || c.receiverClock != 0 || c.late != nil || c.plain || c.scanned != 0 {
			tb.Fatalf("client %d is still planned", c.id)
		}
		if len(c.blocks.chunks) > 0 && c.blocks.start() != 0 {
			tb.Fatalf("client %d begins at %d", c.id, c.blocks.start())
		}
		checkRun(tb, c.id, &c.blocks)
		checkDeleted(tb, s, c)
		checkPresent(tb, c)
		end := uint64(0)
		for _, r := range c.pending {
			if x := (clocks.Span{From: r.start(), To: r.end}); x.From < end || c.hole(x) != x {
				tb.Fatalf("client %d: pending blocks at %d overlap others, which end at %d", c.id, r.start(), end)
			}
			checkRun(tb, c.id, r)
			end = r.end
		}
		end = 0
		for i, x := range c.pendingDeletions {
			if x.To <= x.From || i > 0 && x.From <= end || c.hole(x) != x {
				tb.Fatalf("client %d: deletions %v of blocks that end at %d", c.id, c.pendingDeletions, c.blocks.end)
			}
			end = x.To
		}
		size += c.blocks.size
		cost += c.cost() + depthSize*len(c.depths)
		pending += c.pendingCost
		if want := pendingCostOf(c.pending) + spanCost*len(c.pendingDeletions); c.pendingCost != want {
			tb.Fatalf("client %d: pendingCost is %d, want %d", c.id, c.pendingCost, want)
		}
	}
	missing := uint64(0)
	for _, c := range s.clients {
		c.eachPart(clocks.Span{To: c.blocks.end}, func(x clocks.Span, integrated bool) {
			if !integrated {
				missing += x.To - x.From
			}
		})
	}
	if s.inHoles != missing {
		tb.Fatalf("%d elements are missing, but %d are counted", missing, s.inHoles)
	}
	checkWaiters(tb, s)
	if len(s.byID) != len(s.clients) || s.blocksSize != size || s.pendingCost != pending {
		tb.Fatalf("clients %d and %d, size %d and %d, pending %d and %d",
			len(s.byID), len(s.clients), s.blocksSize, size, s.pendingCost, pending)
	}
	if s.integratedCost != cost {
		tb.Fatalf("what is integrated counts as %d bytes, not %d", s.integratedCost, cost)
	}
	checkDepths(tb, s)
	if s.parsed.builder.out != nil || s.parsed.builder.wire != nil {
		tb.Fatal("the builder still references the last update")
	}
	for _, d := range s.parsed.deletions[:cap(s.parsed.deletions)] {
		if d.prepared != nil || d.spans != nil {
			tb.Fatalf("deletions of client %d are still referenced", d.client)
		}
	}
	for _, sec := range s.parsed.sections[:cap(s.parsed.sections)] {
		if sec.prepared != nil || sec.wire != nil {
			tb.Fatalf("the section of client %d is still referenced", sec.client)
		}
	}
	again := New()
	again.unchecked = s.unchecked
	full := s.Encode(V1)
	if _, err := again.Apply(full, V1); err != nil {
		tb.Fatalf("the encoding %x is refused: %v", full, err)
	}
	if !bytes.Equal(again.StateVector(), s.StateVector()) {
		tb.Fatalf("state vector %x, and %x after encoding %x", s.StateVector(), again.StateVector(), full)
	}
	if ok, err := again.Contains(full, V1); !ok || err != nil {
		tb.Fatalf("a document that was loaded from %x does not contain it: %v", full, err)
	}
}

// checkPresent checks the index of holes against the skips among the blocks.
func checkPresent(tb testing.TB, c *client) {
	tb.Helper()
	var want clocks.Spans
	c.eachBlock(func(b *block) { want = want.Add(clocks.Span{From: b.clock, To: b.end()}) })
	if whole := len(want) == 0 || len(want) == 1 && want[0].From == 0; whole != !c.holes() {
		tb.Fatalf("client %d has %v, does it have holes: %v", c.id, want, c.holes())
	}
	if !c.holes() {
		return
	}
	var got clocks.Spans
	for _, part := range c.present.parts {
		got = append(got, part...)
	}
	if !slices.Equal(got, want) || c.present.count() != len(want) {
		tb.Fatalf("client %d has %v, but the index is %v", c.id, want, got)
	}
	if want[len(want)-1].To != c.blocks.end {
		tb.Fatalf("client %d ends with a hole", c.id)
	}
}

// checkWaiters checks that each pending block waits for an element that is not integrated.
func checkWaiters(tb testing.TB, s *Store) {
	tb.Helper()
	type ref struct{ of, on id }
	waiting, n := make(map[ref]bool), 0
	for _, on := range s.clients {
		on.waiters.Each(func(x waiter) {
			c := x.Value.client
			i := c.pendingAt(x.Value.clock)
			if i == len(c.pending) || c.pending[i].start() > x.Value.clock {
				tb.Fatalf("client %d: nothing is pending at %d, which waits for %d of client %d", c.id, x.Value.clock, x.Clock, on.id)
			}
			waiting[ref{id{c.id, c.pending[i].blockAt(x.Value.clock)}, id{on.id, x.Clock}}] = true
			n++
		})
	}
	if n != s.waiters {
		tb.Fatalf("%d blocks wait, but %d are counted", n, s.waiters)
	}
	for _, c := range s.clients {
		src := iterRuns(c.id, c.pending, 0)
		for b := src.next(); b != nil; b = src.next() {
			needs, blocked := s.missing(c, b)
			part := needs == id{b.client, b.clock - 1} // perhaps of a long block
			if !blocked || !part && !waiting[ref{b.id(), needs}] {
				tb.Fatalf("client %d: the block at %d is pending (%v), but does not wait for %d of client %d", c.id, b.clock, blocked, needs.clock, needs.client)
			}
		}
	}
}

// checkDepths checks the depths of all elements that aren't collected, and the number of
// pending types, against those that it finds from scratch.
func checkDepths(tb testing.TB, s *Store) {
	tb.Helper()
	waiting := 0
	for _, c := range s.inOrder() {
		src := iterRuns(c.id, c.pending, 0)
		for b := src.next(); b != nil; b = src.next() {
			if b.kind == kindType {
				waiting++
			}
		}
	}
	if s.pendingTypes != waiting {
		tb.Fatalf("%d types are pending, but %d are counted", waiting, s.pendingTypes)
	}
	n, _, types := s.countBlocks()
	if !types {
		return
	}
	g := s.newGraph(n)
	depths := make(map[*node]int)
	lost := make(map[*node]bool) // it is collected, or will be
	g.inOrder(func(n *node) bool {
		lost[n] = n.is(collected)
		for _, ref := range n.refs {
			if ref != none {
				depths[n] = max(depths[n], depths[&g.nodes[ref]])
				lost[n] = lost[n] || lost[&g.nodes[ref]]
			}
		}
		if n.is(inBlock) {
			depths[n]++
		}
		return true
	})
	x := 0
	for _, c := range g.clients {
		c.eachBlock(func(b *block) {
			n := &g.nodes[x]
			if x++; lost[n] {
				return
			}
			want := depths[n]
			for clock := b.clock; clock < b.end() && clock < b.clock+100; clock++ {
				if got := c.depths.at(clock); got != want {
					tb.Fatalf("client %d: the element at %d is nested in %d types, but its depth is %d", c.id, clock, want, got)
				}
			}
		})
	}
	for _, c := range s.clients {
		for i, step := range c.depths {
			if step.clock() >= c.blocks.end || i > 0 && step.clock() <= c.depths[i-1].clock() {
				tb.Fatalf("client %d: a depth at %d of %d", c.id, step.clock(), c.blocks.end)
			}
		}
	}
}

// checkDeleted checks the index of deleted elements against the blocks, whose content
// must be gone.
func checkDeleted(tb testing.TB, s *Store, c *client) {
	tb.Helper()
	// A copy, so that c's own index stays encoded.
	closed := *c
	c = &closed
	c.deleted.parts = slices.Clone(c.deleted.parts)
	c.deleted.decode()
	end, spans := uint64(0), 0
	for i, part := range c.deleted.parts {
		if len(part) == 0 || len(part) > partSpans {
			tb.Fatalf("client %d: %d spans in part %d", c.id, len(part), i)
		}
		for j, x := range part {
			if x.To <= x.From || x.To > c.blocks.end || x.From <= end && i+j > 0 {
				tb.Fatalf("client %d: deletion %v after %d in blocks up to %d", c.id, x, end, c.blocks.end)
			}
			end = x.To
			spans++
		}
	}
	if spans != c.deleted.count() || spans != s.byID[c.id].deleted.count() {
		tb.Fatalf("client %d: %d spans of deletions, not %d", c.id, c.deleted.count(), spans)
	}
	blocks := indexedCopy(tb, &c.blocks)
	for i, k := range blocks.chunks {
		for j := range k.starts {
			if k.kind(j) == kindSkip {
				continue
			}
			alive := uint64(0)
			c.eachUndeleted(clocks.Span{From: k.clockOf(j), To: blocks.blockEnd(i, j)}, func(x clocks.Span) { alive += x.To - x.From })
			if length := blocks.blockEnd(i, j) - k.clockOf(j); k.deleted(j) && alive > 0 || !k.deleted(j) && alive < length && !s.options.History {
				tb.Fatalf("client %d: the block at %d has %d elements, %d of them not deleted; is its content dropped: %v", c.id, k.clockOf(j), length, alive, k.deleted(j))
			}
		}
	}
}

// indexedCopy returns r with an index in all chunks. The chunks of r itself stay as they
// are.
func indexedCopy(tb testing.TB, r *run) *run {
	tb.Helper()
	out := *r
	out.chunks = nil
	for _, k := range r.chunks {
		open := *k
		if k.unindexed > 0 {
			open.buildIndex()
		}
		if open.count() != k.count() || open.count() == 0 {
			tb.Fatalf("a chunk of %d blocks has %d in its index", k.count(), open.count())
		}
		out.chunks = append(out.chunks, &open)
	}
	return &out
}

func checkRun(tb testing.TB, client uint64, r *run) {
	tb.Helper()
	r = indexedCopy(tb, r)
	if len(r.chunks) == 0 {
		return
	}
	size, at, count := 0, r.start(), 0
	for c, k := range r.chunks {
		size += len(k.wire)
		count += len(k.starts)
		for i := range k.starts {
			clock := k.clockOf(i)
			if clock != at {
				tb.Fatalf("client %d: a block at %d, not %d", client, clock, at)
			}
			at = r.blockEnd(c, i)
			if k.kind(i) == kindSkip {
				continue
			}
			sec := section{client: client, clock: clock, count: 1, wire: k.blockWire(i)}
			src := iterSection(&sec)
			var b block
			b.load(k.blockWire(i), client, clock, at-clock)
			if read := src.next(); read == nil || src.wire.Err() != nil || src.wire.Len() > 0 || read.len != b.len ||
				!bytes.Equal(read.content, b.content) || read.deleted() != k.deleted(i) {
				tb.Fatalf("client %d: the block at %d reads as %+v, loads as %+v: %v", client, at, read, b, src.wire.Err())
			}
			if wire, _ := b.appendTo(nil); !bytes.Equal(wire, k.blockWire(i)) {
				tb.Fatalf("client %d: %x is encoded again as %x", client, k.blockWire(i), wire)
			}
		}
	}
	if at != r.end || size != r.size || count != r.count {
		tb.Fatalf("client %d: end %d, want %d; size %d, want %d; %d blocks, want %d", client, r.end, at, r.size, size, r.count, count)
	}
	if !r.tail.joinable {
		return
	}
	want := r.chunks[len(r.chunks)-1].tail()
	if r.tail != want {
		tb.Fatalf("client %d: tail %+v, want %+v", client, r.tail, want)
	}
}
