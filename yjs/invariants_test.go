package yjs

import (
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// inspect checks the invariants of a Doc.
func inspect(t *testing.T, d *Doc) {
	t.Helper()
	if d.tx != nil {
		t.Fatal("a transaction is open")
	}
	types := make(map[*sharedType]bool)
	linked, waiting, waiters := 0, 0, 0
	for _, root := range d.rootOrder {
		types[root] = true
	}
	for _, c := range d.clients {
		c.waiters.Each(func(clocks.Waiter[waiter]) { waiters++ })
		waiting += len(c.pending)
		end, missing := uint64(0), uint64(0)
		for i, chunk := range c.items.chunks {
			if n := chunk.len(); n == 0 || n > chunkItems || len(chunk.run) > 0 && len(chunk.list) > 0 || c.items.starts[i] != chunk.item(0).clock {
				t.Fatalf("client %d has a chunk of %d and %d items from clock %d on", c.id, len(chunk.run), len(chunk.list), c.items.starts[i])
			}
			for k := range chunk.len() {
				it := chunk.item(k)
				if it.clock < end || it.len == 0 || it.client() != c {
					t.Fatalf("client %d has an item at %d of length %d and client %v, after %d", c.id, it.clock, it.len, it.client().id, end)
				}
				if missing == 0 && it.clock > end && c.prefix != end {
					t.Fatalf("client %d has a first hole at %d, not %d", c.id, end, c.prefix)
				}
				missing += it.clock - end
				end = it.end()
				if n := len(it.content()); n > pieceBytes && it.len > 1 && (it.kind != blocks.KindString || uint64(n) > it.len) {
					t.Fatalf("an item with %d bytes of content is not divided", n)
				}
				if it.kind != blocks.KindGC {
					linked++
					types[it.parent()] = true
				}
				if it.kind > blocks.KindDeleted == (len(it.content()) == 0) {
					t.Fatalf("client %d has an item of kind %d with %d bytes of content", c.id, it.kind, len(it.content()))
				}
				if it.kind == blocks.KindGC != (it.parent() == nil) || it.kind <= blocks.KindDeleted && !it.deleted() || it.mark != 0 || it.kind == blocks.KindType != (it.typ() != nil) {
					t.Fatalf("client %d has an impossible item %+v", c.id, it)
				}
			}
		}
		for _, x := range c.pendingDeletions {
			if c.hole(x) != x {
				t.Fatalf("client %d: the deletion of %v is pending", c.id, x)
			}
		}
		if end != c.end || missing != c.missing || c.state != idle {
			t.Fatalf("client %d: the items end at %d, the client at %d; pending deletions %v; state %d", c.id, end, c.end, c.pendingDeletions, c.state)
		}
	}
	for ty := range types {
		linked -= inspectType(t, ty)
	}
	if waiting != waiters {
		t.Fatalf("%d items are pending, there are %d waiters", waiting, waiters)
	}
	if linked != 0 {
		t.Fatalf("%d items are in no list", linked)
	}
}

// inspectType checks the invariants of a type, and returns the number of its items.
func inspectType(t *testing.T, ty *sharedType) (n int) {
	t.Helper()
	width, formats := uint64(0), 0
	chain := func(first, last *item) {
		var end *item
		for it := first; it != nil; it = it.right {
			if it.parent() != ty {
				t.Fatal("an item has another parent")
			}
			end = it
			n++
		}
		if end != last {
			t.Fatal("last is not the last item")
		}
	}
	chain(ty.first, ty.last)
	for it := ty.first; it != nil; it = it.right {
		width += it.width()
		if it.isFormat() {
			formats++
		}
	}
	if width != ty.len {
		t.Fatalf("len is %d, counted %d", ty.len, width)
	}
	if ty.indexed && (ty.index.sum() != width || ty.index.formatted() != formats) {
		t.Fatalf("the index has width %d and %d formats, counted %d and %d", ty.index.sum(), ty.index.formatted(), width, formats)
	}
	if ty.indexed {
		at := uint64(0)
		for it := ty.first; it != nil; it = it.right {
			if got := ty.positionOf(it); got != at {
				t.Fatalf("positionOf returns %d, counted %d", got, at)
			}
			at += it.width()
		}
	}
	if len(ty.entryOrder) != len(ty.entries) {
		t.Fatal("entries and entryOrder differ")
	}
	for _, e := range ty.entryOrder {
		if e.first == nil || ty.entries[e.key] != e {
			t.Fatal("wrong entry of a key")
		}
		chain(e.first, e.last)
		for it := e.first; it != nil; it = it.right {
			if it.key() != e.key {
				t.Fatal("an item has another key")
			}
		}
	}
	return n
}
