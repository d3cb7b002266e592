package blocks

import (
	"math/rand/v2"
	"testing"
)

// A table has what a map has, of ids at random and of ids that share a slot.
func TestIDTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var table idTable[int]
		ids := uint64(1 + random.IntN(400))
		for range 2 {
			want := make(map[id]int)
			for n := range random.IntN(1000) {
				x := id{random.Uint64N(3) << 61, random.Uint64N(ids) << random.IntN(60)}
				if p := table.get(x); (p != nil) != (want[x] > 0) || p != nil && *p != want[x] {
					t.Fatalf("%v has the value %v, want %d", x, p, want[x])
				}
				if len(want) < mostEntries || want[x] > 0 {
					want[x] = n + 1
					table.put(x, n+1)
				}
			}
			if table.len() != len(want) {
				t.Fatalf("there are %d entries, want %d", table.len(), len(want))
			}
			table.clear()
		}
	}
}
