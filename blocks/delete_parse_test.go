package blocks

import (
	"slices"
	"testing"
)

// Versions of yjs differ in the order of the clients of a delete set, so Parse takes any order.
func TestParseDeletions(t *testing.T) {
	for name, test := range map[string]struct {
		v1, v2 []byte
		want   []uint64 // client, clock and length of each span
	}{
		"none":               {[]byte{0}, []byte{0}, nil},
		"descending clients": {[]byte{2, 9, 1, 0, 3, 7, 2, 1, 1, 4, 2}, []byte{2, 9, 1, 0, 2, 7, 2, 1, 0, 2, 1}, []uint64{9, 0, 3, 7, 1, 1, 7, 4, 2}},
		"ascending clients":  {[]byte{2, 7, 2, 1, 1, 4, 2, 9, 1, 0, 3}, []byte{2, 7, 2, 1, 0, 2, 1, 9, 1, 0, 2}, []uint64{7, 1, 1, 7, 4, 2, 9, 0, 3}},
		"no span":            {[]byte{2, 9, 0, 7, 1, 4, 2}, []byte{2, 9, 0, 7, 1, 4, 1}, []uint64{7, 4, 2}},
		"a client twice":     {[]byte{2, 7, 1, 4, 2, 7, 1, 1, 1}, []byte{2, 7, 1, 4, 1, 7, 1, 1, 0}, []uint64{7, 1, 1, 7, 4, 2}},
		"spans out of order": {[]byte{1, 7, 2, 4, 2, 1, 1}, nil, []uint64{7, 1, 1, 7, 4, 2}},
		"overlapping spans":  {[]byte{1, 7, 2, 1, 3, 2, 4}, nil, []uint64{7, 1, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			for enc, set := range map[Encoding][]byte{V1: test.v1, V2: test.v2} {
				if set == nil {
					continue
				}
				deleted, err := Parse(updateOf(enc, set), enc, func(*Block) {})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // they can be read again
					var got []uint64
					for first, n := range deleted {
						got = append(got, first.Client, first.Clock, n)
					}
					if !slices.Equal(got, test.want) {
						t.Errorf("V%d: %v, want %v", enc, got, test.want)
					}
				}
			}
		})
	}
}

// Parse keeps no copy of the spans, also if the clients are in ascending order.
func TestParseDeletionsAllocations(t *testing.T) {
	set := []byte{2}
	for _, client := range []byte{7, 9} {
		set = append(set, client, 100)
		for i := range byte(100) {
			set = append(set, i, 1)
		}
	}
	update := updateOf(V1, set)
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := Parse(update, V1, func(*Block) {}); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 8 {
		t.Errorf("%v allocations for 200 spans", allocations)
	}
}

// updateOf returns an update without blocks.
func updateOf(enc Encoding, deletions []byte) []byte {
	if enc == V2 {
		return append([]byte{0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, deletions...) // the columns are empty
	}
	return append([]byte{0}, deletions...)
}
