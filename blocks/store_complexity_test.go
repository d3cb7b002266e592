package blocks

import (
	"errors"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// hostile builds updates of n parts that would take more than linear time in naive
// code.
var hostile = map[string]func(n uint64) [][]byte{
	"two clients that depend on each other at every step": func(n uint64) [][]byte {
		u := []byte{2}
		for client := uint64(2); client >= 1; client-- {
			u = lib0.AppendUint(u, n)
			u = append(u, byte(client), 0)
			for i := range n {
				b := block{client: client, clock: i, kind: kindString, content: []byte("x"), flags: hasOrigin}
				switch {
				case client == 1 && i == 0:
					b.flags, b.parent = 0, []byte{1, 1, 't'}
				case client == 1:
					b.origin = id{2, i - 1}
				default:
					b.origin = id{1, i}
				}
				u, _ = b.appendTo(u)
			}
		}
		return [][]byte{append(u, 0)}
	},
	"clients that all depend on the last block of another": func(n uint64) [][]byte {
		u := lib0.AppendUint(nil, n+1)
		for client := n + 1; client >= 2; client-- {
			u = lib0.AppendUint(u, 1)
			u = lib0.AppendUint(u, client)
			b := block{client: client, kind: kindString, content: []byte("x"), flags: hasOrigin, origin: id{1, n - (client-2)%n - 1}}
			u, _ = b.appendTo(append(u, 0))
		}
		u = lib0.AppendUint(u, n)
		u = append(u, 1, 0)
		for range n {
			b := block{client: 1, kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}
			u, _ = b.appendTo(u)
		}
		return [][]byte{append(u, 0)}
	},
	"every other block, then the rest": func(n uint64) [][]byte {
		var us [][]byte
		for _, first := range []uint64{1, 0} {
			us = append(us, everyOtherBinary(first, n))
		}
		return us
	},
	"every other block, then the rest one by one, from the back to the front": func(n uint64) [][]byte {
		us := [][]byte{everyOtherBinary(1, n)}
		for i := n - 1; i > 0; i-- {
			us = append(us, blocksOf(1, 2*i, 1, block{kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}))
		}
		return us
	},
	"every other block deleted before it fills a hole": func(n uint64) [][]byte {
		deletions := lib0.AppendUint([]byte{0, 1, 1}, n)
		for i := range n {
			deletions = append(lib0.AppendUint(deletions, 2*i), 1)
		}
		return [][]byte{everyOtherBinary(1, n), deletions, everyOtherBinary(0, n)}
	},
	"blocks behind holes that wait for blocks of another client, in the other order": func(n uint64) [][]byte {
		u := append(lib0.AppendUint([]byte{1}, 2*n-1), 2, 1)
		for i := range n {
			b := block{client: 2, clock: 2*i + 1, kind: kindString, content: []byte("x"), flags: hasOrigin, origin: id{1, 2*(n-1-i) + 1}}
			if u, _ = b.appendTo(u); i < n-1 {
				u = append(u, byte(kindSkip), 1)
			}
		}
		return [][]byte{append(u, 0), everyOtherBinary(1, n)}
	},
	"deletions from the back to the front": func(n uint64) [][]byte {
		text := testkit.TypedIn("t", 1, 0, strings.Repeat("x", int(2*n)))
		u := lib0.AppendUint([]byte{0, 1, 1}, n)
		for i := n; i > 0; i-- {
			u = append(lib0.AppendUint(u, 2*i-1), 1)
		}
		return [][]byte{text, u}
	},
	"new clients in ascending order": func(n uint64) [][]byte {
		u := lib0.AppendUint(nil, n)
		for client := uint64(1); client <= n; client++ {
			u = append(lib0.AppendUint(append(u, 1), client), 0)
			b := block{client: client, kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}
			u, _ = b.appendTo(u)
		}
		return [][]byte{append(u, 0)}
	},
	"the same deletion again and again": func(n uint64) [][]byte {
		u := lib0.AppendUint([]byte{1}, n)
		u = append(u, 1, 0)
		for range n {
			b := block{client: 1, kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}
			u, _ = b.appendTo(u)
		}
		deletions := lib0.AppendUint([]byte{0, 1, 1}, n/10)
		for range n / 10 {
			deletions = lib0.AppendUint(append(deletions, 0), n)
		}
		return [][]byte{append(u, 0), deletions}
	},
	"deletions of two clients alternately": func(n uint64) [][]byte {
		u := lib0.AppendUint([]byte{0}, 2*n)
		for i := range n {
			for client := byte(1); client <= 2; client++ {
				u = append(u, client, 1)
				u = append(lib0.AppendUint(u, 2*i), 1)
			}
		}
		return [][]byte{u}
	},
	"surrogate pairs that are split before they arrive": func(n uint64) [][]byte {
		u := lib0.AppendUint([]byte{0, 1, 1}, n)
		for i := range n {
			u = append(lib0.AppendUint(u, 4*i+1), 1)
		}
		return [][]byte{u, testkit.TypedIn("t", 1, 0, strings.Repeat("😀", int(2*n)))}
	},
	"forged blocks between honest ones, before what all of them depend on": func(n uint64) [][]byte {
		u := append(lib0.AppendUint([]byte{1}, 2*n+1), 2, 0, 0x84, 9, 0, 1, 'a')
		for range n {
			u = append(u, 0xc4, 2, 0, 2, 0, 1, 'f', 0x84, 2, 0, 1, 'x')
		}
		return [][]byte{append(u, 0), testkit.TypedIn("t", 9, 0, "b")}
	},
	"texts in a list, each in an update": func(n uint64) (us [][]byte) {
		for i := range n {
			us = append(us, listOf(1, i, 1))
		}
		return us
	},
	"updates that each leave a gap, from the back to the front": func(n uint64) (us [][]byte) {
		for i := n; i > 0; i-- {
			b := block{client: 1, kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}
			u, _ := b.appendTo(lib0.AppendUint([]byte{1, 1, 1}, 2*i))
			us = append(us, append(u, 0))
		}
		return us
	},
	"updates that each delete what never arrives, from the back to the front": func(n uint64) (us [][]byte) {
		n /= 4 // each moves all pending spans, of which MaxPending allows a bounded number
		for i := n; i > 0; i-- {
			us = append(us, append(lib0.AppendUint([]byte{0, 1, 1, 1}, 2*i), 1))
		}
		return us
	},
	"updates that each delete one element of a long text": func(n uint64) [][]byte {
		text := testkit.TypedIn("t", 1, 0, strings.Repeat("x", int(2*n)))
		us := [][]byte{text}
		for i := n; i > 0; i-- {
			us = append(us, append(lib0.AppendUint([]byte{0, 1, 1, 1}, 2*i-1), 1))
		}
		return us
	},
	"deletions of one client, each in a part of its own, from the back to the front": func(n uint64) [][]byte {
		u := lib0.AppendUint([]byte{0}, n)
		for i := range n {
			u = append(lib0.AppendUint(append(u, 1, 1), 3*(n-i)), 1)
		}
		return [][]byte{u}
	},
	"deletions of what never arrives, from the back to the front": func(n uint64) [][]byte {
		u := lib0.AppendUint([]byte{0, 1, 1}, n)
		for i := n; i > 0; i-- {
			u = append(lib0.AppendUint(u, 2*i-1), 1)
		}
		return [][]byte{u}
	},
}

// everyOtherBinary returns an update with every other block of client 1, from clock first on.
func everyOtherBinary(first, n uint64) []byte {
	u := append(lib0.AppendUint([]byte{1}, 2*n-1), 1)
	u = lib0.AppendUint(u, first)
	for i := range n {
		b := block{client: 1, kind: kindBinary, content: []byte{0}, parent: []byte{1, 1, 't'}}
		if u, _ = b.appendTo(u); i < n-1 {
			u = append(u, byte(kindSkip), 1)
		}
	}
	return append(u, 0)
}

// TestRefusalIsLinear is TestTimeIsLinear for an update that is refused and undone.
func TestRefusalIsLinear(t *testing.T) {
	var s *Store
	testkit.Linear(t, 2_000, func(n uint64) func() {
		u := hostile["clients that all depend on the last block of another"](n)[0]
		s = NewWith(Options{MaxSize: 1})
		return func() {
			if _, err := s.Apply(u, V1); !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
		}
	})
	if s != nil {
		check(t, s)
	}
}

// TestTimeIsLinear applies updates that would take more than linear time in naive
// code. It has a run of its own in make test, without the race detector.
func TestTimeIsLinear(t *testing.T) {
	for name, build := range hostile {
		t.Run(name, func(t *testing.T) {
			testkit.Linear(t, 2_000, func(n uint64) func() {
				updates := build(n)
				s := NewWith(Options{MaxPending: 1 << 30})
				return func() {
					for _, u := range updates {
						if _, err := s.Apply(u, V1); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		})
	}
}
