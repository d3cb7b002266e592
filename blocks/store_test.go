package blocks

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// Client 1 typed "ab" in the root "t", and "c" after it; client 2 typed "X" between a
// and b.
const (
	typedAB = "01 01 01 00 04 01 01 74 02 61 62 00"
	typedC  = "01 01 01 02 84 01 01 01 63 00"
	typedX  = "01 01 02 00 c4 01 00 01 01 01 58 00"
)

func TestApplyInOrder(t *testing.T) {
	s := New()
	apply(t, s, typedAB, typedC, typedX)
	wantEncoding(t, s, "02 01 02 00 c4 01 00 01 01 01 58 01 01 00 04 01 01 74 03 61 62 63 00")
	if got, want := s.StateVector(), unhex(t, "02 02 01 01 03"); !bytes.Equal(got, want) {
		t.Errorf("state vector %x, want %x", got, want)
	}
}

func TestApplyTwiceAddsNothing(t *testing.T) {
	s := New()
	apply(t, s, typedAB, typedC, "00 01 01 01 00 01")
	for _, u := range []string{typedAB, typedC, "00 01 01 01 00 01", "00 00"} {
		added, err := s.Apply(unhex(t, u), V1)
		if added != nil || err != nil {
			t.Errorf("%s a second time: added %x, %v", u, added, err)
		}
		if ok, err := s.Contains(unhex(t, u), V1); !ok || err != nil {
			t.Errorf("Contains(%s) = %v, %v", u, ok, err)
		}
	}
	if ok, err := s.Contains(unhex(t, typedX), V1); ok || err != nil {
		t.Errorf("Contains of a new update = %v, %v", ok, err)
	}
}

func TestAddedIsTheUpdateItself(t *testing.T) {
	s := New()
	u := unhex(t, typedAB)
	added, err := s.Apply(u, V1)
	if err != nil || &added[0] != &u[0] {
		t.Errorf("added %x, %v; want the same slice", added, err)
	}
}

func TestAddedIsOnlyWhatIsNew(t *testing.T) {
	tests := []struct {
		name         string
		held         []string
		update, want string
	}{
		{
			"the end of a longer block",
			[]string{typedAB},
			"01 01 01 00 04 01 01 74 03 61 62 63 00", "01 01 01 02 84 01 01 01 63 00",
		},
		{
			"one of two clients",
			[]string{typedAB},
			"02 01 02 00 c4 01 00 01 01 01 58 01 01 00 04 01 01 74 02 61 62 00", typedX,
		},
		{
			"a part between pending blocks",
			[]string{"01 01 01 01 84 01 00 01 62 00", "01 01 01 03 84 01 02 01 64 00"},
			"01 01 01 00 04 01 01 74 05 61 62 63 64 65 00",
			"01 05 01 00 04 01 01 74 01 61 0a 01 84 01 01 01 63 0a 01 84 01 03 01 65 00",
		},
		{
			"one of two deletions",
			[]string{typedAB, "00 01 01 01 00 01"},
			"00 01 01 01 00 02", "00 01 01 01 01 01",
		},
		{
			"a deletion of missing elements",
			[]string{"00 01 01 01 04 02"},
			"00 01 01 01 02 08", "00 01 01 02 02 02 06 04",
		},
		{
			"deletions of several clients",
			[]string{typedAB, typedX, "00 01 02 01 00 01"},
			"00 02 02 01 00 01 01 01 00 01", "00 01 01 01 00 01",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			apply(t, s, test.held...)
			added, err := s.Apply(unhex(t, test.update), V1)
			if err != nil || !bytes.Equal(added, unhex(t, test.want)) {
				t.Errorf("added %x, %v; want %s", added, err, test.want)
			}
			check(t, s)
		})
	}
}

