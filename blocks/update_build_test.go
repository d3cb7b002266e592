package blocks

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/yroom/yroom/internal/lib0"
)

// TestLoadAtOnce loads the blocks of a client at once, and one by one. Both must
// result in the same document, also after another block.
func TestLoadAtOnce(t *testing.T) {
	root := []byte{1, 1, 't'}
	text := func(s string) block {
		return block{kind: kindString, content: []byte(s), len: lib0.UTF16Len([]byte(s))}
	}
	run := func(k kind, n int, value string) block {
		return block{kind: k, content: bytes.Repeat([]byte(value), n), len: uint64(n)}
	}
	deleted, gc := block{kind: kindDeleted, len: 3}, block{kind: kindGC, len: 3}
	keyed := block{kind: kindAny, content: []byte{125, 7}, len: 1, flags: hasKey}
	binary := block{kind: kindBinary, content: []byte{2, 1, 2}, len: 1}
	foreign := text("f")
	foreign.flags, foreign.right = hasRight, id{2, 0}
	long := text(strings.Repeat("long läßt grüßen 😀 ", 500))
	tests := map[string][]block{
		"text that continues":          {text("ab"), text("c"), text("d")},
		"text of various widths":       {text("ab"), text("é€"), text("😀"), text("x")},
		"a length that grows wider":    {text(strings.Repeat("x", 120)), text("0123456789"), text("y"), deleted},
		"values that continue":         {run(kindAny, 2, "\x7d\x07"), run(kindAny, 3, "\x7e"), run(kindJSON, 1, "\x011"), run(kindJSON, 2, "\x01\x32"), text("x")},
		"values of a map key":          {keyed, keyed, text("x"), keyed, text("y")},
		"deleted blocks":               {text("x"), deleted, deleted, text("y"), deleted, deleted},
		"GC blocks":                    {gc, gc, text("x"), gc, gc, deleted, gc},
		"references to another client": {text("x"), foreign, foreign, text("y"), deleted},
		"a long block":                 {long, binary},
		"long blocks":                  {text("x"), long, deleted, long, binary, text("z")},
		"as long as a block can be":    {text(strings.Repeat("x", blockBytes-4)), text("y"), text("zzzz"), text("a")},
		"binaries":                     {binary, binary, text("x"), binary},
		"many":                         slices.Repeat([]block{binary, text("x"), deleted}, 2*chunkBlocks),
	}
	for name, blocks := range tests {
		t.Run(name, func(t *testing.T) {
			other := unhex(t, "01 01 02 00 04 01 01 74 01 58 00")
			whole, single := New(), New()
			whole.unchecked, single.unchecked = true, true
			wantApplied(t, whole, other)
			wantApplied(t, single, other)
			u := append(lib0.AppendUint([]byte{1}, uint64(len(blocks))), 1, 0)
			clock := uint64(0)
			for _, b := range blocks {
				b.client, b.clock = 1, clock
				switch {
				case b.kind == kindGC:
				case clock == 0 || b.flags&hasKey != 0:
					b.parent = root
					if b.flags&hasKey != 0 {
						b.parent = append(slices.Clone(root), 1, 'k')
					}
				default:
					b.flags, b.origin = b.flags|hasOrigin, id{1, clock - 1}
				}
				u, _ = b.appendTo(u)
				one, _ := b.appendTo(lib0.AppendUint([]byte{1, 1, 1}, clock))
				set := []byte{0}
				if b.deleted() {
					set = lib0.AppendUint(lib0.AppendUint([]byte{1, 1, 1}, clock), b.len)
				}
				wantApplied(t, single, append(one, set...))
				clock = b.end()
			}
			wantApplied(t, whole, append(u, single.appendDeletions(nil)...))
			check(t, whole)
			same := func(when string) {
				t.Helper()
				if got, want := whole.Encode(V1), single.Encode(V1); !bytes.Equal(got, want) {
					t.Errorf("%s: the document is\n%x, and loaded one by one\n%x", when, got, want)
				}
			}
			same("loaded")
			next := block{client: 1, clock: clock, kind: kindString, content: []byte("!"), flags: hasOrigin, origin: id{1, clock - 1}}
			for _, s := range []*Store{whole, single} {
				u, _ := next.appendTo(lib0.AppendUint([]byte{1, 1, 1}, clock))
				wantApplied(t, s, append(u, 1, 1, 1, 0, 1))
				check(t, s)
			}
			same("after another block")
		})
	}
}

