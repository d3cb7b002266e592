package blocks

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// growth holds streams of updates that make a document grow. Each function returns the
// update with the given number.
var growth = map[string]func(i uint64) []byte{
	"deletions that split a text": func(i uint64) []byte {
		if i == 0 {
			return testkit.TypedIn("t", 1, 0, strings.Repeat("x", 1<<18))
		}
		return everyOther(1, 2000*(i-1), 1000)
	},
	"deletions that split emoji": func(i uint64) []byte {
		if i == 0 {
			return testkit.TypedIn("t", 1, 0, strings.Repeat("😀", 1<<16))
		}
		return everyOther(1, 2000*(i-1)+1, 1000)
	},
	"deletions that split what arrives later": func(i uint64) []byte {
		if i%2 == 0 {
			return everyOther(1, 1000*i, 1000)
		}
		u := lib0.AppendUint([]byte{1, 1, 1}, 1000*(i-1))
		b := block{client: 1, kind: kindString, content: []byte(strings.Repeat("x", 2000)), parent: []byte{1, 1, 't'}}
		u, _ = b.appendTo(u)
		return append(u, 0)
	},
	"blocks of a few bytes": func(i uint64) []byte {
		return blocksOf(1, 1000*i, 1000, block{kind: kindBinary, content: []byte{0}, parent: []byte{1, 0}})
	},
	"blocks of two billion elements": func(i uint64) []byte {
		b := block{kind: kindDeleted, len: 1 << 31, parent: []byte{1, 0}}
		return blocksOf(1, i*100<<31, 100, b)
	},
	"a long text":    func(i uint64) []byte { return testkit.TypedIn("t", 1, i<<19, strings.Repeat("x", 1<<19)) },
	"types in types": func(i uint64) []byte { return mapsIn(1, 400*i, 400, inMap) },
	"blocks that wait": func(i uint64) []byte {
		return blocksOf(1, 1001*i+1, 1000, block{kind: kindBinary, content: []byte{0}, parent: []byte{1, 0}})
	},
	"clients":             func(i uint64) []byte { return manyClients["blocks"](1000*i, 1000) },
	"clients with two":    func(i uint64) []byte { return manyClients["two blocks of each"](1000*i, 1000) },
	"clients that wait":   func(i uint64) []byte { return manyClients["blocks that each wait for another client"](1000*i, 1000) },
	"clients' deletions":  func(i uint64) []byte { return manyClients["deletions"](1000*i, 1000) },
	"deletions that wait": func(i uint64) []byte { return everyOther(1, 2000*i, 1000) },
	"blocks that waited": func(i uint64) []byte {
		b := block{kind: kindDeleted, len: 1 << 31, parent: []byte{1, 0}}
		if i%2 == 0 {
			return blocksOf(1, i*50<<31+1, 99, b)
		}
		return blocksOf(1, (i-1)*50<<31, 1, block{kind: kindBinary, content: []byte{0}, parent: []byte{1, 0}})
	},
}

// everyOther returns an update that deletes n elements of a client, with an element
// between any two of them.
func everyOther(client, clock, n uint64) []byte {
	u := lib0.AppendUint(lib0.AppendUint([]byte{0, 1}, client), n)
	for i := range n {
		u = append(lib0.AppendUint(u, clock+2*i), 1)
	}
	return u
}

// blocksOf returns an update with n blocks like b.
func blocksOf(client, clock, n uint64, b block) []byte {
	u := lib0.AppendUint([]byte{1}, n)
	u = lib0.AppendUint(lib0.AppendUint(u, client), clock)
	for range n {
		u, _ = b.appendTo(u)
	}
	return append(u, 0)
}

// TestGrowthIsBounded lets documents grow until they are full, and measures them then.
func TestGrowthIsBounded(t *testing.T) {
	testkit.SkipUnderRace(t)
	const limit = 1 << 20
	for name, update := range growth {
		for _, history := range []bool{false, true} {
			before := heap()
			s := NewWith(Options{MaxSize: limit, MaxPending: 1 << 30, MaxClients: 1 << 30, History: history})
			full := false
			for i := uint64(0); !full && i < 5000; i++ {
				u := update(i)
				added, err := s.Apply(u, V1)
				if full = errors.Is(err, ErrLimit); !full && (err != nil || added == nil) {
					t.Fatalf("%s: update %d: %v", name, i, err)
				}
				if s.total() > limit {
					t.Fatalf("%s: the document counts as %d bytes after update %d", name, s.total(), i)
				}
			}
			took := int64(heap()) - int64(before)
			size := len(s.Encode(V1))
			t.Logf("%s: %d bytes encoded, %d in memory, %d counted; full: %v", name, size, took, s.total(), full)
			if !full && (!history || !strings.HasPrefix(name, "deletions")) {
				t.Errorf("%s: is never full", name)
			}
			if size > limit {
				t.Errorf("%s: %d bytes encoded", name, size)
			}
			if took > limit*3/2 {
				t.Errorf("%s: %d bytes in memory", name, took)
			}
			if s.pendingCost == 0 { // otherwise the whole of it could exceed MaxPending
				check(t, s)
			}
			runtime.KeepAlive(s)
		}
	}
}

// TestEstimatesAreHighEnough applies random updates to documents that are nearly full.
// None may become larger than the limit.
func TestEstimatesAreHighEnough(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	refused, deleted := 0, 0
	for range 300 {
		s := NewWith(Options{MaxSize: 3000 + r.IntN(3000), MaxPending: 1 << 20, History: r.IntN(4) == 0})
		s.unchecked = true
		for range 150 {
			client := 1 + r.Uint64N(3)
			end := s.Clock(client)
			var u []byte
			switch r.IntN(6) {
			case 0:
				u = testkit.TypedIn("t", client, end, strings.Repeat("xé😀", 1+r.IntN(60)))
			case 1:
				u = blocksOf(client, end+r.Uint64N(2), 1+r.Uint64N(5), block{kind: kindBinary, content: []byte{0}, parent: []byte{1, 0}})
			case 2:
				u = blocksOf(client, end, 1+r.Uint64N(3), block{kind: kindDeleted, len: 1 << 31, parent: []byte{1, 0}})
			case 3:
				u = mapsIn(client, end, 1+r.Uint64N(4), inMap)
			default:
				u = everyOther(client, r.Uint64N(max(1, end%1000)), 1+r.Uint64N(20))
			}
			if r.IntN(3) == 0 { // deletions of what is new
				with, err := Merge(V1, u, everyOther(client, end, 1+r.Uint64N(20)))
				if err != nil {
					t.Fatal(err)
				}
				u = with
			}
			before := s.total()
			added, err := s.Apply(u, V1)
			switch {
			case errors.Is(err, ErrLimit):
				refused++
			case err != nil:
				t.Fatal(err)
			case before > s.total():
				deleted++
			}
			if s.total() > max(before, s.options.MaxSize) {
				t.Fatalf("update %x, of which %x is new, takes a document from %d to %d bytes, at most %d are allowed", u, added, before, s.total(), s.options.MaxSize)
			}
		}
		check(t, s)
	}
	if t.Logf("%d updates were refused, %d made a document smaller", refused, deleted); refused < 1000 || deleted < 100 {
		t.Error("too few for a test")
	}
}
