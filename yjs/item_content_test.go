package yjs

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestContentSizes edits a text with short inserts, and with inserts too long for an
// arena that items share.
func TestContentSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := New()
	text, err := d.Text("t")
	must(t, err)
	want := ""
	for range 400 {
		at := rng.IntN(len(want) + 1)
		s := strings.Repeat(string(rune('a'+rng.IntN(26))), 1+rng.IntN(10))
		switch rng.IntN(20) {
		case 0:
			s = strings.Repeat(s, 20_000)
		case 1, 2:
			s = strings.Repeat(s, 300)
		case 3, 4, 5, 6:
			n := rng.IntN(len(want) - at + 1)
			must(t, text.Delete(at, n))
			want = want[:at] + want[at+n:]
			continue
		}
		// Single characters, which are joined.
		for len(s) < 100 && len(s) > 1 {
			must(t, text.Insert(at, s[:1], nil))
			want, at, s = want[:at]+s[:1]+want[at:], at+1, s[1:]
		}
		must(t, text.Insert(at, s, nil))
		want = want[:at] + s + want[at:]
		if rng.IntN(20) == 0 {
			d = reread(t, d)
			text, err = d.Text("t")
			must(t, err)
		}
	}
	if got := text.String(); got != want {
		t.Errorf("%d bytes of text, want %d", len(got), len(want))
	}
	if got := textOf(t, reread(t, d)); got != want {
		t.Errorf("encoded: %d bytes of text, want %d", len(got), len(want))
	}
}

// TestLargeNumbers applies client ids and clocks of more than 32 bits.
func TestLargeNumbers(t *testing.T) {
	const client, far = 1 << 40, 1 << 41
	out := []byte{1, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0}
	gone := blocks.Block{Kind: blocks.KindDeleted, Len: far, Root: []byte("t")}
	b := stringBlock("abc")
	b.ID = blocks.ID{Client: client, Clock: far}
	b.HasOrigin, b.Origin = true, blocks.ID{Client: client, Clock: far - 1}
	out = append(b.AppendTo(gone.AppendTo(out)), 0)

	d := NewWith(Options{ClientID: 1 << 45})
	must(t, d.Apply(out, blocks.V1))
	text, err := d.Text("t")
	must(t, err)
	must(t, text.Insert(1, "x", nil))
	must(t, text.Insert(3, "yz", nil))
	must(t, text.Delete(0, 1))
	again := reread(t, d)
	if got := textOf(t, again); got != "xbyzc" {
		t.Errorf("got %q", got)
	}
	if got, want := again.Encode(blocks.V1), d.Encode(blocks.V1); !bytes.Equal(got, want) {
		t.Errorf("encoded again:\n%x\nbefore:\n%x", got, want)
	}
	store := blocks.New()
	if _, err := store.Apply(d.Encode(blocks.V1), blocks.V1); err != nil {
		t.Fatal(err)
	}
	if got, want := store.StateVector(), d.StateVector(); !bytes.Equal(got, want) {
		t.Errorf("state vector of blocks %x, want %x", got, want)
	}
}

// TestTypingDoesNotCopy checks that the contents of characters which are typed one
// after another are adjacent in the arena, and are joined without being copied. Typing
// elsewhere in between causes one copy.
func TestTypingDoesNotCopy(t *testing.T) {
	d := New()
	text, err := d.Text("t")
	must(t, err)
	const n = 1000
	for i := range n {
		must(t, text.Insert(i, "x", nil))
	}
	it := text.t.first
	if got := len(it.content()); got != n || it.common.arena != d.common.arena || len(d.common.arena.bytes) != n {
		t.Errorf("an item of %d bytes, an arena of %d", got, len(d.common.arena.bytes))
	}
	must(t, text.Insert(0, "before", nil))
	for i := range n {
		must(t, text.Insert(6+n+i, "y", nil))
	}
	if got, want := text.String(), "before"+strings.Repeat("x", n)+strings.Repeat("y", n); got != want {
		t.Errorf("the text is %q", got)
	}
	inspect(t, d)
}