func TestPendingUntilDependenciesCome(t *testing.T) {
	late := "01 01 03 00 84 02 00 01 59 00" // of client 3, after client 2's X
	s := New()
	apply(t, s, late, typedX, typedC)
	if got := s.StateVector(); !bytes.Equal(got, []byte{0}) {
		t.Errorf("state vector %x while everything is pending", got)
	}
	if s.pendingCost == 0 {
		t.Error("nothing is pending")
	}
	wantEncoding(t, s, "03 01 03 00 84 02 00 01 59 01 02 00 c4 01 00 01 01 01 58 01 01 02 84 01 01 01 63 00")
	apply(t, s, typedAB)
	if s.pendingCost != 0 {
		t.Errorf("%d bytes are still pending", s.pendingCost)
	}
	if got, want := s.StateVector(), unhex(t, "03 03 01 02 01 01 03"); !bytes.Equal(got, want) {
		t.Errorf("state vector %x, want %x", got, want)
	}
}

func TestDeletedBeforeInserted(t *testing.T) {
	s := New()
	apply(t, s, "00 01 01 01 01 01", typedAB)
	wantEncoding(t, s, "01 02 01 00 04 01 01 74 01 61 81 01 00 01 01 01 01 01 01")
	if s.pendingCost != 0 {
		t.Errorf("%d bytes are still pending", s.pendingCost)
	}
}

func TestDeletedNeighboursJoin(t *testing.T) {
	s := New()
	apply(t, s, "01 01 01 00 04 01 01 74 05 61 62 63 64 65 00")
	for _, clock := range []string{"02", "01", "03"} {
		apply(t, s, "00 01 01 01 "+clock+" 01")
	}
	wantEncoding(t, s, "01 03 01 00 04 01 01 74 01 61 81 01 00 03 84 01 03 01 65 01 01 01 01 03")
}

func TestDiff(t *testing.T) {
	s := New()
	apply(t, s, typedAB, typedC, typedX, "00 01 01 01 02 01", "01 01 01 05 84 01 04 01 66 00")
	tests := []struct{ has, want string }{
		{"02 02 01 01 03", "01 01 01 05 84 01 04 01 66 01 01 01 02 01"},
		{"01 02 01", "01 04 01 00 04 01 01 74 02 61 62 81 01 01 01 0a 02 84 01 04 01 66 01 01 01 02 01"},
		{"01 01 01", "02 01 02 00 c4 01 00 01 01 01 58 04 01 01 84 01 00 01 62 81 01 01 01 0a 02 84 01 04 01 66 01 01 01 02 01"},
		{"02 01 63 02 63", "00 01 01 01 02 01"},
	}
	for _, test := range tests {
		got, err := s.Diff(unhex(t, test.has), V1)
		if err != nil || !bytes.Equal(got, unhex(t, test.want)) {
			t.Errorf("Diff(%s) = %x, %v; want %s", test.has, got, err, test.want)
		}
	}
	for _, bad := range []string{"", "01", "01 01", "00 00", "01 01 ff ff ff ff ff ff ff ff 7f"} {
		if _, err := s.Diff(unhex(t, bad), V1); !errors.Is(err, ErrMalformed) {
			t.Errorf("Diff(%q): %v", bad, err)
		}
	}
}

func TestSurrogatePairs(t *testing.T) {
	smile := "01 01 01 00 04 01 01 74 06 61 f0 9f 98 80 62 00" // a, an emoji of two units, b
	s := New()
	apply(t, s, smile)
	got, err := s.Diff(unhex(t, "01 01 02"), V1)
	if want := unhex(t, "01 01 01 02 84 01 01 04 ef bf bd 62 00"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the second half of a pair is %x, %v; want %x", got, err, want)
	}
	apply(t, s, "00 01 01 01 02 01")
	wantEncoding(t, s, "01 03 01 00 04 01 01 74 04 61 ef bf bd 81 01 01 01 84 01 02 01 62 01 01 01 02 01")
}