// TestLoadInPart loads a client with a block that refers to a missing element. The
// update deletes exactly the elements of its deleted blocks.
func TestLoadInPart(t *testing.T) {
	const (
		update  = "01 04 01 00 04 01 01 74 01 61 81 01 00 02 84 09 00 01 78 81 01 03 02 01 01 02 01 02 04 02"
		missing = "01 01 09 00 04 01 01 74 01 7a 00"
	)
	s := New()
	apply(t, s, update)
	if got, want := s.StateVector(), unhex(t, "01 01 03"); !bytes.Equal(got, want) {
		t.Errorf("the state vector is %x, want %x", got, want)
	}
	wantEncoding(t, s, update)
	if known, err := s.Contains(unhex(t, update), V1); !known || err != nil {
		t.Errorf("Contains is %v, %v", known, err)
	}
	apply(t, s, missing)
	if got, want := s.StateVector(), unhex(t, "02 09 01 01 06"); !bytes.Equal(got, want) {
		t.Errorf("the state vector is %x, want %x", got, want)
	}
	full := NewWith(Options{MaxPending: 600})
	wantLimit(t, full, unhex(t, update))
	check(t, full)
	if got := full.Encode(V1); len(got) > 2 {
		t.Errorf("a refused update was applied: %x", got)
	}

	const blocks = "01 02 01 00 04 01 01 74 01 61 81 01 00 02 "
	for deletions, want := range map[string]string{
		"02 01 01 01 02 02 01 00 01": "02 01 01 01 02 02 01 00 01", // clients are in any order
		"02 01 00 02 00":             "02 01 00 02 00",             // clients of which nothing is deleted
		"01 01 02 01 02 00 01":       "01 01 01 00 03",             // spans that aren't in order are encoded again
		"02 01 01 01 02 01 01 00 01": "01 01 01 00 03",
	} {
		other := New()
		added, err := other.Apply(unhex(t, blocks+deletions), V1)
		if !bytes.Equal(added, unhex(t, blocks+want)) || err != nil {
			t.Errorf("added %x, %v; want %s", added, err, blocks+want)
		}
		check(t, other)
	}
}

// TestLoadNonCanonicalBlock loads many blocks, one of which is not canonical.
func TestLoadNonCanonicalBlock(t *testing.T) {
	const n = 6 * chunkBlocks
	u := append(lib0.AppendUint([]byte{1}, n), 1, 0, 0x04, 1, 1, 't', 1, 'x')
	for clock := uint64(1); clock < n; clock++ {
		b := block{client: 1, clock: clock, kind: kindString, content: []byte("x"), flags: hasRight, right: id{1, clock / 2}}
		if u, _ = b.appendTo(u); clock == n/2 {
			u = slices.Insert(u, len(u)-1, 0)
			u[len(u)-3] |= 0x80
		}
	}
	s := New()
	wantApplied(t, s, append(u, 0))
	check(t, s)
	closed, open := 0, 0
	for _, k := range s.byID[1].blocks.chunks {
		closed, open = closed+k.unindexed, open+len(k.starts)
	}
	if closed < n/2-2*chunkBlocks || open < n/2-1 || closed+open != n {
		t.Errorf("%d blocks are in chunks without an index and %d in chunks with one", closed, open)
	}
}

// TestUpdatesAreNotKeptAlive checks that a document doesn't reference an update, which the
// caller owns, whether it was applied or refused.
func TestUpdatesAreNotKeptAlive(t *testing.T) {
	s := New()
	for i, u := range typing(1000) {
		if _, err := s.Apply(u, V1); err != nil {
			t.Fatal(i, err)
		}
	}
	full := s.Encode(V1)
	for name, o := range map[string]Options{"loaded": {}, "refused": {MaxSize: 10}} {
		s := NewWith(o)
		alive := func() weak.Pointer[byte] {
			u := bytes.Clone(full)
			if _, err := s.Apply(u, V1); err != nil && !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return weak.Make(&u[0])
		}()
		runtime.GC()
		if alive.Value() != nil {
			t.Errorf("%s: the update is still referenced", name)
		}
		check(t, s)
	}
}

// TestLoadedMemory checks that a loaded document takes about as much memory as
// its encoding has bytes, and that an edit builds the indexes of few chunks.
func TestLoadedMemory(t *testing.T) {
	var blocks []byte
	const n = 10_000
	for clock := range uint64(n) {
		b := block{client: 1, clock: clock, kind: kindBinary, content: []byte{3, 1, 2, 3}, len: 1, parent: []byte{1, 1, 't'}}
		if clock%2 == 1 {
			b = block{client: 1, clock: clock, kind: kindDeleted, len: 1, parent: []byte{1, 1, 't'}}
		}
		blocks, _ = b.appendTo(blocks)
	}
	u := append(append(lib0.AppendUint([]byte{1}, n), 1, 0), blocks...)
	u = lib0.AppendUint(append(u, 1, 1), n/2)
	for clock := uint64(1); clock < n; clock += 2 {
		u = lib0.AppendUint(lib0.AppendUint(u, clock), 1)
	}
	s := New()
	wantApplied(t, s, u)
	r := &s.byID[1].blocks
	open := func() (n int) {
		for _, k := range r.chunks {
			if k.unindexed == 0 {
				n++
			}
		}
		return n
	}
	room := 0
	for _, k := range r.chunks {
		room += cap(k.wire) + 8*cap(k.starts)
	}
	if room > len(blocks)*9/8 || open() > 0 || s.byID[1].deleted.parts != nil {
		t.Errorf("%d bytes for %d, %d of %d chunks have an index", room, len(blocks), open(), len(r.chunks))
	}
	if full := s.Encode(V1); !bytes.Equal(full, u) || open() > 0 {
		t.Errorf("%d chunks have an index after encoding, to %d bytes of %d", open(), len(full), len(u))
	}
	wantApplied(t, s, append(lib0.AppendUint([]byte{0, 1, 1, 1}, n/2), 1))
	if open() > 2 {
		t.Errorf("%d chunks have an index after one deletion", open())
	}
	check(t, s)
}
