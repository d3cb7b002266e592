package ids_test

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/ids"
	"github.com/yroom/yroom/internal/testkit"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func set(t *testing.T, v2 bool, updates ...[]byte) *ids.Set {
	t.Helper()
	s := new(ids.Set)
	for _, u := range updates {
		if err := s.Add(u, v2); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// same fails unless both sets have the same elements and deletions.
func same(t *testing.T, a, b *ids.Set) {
	t.Helper()
	if err := a.In(b); err != nil {
		t.Fatalf("the second set: %v", err)
	}
	if err := b.In(a); err != nil {
		t.Fatalf("the first set: %v", err)
	}
}

func TestMissing(t *testing.T) {
	const (
		text      = "01 01 01 00 04 01 01 74 03 61 62 63 00" // client 1: 0 to 3
		gapped    = "01 02 01 00 00 02 0a 03 00"             // a GC block 0 to 2, and a skip to 5
		deletions = "00 01 01 02 01 01 04 02"                // of client 1: 1, and 4 to 6
		two       = "02 01 02 05 00 03 01 01 00 00 08 00"    // client 2: a GC block 5 to 8, client 1: 0 to 8
		pieces    = "01 01 01 02 00 06 00"                   // client 1: 2 to 8
		behind    = "01 03 01 00 00 01 0a 02 00 03 00"       // client 1: 0 to 1 and 3 to 6
	)
	tests := []struct {
		name string
		want []string
		have []string
		err  *ids.MissingError
	}{
		{"nothing", nil, nil, nil},
		{"nothing of a client", []string{text}, nil, &ids.MissingError{Client: 1, From: 0, To: 3}},
		{"the end", []string{text}, []string{gapped}, &ids.MissingError{Client: 1, From: 2, To: 3}},
		{"the beginning", []string{text}, []string{pieces}, &ids.MissingError{Client: 1, From: 0, To: 2}},
		{"the middle", []string{text}, []string{behind}, &ids.MissingError{Client: 1, From: 1, To: 3}},
		{"none, in pieces", []string{text}, []string{pieces, gapped}, nil},
		{"a deletion", []string{text, deletions}, []string{text}, &ids.MissingError{Client: 1, From: 1, To: 2, Deletion: true}},
		{"a part of the deletions", []string{deletions}, []string{gapped}, &ids.MissingError{Client: 1, From: 4, To: 6, Deletion: true}},
		{"the second client", []string{text, two}, []string{text, pieces, gapped}, &ids.MissingError{Client: 2, From: 5, To: 8}},
		{"none, because a GC block is deleted", []string{deletions}, []string{two}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sets := make([]*ids.Set, 2)
			for i, updates := range [][]string{test.want, test.have} {
				sets[i] = new(ids.Set)
				for _, u := range updates {
					if err := sets[i].Add(unhex(t, u), false); err != nil {
						t.Fatal(err)
					}
				}
			}
			var got *ids.MissingError
			if err := sets[0].In(sets[1]); err != nil && !errors.As(err, &got) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.err, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOverlap(t *testing.T) {
	update := unhex(t, "01 03 01 00 00 01 0a 02 00 03 00") // client 1: 0 to 1 and 3 to 6
	for _, test := range []struct {
		client uint64
		span   clocks.Span
		want   bool
	}{
		{1, clocks.Span{From: 0, To: 1}, true},
		{1, clocks.Span{From: 1, To: 3}, false},
		{1, clocks.Span{From: 2, To: 4}, true},
		{1, clocks.Span{From: 5, To: 9}, true},
		{1, clocks.Span{From: 6, To: 9}, false},
		{2, clocks.Span{From: 0, To: 9}, false},
	} {
		got, err := ids.Overlap(update, false, map[uint64]clocks.Spans{test.client: {test.span}})
		if err != nil || got != test.want {
			t.Errorf("client %d, %v: %t, %v", test.client, test.span, got, err)
		}
	}
}

// TestHistories reads recorded histories in V2, as yjs wrote them, and as blocks
// writes them in both encodings.
func TestHistories(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("YROOM_TRACES"), "egwalker", "*.yjs"))
	if len(files) == 0 {
		testkit.Missingf(t, "YROOM_TRACES is not set to the folder with the recorded histories")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			theirs, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := blocks.New()
			if err := s.Load(theirs, blocks.V2); err != nil {
				t.Fatal(err)
			}
			want := set(t, true, theirs)
			same(t, want, set(t, true, s.Encode(blocks.V2)))
			same(t, want, set(t, false, s.Encode(blocks.V1)))
		})
	}
}

// FuzzAdd reads updates that blocks accepts, as they are and as blocks has converted them.
func FuzzAdd(f *testing.F) {
	for _, update := range []string{
		"01 05 01 00 04 01 01 74 03 61 62 63 84 01 02 01 78 81 01 03 02 c6 01 03 01 04 01 62 04 74 72 75 65 85 01 06 02 7b 7d 01 01 01 04 02",
		"02 02 02 00 07 01 01 78 03 01 70 07 00 02 00 06 02 01 03 00 00 02 0a 03 28 01 01 6d 01 6b 02 77 01 61 7d 01 01 02 01 00 01",
		"01 03 05 00 29 01 01 6d 01 6b 01 78 09 01 01 64 01 67 76 00 02 01 01 6a 02 01 31 01 32 00",
	} {
		v1 := unhex(f, update)
		v2, err := blocks.Convert(blocks.V1, blocks.V2, v1)
		if err != nil {
			f.Logf("%x: %v", v1, err)
			continue
		}
		f.Add(v1, false)
		f.Add(v2, true)
	}
	f.Fuzz(func(t *testing.T, update []byte, v2 bool) {
		from, to := blocks.V1, blocks.V2
		if v2 {
			from, to = to, from
		}
		var before, after ids.Set
		err := before.Add(update, v2)
		converted, refused := blocks.Convert(from, to, update)
		if refused != nil {
			return
		}
		if err != nil {
			t.Fatalf("blocks accepts %x: %v", update, err)
		}
		if err := after.Add(converted, !v2); err != nil {
			t.Fatalf("%x: %v", converted, err)
		}
		same(t, &before, &after)
	})
}