func TestRunsAreJoined(t *testing.T) {
	tests := []struct{ name, first, second, want string }{
		{
			"any", "01 01 01 00 08 01 01 61 01 7d 01 00", "01 01 01 01 88 01 00 02 7e 77 00 00",
			"01 01 01 00 08 01 01 61 03 7d 01 7e 77 00 00",
		},
		{
			"json", "01 01 01 00 02 01 01 61 01 01 31 00", "01 01 01 01 82 01 00 01 09 75 6e 64 65 66 69 6e 65 64 00",
			"01 01 01 00 02 01 01 61 02 01 31 09 75 6e 64 65 66 69 6e 65 64 00",
		},
		{"collected", "01 01 01 00 00 03 00", "01 01 01 03 00 02 00", "01 01 01 00 00 05 01 01 01 00 05"},
		{
			"not the values of a key", "01 01 01 00 28 01 01 6d 01 6b 01 7d 01 00", "01 01 01 01 a8 01 00 01 7d 02 01 01 01 00 01",
			"01 02 01 00 21 01 01 6d 01 6b 01 a8 01 00 01 7d 02 01 01 01 00 01",
		},
		{
			"not with another right origin", typedAB + "", "01 01 01 02 c4 01 01 02 00 01 63 00",
			"01 02 01 00 04 01 01 74 02 61 62 c4 01 01 02 00 01 63 00",
		},
		{
			"not what was typed elsewhere", typedAB, "01 01 01 02 84 01 00 01 63 00",
			"01 02 01 00 04 01 01 74 02 61 62 84 01 00 01 63 00",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			apply(t, s, test.first, test.second)
			wantEncoding(t, s, test.want)
		})
	}
}

// TestEveryKind applies, encodes and deletes a block of each kind of content.
func TestEveryKind(t *testing.T) {
	kinds := map[string]string{
		"deleted":     "01 01 01 74 02",
		"json":        "02 01 01 74 01 02 7b 7d",
		"binary":      "03 01 01 74 02 ff 00",
		"string":      "04 01 01 74 02 61 62",
		"embed":       "05 01 01 74 07 7b 22 61 22 3a 31 7d",
		"format":      "06 01 01 74 01 62 04 74 72 75 65",
		"type":        "07 01 01 74 02",
		"element":     "07 01 01 74 03 01 70",
		"hook":        "07 01 01 74 05 01 70",
		"xml text":    "07 01 01 74 06",
		"any":         "08 01 01 74 09 7f 7e 7d 41 7c 00 00 00 00 7b 00 00 00 00 00 00 00 00 7a 00 00 00 00 00 00 00 01 79 78 74 01 ff",
		"any nested":  "08 01 01 74 01 76 01 00 75 02 77 01 61 7d c0 01",
		"subdocument": "09 01 01 74 02 67 75 76 00",
		"empty key":   "28 01 01 74 00 01 7d 01",
		"no parent":   "88 02 00 01 7d 01",
		"a parent id": "08 00 02 00 01 7d 01",
		"collected":   "00 02",
	}
	for name, wire := range kinds {
		t.Run(name, func(t *testing.T) {
			s := New()
			apply(t, s, "01 01 02 00 07 01 01 72 01 00", "01 01 01 00 "+wire+" 00")
			full := s.Encode(V1)
			if !bytes.Contains(full, unhex(t, wire)) {
				t.Errorf("%x is not in %x", unhex(t, wire), full)
			}
			length := s.byID[1].blocks.end
			if _, err := s.Apply([]byte{0, 1, 1, 1, 0, byte(length)}, V1); err != nil {
				t.Fatal(err)
			}
			check(t, s)
			for i, k := range indexedCopy(t, &s.byID[1].blocks).chunks {
				for j := range k.starts {
					if !k.deleted(j) {
						t.Errorf("block %d/%d is not deleted", i, j)
					}
				}
			}
		})
	}
}

