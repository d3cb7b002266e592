package worker

import (
	"testing"

	"github.com/yroom/yroom/store"
)

// Logs with the same positions and other entries, as after a store was emptied, have
// other digests.
func TestDigest(t *testing.T) {
	log := func(enc store.Encoding, data ...string) store.Log {
		var l store.Log
		for i, d := range data {
			l.Entries = append(l.Entries, store.Entry{Encoding: enc, Data: []byte(d)})
			l.Positions = append(l.Positions, store.Position(i+1))
		}
		return l
	}
	seen := make(map[uint64]int)
	for i, l := range []store.Log{
		{}, log(store.V1, "a"), log(store.V1, "b"), log(store.V2, "a"), log(store.V1, "a", "b"), log(store.V1, "ab"), log(store.V1, "ab", ""),
	} {
		d := digest(l)
		if other, ok := seen[d]; ok || d == 0 {
			t.Errorf("log %d has the digest %d, as log %d", i, d, other)
		}
		seen[d] = i
		if digest(l) != d {
			t.Errorf("log %d has two digests", i)
		}
	}
}
