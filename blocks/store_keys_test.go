package blocks

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

// TestEntriesOfTwoClients sets one key of a map by two clients in random turns, as programs
// do that keep a position or the time of the last change there. No number of entries may
// make the next one too expensive to be checked.
func TestEntriesOfTwoClients(t *testing.T) {
	s := New()
	random := rand.New(rand.NewPCG(1, 2))
	var last id
	var clocks [2]uint64
	for i := range 15_000 {
		k := random.IntN(2)
		b := block{client: uint64(7 + k), clock: clocks[k], kind: kindAny, len: 1, content: unhex(t, "7d 01")}
		u := lib0.AppendUint([]byte{1, 1, byte(b.client)}, b.clock)
		if i == 0 {
			u = append(u, unhex(t, "28 01 01 6d 01 6b 01 7d 01 00")...)
		} else {
			u = append(u, 0x88)
			u = lib0.AppendUint(lib0.AppendUint(u, last.client), last.clock)
			u = append(u, unhex(t, "01 7d 01 01")...)
			u = append(u, byte(last.client), 1)
			u = append(lib0.AppendUint(u, last.clock), 1)
		}
		if _, err := s.Apply(u, V1); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		last = id{b.client, b.clock}
		clocks[k]++
	}
}

// TestLongList inserts types at random places of a long list that one client has filled,
// such as the paragraphs of an imported book.
func TestLongList(t *testing.T) {
	const n = 50_000
	s := New()
	u := lib0.AppendUint([]byte{1}, n)
	u = append(u, 5, 0)
	for i := range uint64(n) {
		if i == 0 {
			u = append(u, unhex(t, "07 01 01 72 00")...)
		} else {
			u = append(lib0.AppendUint(append(u, 0x87, 5), i-1), 0)
		}
	}
	wantApplied(t, s, append(u, 0))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(500) {
		at := random.Uint64N(n - 1)
		u := lib0.AppendUint([]byte{1, 1, 9}, i)
		u = lib0.AppendUint(append(u, 0xc7, 5), at)
		u = lib0.AppendUint(append(u, 5), at+1)
		if _, err := s.Apply(append(u, 0, 0), V1); err != nil {
			t.Fatalf("insertion %d: %v", i, err)
		}
	}
}

// TestLongListAtOnce sends a long list and what was inserted into it in one update, as a
// client does that brings the document to a server that lacks it.
func TestLongListAtOnce(t *testing.T) {
	const n, insertions = 20_000, 1000
	u := lib0.AppendUint([]byte{2}, insertions)
	u = append(u, 9, 0)
	random := rand.New(rand.NewPCG(1, 2))
	for range insertions {
		at := random.Uint64N(n - 1)
		u = lib0.AppendUint(append(u, 0xc7, 5), at)
		u = append(lib0.AppendUint(append(u, 5), at+1), 0)
	}
	u = append(lib0.AppendUint(u, n), 5, 0)
	u = append(u, unhex(t, "07 01 01 72 00")...)
	for i := range uint64(n - 1) {
		u = append(lib0.AppendUint(append(u, 0x87, 5), i), 0)
	}
	wantApplied(t, New(), append(u, 0))
}

// TestRefusedBlocksAreNotRemembered makes a list, which is refused, and then the entries
// of a key with the same ids. What the first attempt has found out doesn't count.
func TestRefusedBlocksAreNotRemembered(t *testing.T) {
	const n = 40
	chain := func(first string) []byte { // n types and a text, each after the one before
		u := append([]byte{n + 1, 7, 0}, unhex(t, first)...)
		for i := range byte(n - 1) {
			u = append(u, 0x87, 7, i, 0)
		}
		return append(u, 0x84, 7, n-1, 1, 'x')
	}
	s := New()
	apply(t, s, abc)
	u := append(unhex(t, "02 01 05 00 44 01 01 01 58"), chain("07 01 01 72 00")...)
	if _, err := s.Apply(append(u, 0), V1); !errors.Is(err, errApart) {
		t.Fatal(err)
	}
	u = append([]byte{1}, chain("27 01 01 6d 01 6b 00")...)
	if _, err := s.Apply(append(u, 0), V1); !errors.Is(err, errEntry) {
		t.Errorf("text after an entry: %v, want errEntry", err)
	}
}
