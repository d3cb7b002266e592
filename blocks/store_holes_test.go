package blocks

import (
	"bytes"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

// Updates of client 1, each with one map entry.
const (
	entryA = "01 01 01 00 28 01 01 6d 01 61 01 7d 01 00"
	entryB = "01 01 01 01 28 01 01 6d 01 62 01 7d 02 00"
	entryC = "01 01 01 02 28 01 01 6d 01 63 01 7d 03 00"
	entryD = "01 01 01 03 28 01 01 6d 01 64 01 7d 04 00"
)

func wantVector(tb testing.TB, s *Store, want string) {
	tb.Helper()
	if got := s.StateVector(); !bytes.Equal(got, unhex(tb, want)) {
		tb.Errorf("the state vector is %x, want %s", got, want)
	}
}

// TestHoles applies updates of one client with gaps between them.
func TestHoles(t *testing.T) {
	s := New()
	s.HoldPending()
	apply(t, s, entryA, entryD)
	wantVector(t, s, "01 01 01")
	wantEncoding(t, s, "01 03 01 00 28 01 01 6d 01 61 01 7d 01 0a 02 28 01 01 6d 01 64 01 7d 04 00")
	if s.Pending() != 0 || s.Missing() != 2 || s.Clock(1) != 4 {
		t.Errorf("%d bytes are pending, %d elements are missing before %d", s.Pending(), s.Missing(), s.Clock(1))
	}
	for vector, want := range map[string]string{
		"01 01 01": "01 01 01 03 28 01 01 6d 01 64 01 7d 04 00", // it ends where the hole begins
		"01 01 02": "01 01 01 03 28 01 01 6d 01 64 01 7d 04 00",
		"01 01 04": "00 00",
	} {
		if got, err := s.Diff(unhex(t, vector), V1); err != nil || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("the difference from %s is %x, %v, want %s", vector, got, err, want)
		}
	}
	apply(t, s, entryC)
	wantVector(t, s, "01 01 01")
	wantEncoding(t, s, "01 04 01 00 28 01 01 6d 01 61 01 7d 01 0a 01 28 01 01 6d 01 63 01 7d 03 28 01 01 6d 01 64 01 7d 04 00")
	apply(t, s, entryB)
	wantVector(t, s, "01 01 04")
	if s.Missing() != 0 || s.find(1).holes() {
		t.Error("there are still holes")
	}
}

// TestFilledHoleJoins fills a hole in a text.
func TestFilledHoleJoins(t *testing.T) {
	s := New()
	apply(t, s,
		"01 01 01 00 04 01 01 74 02 61 62 00",
		"01 01 01 04 04 01 01 75 01 7a 00", // in another text
		"01 01 01 02 84 01 01 02 63 64 00",
	)
	wantEncoding(t, s, "01 02 01 00 04 01 01 74 04 61 62 63 64 04 01 01 75 01 7a 00")
}

// TestDeletionOverHoles deletes elements before and behind a hole, and in it.
func TestDeletionOverHoles(t *testing.T) {
	s := New()
	apply(t, s, entryA, entryD, "00 01 01 01 00 04")
	wantEncoding(t, s, "01 03 01 00 21 01 01 6d 01 61 01 0a 02 21 01 01 6d 01 64 01 01 01 01 00 04")
	apply(t, s, entryB)
	wantEncoding(t, s, "01 04 01 00 21 01 01 6d 01 61 01 21 01 01 6d 01 62 01 0a 01 21 01 01 6d 01 64 01 01 01 01 00 04")
}

// TestWaitingBehindHoles lets blocks behind holes wait for one another.
func TestWaitingBehindHoles(t *testing.T) {
	const (
		after1 = "01 01 02 05 84 01 03 01 78 00" // client 2 at 5, after the element of client 1 at 3
		after2 = "01 01 01 03 84 02 01 01 79 00" // client 1 at 3, after the element of client 2 at 1
	)
	s := New()
	apply(t, s, after1, after2)
	wantVector(t, s, "00")
	if s.Pending() == 0 {
		t.Error("nothing is pending")
	}
	apply(t, s, "01 01 02 01 04 01 01 74 01 61 00")
	if s.Pending() != 0 || s.Clock(1) != 4 || s.Clock(2) != 6 {
		t.Errorf("%d bytes are pending, the clients end at %d and %d", s.Pending(), s.Clock(1), s.Clock(2))
	}
	wantEncoding(t, s, "02 03 02 01 04 01 01 74 01 61 0a 03 84 01 03 01 78 01 01 03 84 02 01 01 79 00")
}

// TestLongTextIsWokenWhole lets a text wait that is kept in several blocks.
func TestLongTextIsWokenWhole(t *testing.T) {
	s := New()
	long := bytes.Repeat([]byte("x"), 5*blockBytes)
	u := append([]byte{1, 1, 1, 1, 0x84, 1, 0}, lib0.AppendBytes(nil, long)...)
	if _, err := s.Apply(append(u, 0), V1); err != nil {
		t.Fatal(err)
	}
	check(t, s)
	apply(t, s, "01 01 01 00 04 01 01 74 01 61 00")
	if got := s.Clock(1); got != 1+uint64(len(long)) || s.Pending() != 0 {
		t.Errorf("the text ends at %d, %d bytes are pending", got, s.Pending())
	}
}

// TestTypingBehindHole types in a document with a hole.
func TestTypingBehindHole(t *testing.T) {
	s := New()
	apply(t, s, entryA, "01 01 01 02 04 01 01 74 01 61 00")
	typed := unhex(t, "01 01 01 03 84 01 02 01 62 00")
	if added, err := s.Apply(typed, V1); err != nil || &added[0] != &typed[0] {
		t.Errorf("added %x, %v", added, err)
	}
	check(t, s)
	wantEncoding(t, s, "01 03 01 00 28 01 01 6d 01 61 01 7d 01 0a 01 04 01 01 74 02 61 62 00")
}
