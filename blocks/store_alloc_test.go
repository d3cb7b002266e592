package blocks

import (
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// typing returns updates of one character each, as a typing client sends them. Every
// tenth one deletes the character before.
func typing(n uint64) (updates [][]byte) {
	for i := range n {
		if i > 0 && i%10 == 0 {
			updates = append(updates, append(lib0.AppendUint([]byte{0, 1, 1, 1}, i-1), 1))
		}
		updates = append(updates, testkit.TypedIn("t", 1, i, "x"))
	}
	return updates
}

func TestTypingAllocations(t *testing.T) {
	updates := typing(10_000)
	s := New()
	allocs := testing.AllocsPerRun(1, func() {
		s = New()
		for _, u := range updates {
			if _, err := s.Apply(u, V1); err != nil {
				t.Fatal(err)
			}
		}
	})
	if per := allocs / float64(len(updates)); per > 0.1 {
		t.Errorf("%.2f allocations an update", per)
	}
	check(t, s)
	again := testing.AllocsPerRun(1, func() {
		for _, u := range updates {
			if added, err := s.Apply(u, V1); added != nil || err != nil {
				t.Fatal(added, err)
			}
		}
	})
	if again > 10 {
		t.Errorf("%.0f allocations for updates that are known", again)
	}
}

// nestedTyping returns updates of two blocks each, in a text in an element: they are
// planned, and their depths are found.
func nestedTyping(n uint64) (updates [][]byte) {
	updates = append(updates, []byte{1, 3, 1, 0, 7, 1, 1, 't', 3, 1, 'p', 7, 0, 1, 0, 6, 4, 0, 1, 1, 1, 'x', 0})
	for i := range n {
		clock := 3 + 2*i
		u := lib0.AppendUint([]byte{1, 2, 1}, clock)
		u = append(lib0.AppendUint(append(u, 0x86, 1), clock-1), 1, 'b', 4, 't', 'r', 'u', 'e')
		u = append(lib0.AppendUint(append(u, 0x84, 1), clock), 1, 'x', 0)
		updates = append(updates, u)
	}
	return updates
}

func TestNestedAllocations(t *testing.T) {
	testkit.SkipUnderRace(t)
	updates := nestedTyping(10_000)
	var s *Store
	allocs := testing.AllocsPerRun(1, func() {
		s = New()
		for _, u := range updates {
			if _, err := s.Apply(u, V1); err != nil {
				t.Fatal(err)
			}
		}
	})
	if per := allocs / float64(len(updates)); per > 2.2 { // the index of the update, in which the second block finds the first
		t.Errorf("%.2f allocations an update", per)
	}
	check(t, s)
}

func BenchmarkTyping(b *testing.B) {
	updates := typing(10_000)
	b.ReportAllocs()
	for b.Loop() {
		s := New()
		for _, u := range updates {
			if _, err := s.Apply(u, V1); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(updates)), "ns/update")
}

func BenchmarkLoad(b *testing.B) {
	s := New()
	for _, u := range typing(100_000) {
		if _, err := s.Apply(u, V1); err != nil {
			b.Fatal(err)
		}
	}
	full := s.Encode(V1)
	b.SetBytes(int64(len(full)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New().Apply(full, V1); err != nil {
			b.Fatal(err)
		}
	}
}
