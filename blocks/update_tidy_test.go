package blocks

import (
	"bytes"
	"errors"
	"testing"
)

// untidy holds updates that have parts without an effect, and what a store adds for each.
// They are applied to a document with "ab" of client 1 in the text "t".
var untidy = map[string]struct{ update, added string }{
	"a string of no elements":           {"01 02 01 02 84 01 01 00 84 01 01 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"values of no elements":             {"01 02 03 00 08 01 01 61 00 08 01 01 61 01 7d 01 00", "01 01 03 00 08 01 01 61 01 7d 01 00"},
	"JSON of no elements":               {"01 02 03 00 02 01 01 61 00 08 01 01 61 01 7d 01 00", "01 01 03 00 08 01 01 61 01 7d 01 00"},
	"a deleted block of no elements":    {"01 02 01 02 81 01 01 00 84 01 01 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"a GC block of no elements":         {"01 02 01 02 00 00 84 01 01 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"a skip of no elements":             {"01 02 01 02 0a 00 84 01 01 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"a skip that is longer than it is":  {"01 03 01 02 0a 81 00 00 00 84 01 02 01 63 00", "01 02 01 02 0a 01 84 01 02 01 63 00"},
	"nothing":                           {"01 01 01 02 84 01 01 00 00", ""},
	"nothing behind a gap":              {"01 01 01 05 84 01 01 00 00", ""},
	"nothing of a missing client":       {"02 01 07 00 84 09 00 00 01 01 02 84 01 01 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"nothing whose origin is its own":   {"01 01 01 02 84 01 02 00 00", ""},
	"a deletion of no elements":         {"00 01 01 02 00 00 01 01", "00 01 01 01 01 01"},
	"only deletions of no elements":     {"00 02 07 01 00 00 01 01 01 00", ""},
	"bytes after the end":               {"01 01 01 02 84 01 01 01 63 00 00 00", "01 01 01 02 84 01 01 01 63 00"},
	"in front of a block that is gone":  {"01 01 01 02 c4 01 01 01 02 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"in front of one that is there":     {"01 02 01 02 84 01 01 00 c4 01 01 01 02 01 63 00", "01 01 01 02 84 01 01 01 63 00"},
	"at a character before another one": {"01 03 01 02 c4 01 00 01 01 01 63 c4 01 02 01 03 01 64 c4 01 03 01 04 01 65 00", "01 03 01 02 c4 01 00 01 01 01 63 c4 01 02 01 01 01 64 c4 01 03 01 01 01 65 00"},
	"at a character that is deleted":    {"01 02 03 00 81 01 01 01 c4 03 00 03 01 01 63 00", "01 02 03 00 81 01 01 01 84 03 00 01 63 00"},
	"at a character that is collected":  {"01 02 03 00 00 01 c4 03 00 03 01 01 63 00", "01 02 03 00 00 01 84 03 00 01 63 00"},
}

// untidyV2 holds some of them as yjs converts them to V2.
var untidyV2 = map[string]string{
	"a string of no elements":          "00 00 02 41 01 02 02 00 00 01 84 04 01 63 00 01 00 00 00 01 02 02 00",
	"values of no elements":            "00 00 01 03 00 00 01 08 05 02 61 61 41 00 01 01 00 02 00 01 01 02 00 7d 01 00",
	"a GC block of no elements":        "00 00 02 41 00 01 02 00 03 00 00 84 03 01 63 01 00 00 01 00 01 02 02 00",
	"a skip of no elements":            "00 00 02 41 00 01 02 00 03 0a 00 84 03 01 63 01 00 00 00 01 02 02 00 00",
	"a deleted block of no elements":   "00 00 02 41 01 02 02 00 00 03 81 00 84 03 01 63 01 00 00 01 00 01 02 02 00",
	"in front of a block that is gone": "00 00 02 41 01 01 02 01 04 01 c4 03 01 63 01 00 00 00 01 01 02 00",
	"bytes after the end":              "00 00 02 41 00 01 02 00 01 84 03 01 63 01 00 00 00 01 01 02 00 00 00",
}

func TestUntidyIsAccepted(t *testing.T) {
	for name, test := range untidy {
		t.Run(name, func(t *testing.T) {
			wantUntidy(t, unhex(t, test.update), V1, unhex(t, test.added))
			if v2, ok := untidyV2[name]; ok {
				wantUntidy(t, unhex(t, v2), V2, unhex(t, test.added))
			}
		})
	}
}

// wantUntidy applies and loads an update, of which a store must add what is wanted.
func wantUntidy(t *testing.T, update []byte, enc Encoding, want []byte) {
	t.Helper()
	s, loaded := New(), New()
	apply(t, s, typedAB)
	apply(t, loaded, typedAB)
	added, err := s.Apply(update, enc)
	if err != nil || !bytes.Equal(added, want) {
		t.Errorf("in V%d, added %x, %v; want %x", enc, added, err, want)
	}
	check(t, s)
	if held, err := s.Contains(update, enc); !held || err != nil {
		t.Errorf("in V%d, contained: %v, %v", enc, held, err)
	}
	if n, _ := s.Clashes(); n != 0 {
		t.Errorf("in V%d, %d clashes", enc, n)
	}
	if err := loaded.Load(update, enc); err != nil || !bytes.Equal(loaded.Encode(V1), s.Encode(V1)) {
		t.Errorf("in V%d, loaded %x, %v; want %x", enc, loaded.Encode(V1), err, s.Encode(V1))
	}
}

// TestUntidyWithoutDocument calls the functions on updates.
func TestUntidyWithoutDocument(t *testing.T) {
	u := unhex(t, "01 03 01 00 04 01 01 74 02 61 62 84 01 01 00 c4 01 01 01 02 01 63 01 01 01 01 00 00 00")
	want := unhex(t, "01 02 01 00 04 01 01 74 02 61 62 84 01 01 01 63 00")
	for what, call := range map[string]func() ([]byte, error){
		"Convert":            func() ([]byte, error) { return Convert(V1, V1, u) },
		"Convert, to V2":     func() ([]byte, error) { v2, _ := Convert(V1, V2, u); return Convert(V2, V1, v2) },
		"DiffUpdate":         func() ([]byte, error) { return DiffUpdate(V1, u, []byte{0}) },
		"Convert, of itself": func() ([]byte, error) { return Convert(V1, V1, want) },
	} {
		if got, err := call(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v; want %x", what, got, err, want)
		}
	}
	merged := unhex(t, "01 01 01 00 04 01 01 74 03 61 62 63 00")
	if got, err := Merge(V1, u); err != nil || !bytes.Equal(got, merged) {
		t.Errorf("Merge: %x, %v; want %x", got, err, merged)
	}
	// Without the document, the place of the block isn't known.
	alone := unhex(t, untidy["in front of a block that is gone"].update)
	if _, err := Convert(V1, V1, alone); !errors.Is(err, errFuture) {
		t.Errorf("in front of a missing block: %v", err)
	}
}

// TestUntidyAfterAHole applies a block that was inserted between a character after a hole and
// a block of no elements.
func TestUntidyAfterAHole(t *testing.T) {
	s := New()
	apply(t, s, "01 01 02 05 04 01 01 74 02 61 62 00")
	apply(t, s, "01 01 02 07 c4 02 06 02 07 01 63 00")
	check(t, s)
	if want := unhex(t, "01 01 02 05 04 01 01 74 03 61 62 63 00"); !bytes.Equal(s.Encode(V1), want) {
		t.Errorf("%x, want %x", s.Encode(V1), want)
	}
}