// TestLongRunsAreSplit checks that an edit in a long run doesn't rewrite all of it,
// and that encoding it again returns the same text.
func TestLongRunsAreSplit(t *testing.T) {
	text := strings.Repeat("long läßt grüßen 😀 ", 2000)
	s := New()
	if _, err := s.Apply(testkit.TypedIn("t", 1, 0, text), V1); err != nil {
		t.Fatal(err)
	}
	check(t, s)
	var got []byte
	src := iterRuns(1, []*run{&s.byID[1].blocks}, 0)
	for b := src.next(); b != nil; b = src.next() {
		if len(b.content) > blockBytes {
			t.Errorf("a block of %d bytes", len(b.content))
		}
		got = append(got, b.content...)
	}
	if string(got) != text {
		t.Error("the text has changed")
	}
	values := bytes.Repeat([]byte{0x77, 3, 'a', 'b', 'c'}, 3000)
	b := block{client: 2, kind: kindAny, parent: []byte{1, 1, 'a'}, content: values, len: 3000}
	u, _ := b.appendTo([]byte{1, 1, 2, 0})
	if _, err := s.Apply(append(u, 0), V1); err != nil {
		t.Fatal(err)
	}
	check(t, s)
	for i := range byte(50) {
		if _, err := s.Apply([]byte{0, 2, 1, 1, 2 * i, 1, 2, 1, 2 * i, 1}, V1); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s)
}

func TestChunksAreHalved(t *testing.T) {
	s := New()
	// One run, of which every other element is deleted, from the front.
	if _, err := s.Apply(testkit.TypedIn("t", 1, 0, strings.Repeat("x", 1000)), V1); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 1000; i += 2 {
		u := []byte{0, 1, 1, 1, byte(i) | 0x80, byte(i >> 7), 1}
		if _, err := s.Apply(u, V1); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s)
	for _, k := range s.byID[1].blocks.chunks {
		if k.count() > 2*chunkBlocks {
			t.Errorf("a chunk of %d blocks", k.count())
		}
	}
	// Then the rest is deleted at once.
	apply(t, s, "00 01 01 01 00 e8 07")
	if spans := s.byID[1].deletionCount(); spans != 1 {
		t.Errorf("%d spans", spans)
	}
}

