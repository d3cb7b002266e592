package yjs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestUpdatesOutOfOrder applies updates in random orders.
func TestUpdatesOutOfOrder(t *testing.T) {
	a := NewWith(Options{ClientID: 1})
	text, _ := a.Text("t")
	var updates [][]byte
	for i := range 40 {
		update, err := a.Transact(func() error {
			if i%5 == 4 {
				return text.Delete(i/3, 1)
			}
			return text.Insert(i/2, string(rune('a'+i)), nil)
		})
		must(t, err)
		updates = append(updates, update)
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
		d, store := New(), blocks.New()
		for i, update := range updates {
			must(t, d.Apply(update, blocks.V1))
			_, err := store.Apply(update, blocks.V1)
			must(t, err)
			inspect(t, d)
			if i%7 != 0 {
				continue
			}
			// Encode includes pending blocks.
			if d2 := New(); d2.Apply(d.Encode(blocks.V1), blocks.V1) != nil || !bytes.Equal(d2.Encode(blocks.V1), d.Encode(blocks.V1)) {
				t.Fatal("a Doc loaded from an encoding is encoded differently")
			}
			if !bytes.Equal(d.StateVector(), store.StateVector()) {
				t.Fatalf("state vector %x, that of the store is %x", d.StateVector(), store.StateVector())
			}
		}
		got, _ := d.Text("t")
		if got.String() != text.String() || !bytes.Equal(d.Encode(blocks.V1), a.Encode(blocks.V1)) {
			t.Fatalf("%q, want %q", got.String(), text.String())
		}
	}
}

func TestMalformedUpdates(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	must(t, text.Insert(0, "abc", nil))
	good := d.Encode(blocks.V1)
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2, 3} {
		for i := range d.Encode(blocks.V1) {
			bad := append(bytes.Clone(good[:i]), 0xff)
			if err := d.Apply(bad, enc); !errors.Is(err, blocks.ErrMalformed) && !errors.Is(err, blocks.ErrEncoding) {
				t.Errorf("%x in encoding %d: %v", bad, enc, err)
			}
		}
	}
	if _, err := d.Diff([]byte{1}, blocks.V1); !errors.Is(err, blocks.ErrMalformed) {
		t.Errorf("a short state vector: %v", err)
	}
	if _, err := d.Diff([]byte{0, 0}, blocks.V1); !errors.Is(err, blocks.ErrMalformed) {
		t.Errorf("a long state vector: %v", err)
	}
	if _, err := d.Diff([]byte{0}, 9); !errors.Is(err, blocks.ErrEncoding) {
		t.Errorf("an unknown encoding: %v", err)
	}
	// The roots of a rejected update are not created.
	if len(d.rootOrder) != 1 || !bytes.Equal(d.Encode(blocks.V1), good) {
		t.Error("a malformed update changed the document")
	}
}

// TestApplyAllocations loads a text of many items.
func TestApplyAllocations(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	random := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		must(t, text.Insert(random.IntN(text.Len()+1), "x", nil))
	}
	update := d.Encode(blocks.V1)
	allocs := testing.AllocsPerRun(5, func() {
		d := New()
		must(t, d.Apply(update, blocks.V1))
		text, err := d.Text("t")
		must(t, err)
		if len(text.String()) != 5000 {
			t.Fatal("wrong text")
		}
	})
	if allocs > 200 {
		t.Errorf("%.0f allocations to load 5,000 items", allocs)
	}
	if allocs := testing.AllocsPerRun(5, func() { _ = text.String() }); allocs > 1 {
		t.Errorf("%.0f allocations to print a text", allocs)
	}
}

// TestMemoryOfItems loads a text of many items, half of them deleted, and prints it. An item
// has 56 bytes. Its content, that content printed, and the lists of items take little more.
func TestMemoryOfItems(t *testing.T) {
	const items = 8_000
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	for i := range items {
		must(t, text.Insert(0, "x", nil))
		if i%2 == 0 {
			must(t, text.Delete(0, 1))
		}
	}
	for enc, update := range map[Encoding][]byte{V1: d.Encode(V1), V2: d.Encode(V2)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		loaded := New()
		must(t, loaded.Apply(update, enc))
		copied, _ := loaded.Text("t")
		printed := copied.String()
		runtime.ReadMemStats(&after)
		if len(printed) != items/2 {
			t.Fatal("wrong text")
		}
		if n := float64(after.TotalAlloc-before.TotalAlloc) / items; n > 64 {
			t.Errorf("encoding %d: %.1f bytes an item", enc, n)
		}
	}
}

// TestEditOfDeletedType deletes a type in one replica while another one edits it.
func TestEditOfDeletedType(t *testing.T) {
	for _, history := range []bool{false, true} {
		a := NewWith(Options{ClientID: 1, History: history})
		m, _ := a.Map("m")
		inner, err := m.SetArray("k")
		must(t, err)
		b := NewWith(Options{ClientID: 2})
		must(t, b.Apply(a.Encode(blocks.V1), blocks.V1))
		other, _ := b.Map("m")
		v, _ := other.Get("k")
		theirs, ok := v.Array()
		if !ok {
			t.Fatal("no array")
		}
		must(t, theirs.Push(NumberValue(1)))
		must(t, m.Delete("k"))
		must(t, a.Apply(b.Encode(blocks.V1), blocks.V1))
		inspect(t, a)
		if inner.Len() != 0 || m.Len() != 0 {
			t.Errorf("history %v: %d elements in a deleted array", history, inner.Len())
		}
	}
}

// TestPendingDeletions applies a deletion before the elements that it deletes.
func TestPendingDeletions(t *testing.T) {
	d := New()
	update := []byte{0, 1, 9, 2, 1, 2, 5, 1}
	must(t, d.Apply(update, blocks.V1))
	if got := d.Encode(blocks.V1); !bytes.Equal(got, update) {
		t.Errorf("encoded %x", got)
	}
	a := NewWith(Options{ClientID: 9})
	text, _ := a.Text("t")
	must(t, text.Insert(0, "abcdefgh", nil))
	must(t, d.Apply(a.Encode(blocks.V1), blocks.V1))
	got, _ := d.Text("t")
	if got.String() != "adegh" {
		t.Errorf("text %q", got)
	}
	inspect(t, d)
}