func TestEncodingsAreNamed(t *testing.T) {
	s := New()
	for _, enc := range []Encoding{0, 3} {
		if _, err := s.Apply([]byte{0, 0}, enc); !errors.Is(err, ErrEncoding) {
			t.Errorf("Apply in encoding %d: %v", enc, err)
		}
		if _, err := s.Contains([]byte{0, 0}, enc); !errors.Is(err, ErrEncoding) {
			t.Errorf("Contains in encoding %d: %v", enc, err)
		}
		if _, err := s.Diff([]byte{0}, enc); !errors.Is(err, ErrEncoding) {
			t.Errorf("Diff in encoding %d: %v", enc, err)
		}
		if _, err := Merge(enc); !errors.Is(err, ErrEncoding) {
			t.Errorf("Merge in encoding %d: %v", enc, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Encode with an unknown encoding didn't panic")
		}
	}()
	s.Encode(0)
}

// TestKnownElementsStay checks that an update which contradicts known elements changes
// neither the document nor what is broadcast of them.
func TestKnownElementsStay(t *testing.T) {
	waits, longer := "01 01 07 01 84 07 00 01 48 00", "01 01 07 00 04 01 01 74 03 61 62 63 00"
	s, log := New(), New()
	for _, u := range []string{waits, longer} {
		added, err := s.Apply(unhex(t, u), V1)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Load(added, V1); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s)
	want := "01 01 07 00 04 01 01 74 03 61 48 63 00"
	wantEncoding(t, s, want)
	wantEncoding(t, log, want)
	if n, _ := s.Clashes(); n != 0 {
		t.Errorf("%d clashes: blocks that are pending are not compared", n)
	}
}

func TestDeleteSetsAreNormalized(t *testing.T) {
	for _, u := range []string{
		"00 01 01 03 00 01 00 02 01 01",             // overlapping
		"00 01 01 02 01 01 00 01",                   // out of order
		"00 02 01 01 00 01 01 01 01 01",             // a client twice
		"00 03 01 01 01 01 02 01 00 01 01 01 00 01", // with another element between
	} {
		s := New()
		apply(t, s, typedAB, typedX)
		added, err := s.Apply(unhex(t, u), V1)
		want := unhex(t, "00 01 01 01 00 02")
		if strings.Contains(u, "02 01 00 01") {
			want = unhex(t, "00 02 02 01 00 01 01 01 00 02")
		}
		if err != nil || !bytes.Equal(added, want) {
			t.Errorf("%s: added %x, %v; want %x", u, added, err, want)
		}
		check(t, s)
	}
}

// TestDeletedTextIsFreed types and deletes text, and checks how much memory is
// left in use.
func TestDeletedTextIsFreed(t *testing.T) {
	s := New()
	const n = 1 << 20
	for i := range uint64(4) {
		b := block{client: 1, clock: i * n, kind: kindString, parent: []byte{1, 1, 't'}, content: make([]byte, n), len: n}
		u := lib0.AppendUint([]byte{1, 1, 1}, i*n)
		u, _ = b.appendTo(u)
		if _, err := s.Apply(append(u, 0), V1); err != nil {
			t.Fatal(err)
		}
		u = lib0.AppendUint([]byte{0, 1, 1, 1}, i*n)
		if _, err := s.Apply(lib0.AppendUint(u, n), V1); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s)
	room := 0
	for _, k := range s.byID[1].blocks.chunks {
		room += cap(k.wire)
	}
	if room > 2*chunkBytes || s.blocksSize > 1024 {
		t.Errorf("%d bytes of capacity for %d", room, s.blocksSize)
	}
}

func TestMerge(t *testing.T) {
	updates := [][]byte{unhex(t, typedC), unhex(t, typedX), unhex(t, typedAB), unhex(t, "00 01 01 01 00 02"), unhex(t, typedC)}
	got, err := Merge(V1, updates...)
	want := unhex(t, "02 01 02 00 c4 01 00 01 01 01 58 02 01 00 04 01 01 74 02 61 62 84 01 01 01 63 01 01 01 00 02")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Merge = %x, %v; want %x", got, err, want)
	}
	in := [][]byte{unhex(t, typedAB), unhex(t, typedC)}
	if got, err = Merge(V1, in...); err != nil || !bytes.Equal(got, unhex(t, "01 01 01 00 04 01 01 74 03 61 62 63 00")) {
		t.Errorf("Merge = %x, %v", got, err)
	}
	if _, err := Merge(V1, updates[0], []byte{1}); !errors.Is(err, ErrMalformed) {
		t.Errorf("Merge of a malformed update: %v", err)
	}
	if got, err := Merge(V1); err != nil || !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("Merge of no updates = %x, %v", got, err)
	}
}

// TestVeryLongBlock deletes after a block that is too long for the relative clocks of
// a chunk: the two must be in different chunks.
func TestVeryLongBlock(t *testing.T) {
	const long = 1 << 40
	u := lib0.AppendUint([]byte{1, 2, 1, 0, byte(kindGC)}, long)
	u = append(u, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0)
	s := New()
	wantApplied(t, s, u)
	wantApplied(t, s, append(lib0.AppendUint([]byte{0, 1, 1, 1}, long+1), 1))
	check(t, s)
}

// TestEmptySections applies updates with many sections without elements. They must not
// add clients.
func TestEmptySections(t *testing.T) {
	const n = 1000
	for name, section := range map[string][]byte{"no block": nil, "a skip": {byte(kindSkip), 5}} {
		u := lib0.AppendUint(nil, n)
		for client := uint64(n); client > 0; client-- {
			u = append(u, byte(len(section)/2))
			u = append(append(lib0.AppendUint(u, client), 0), section...)
		}
		s := New()
		wantApplied(t, s, append(u, 1, 1, 1, 0, 1))
		if check(t, s); len(s.byID) != 1 {
			t.Errorf("%s: the store has %d clients", name, len(s.byID))
		}
		if ok, err := s.Contains(append(u, 0), V1); !ok || err != nil {
			t.Errorf("%s: Contains is %v, %v", name, ok, err)
		}
	}
	if _, err := New().Apply(unhex(t, "02 01 01 00 00 01 00 01 05 00"), V1); !errors.Is(err, ErrMalformed) {
		t.Errorf("a client twice, once without elements: %v", err)
	}
}
