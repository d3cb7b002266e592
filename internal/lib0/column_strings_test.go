package lib0

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/yroom/yroom/internal/testkit"
)

func units(s []byte) uint64 { return uint64(len(utf16.Encode([]rune(string(s))))) }

// TestStrings reads and writes columns that lib0 0.2.120 writes.
func TestStrings(t *testing.T) {
	for wire, want := range map[string][]string{
		"00":                   nil,
		"00 00":                {""},
		"01 61 01":             {"a"},
		"03 61 62 63 02 00 01": {"ab", "", "c"},
		"0d c3 a9 e4 b8 ad f0 9f 98 80 f0 9f 98 80 41 00 42 00": {"é", "\u4e2d", "😀", "😀"},
		"0a 61 f0 9f 98 80 62 f0 9f 98 80 04 02":                {"a😀b", "😀"},
	} {
		var w StringsWriter
		for _, s := range want {
			w.String([]byte(s), units([]byte(s)))
		}
		text, lengths := w.Finish()
		if got := append(AppendBytes(nil, text), lengths...); !bytes.Equal(got, unhex(t, wire)) {
			t.Errorf("%q is written as %x, want %s", want, got, wire)
		}
		checkStrings(t, wire, want)
	}
}

// TestCutPairs reads strings that begin and end inside surrogate pairs.
func TestCutPairs(t *testing.T) {
	checkStrings(t, "04 f0 9f 98 80 41 00", []string{"\ufffd", "\ufffd"})
	checkStrings(t, "04 f0 9f 98 80 01 00 01", []string{"\ufffd", "", "\ufffd"})
	checkStrings(t, "05 f0 9f 98 80 61 01 00 02", []string{"\ufffd", "", "\ufffda"})
	checkStrings(t, "0e 61 f0 9f 98 80 62 63 64 65 66 67 68 69 6a 02 0a", []string{"a\ufffd", "\ufffdbcdefghij"})
	checkStrings(t, "08 f0 9f 98 80 f0 9f 98 80 01 02 01", []string{"\ufffd", "\ufffd\ufffd", "\ufffd"})
}

// checkStrings reads a column, and one more string, which must fail.
func checkStrings(t *testing.T, wire string, want []string) {
	t.Helper()
	r := NewReader(columnOf(unhex(t, wire)))
	s := r.Strings()
	for i, want := range want {
		if got := s.AppendNext([]byte("x")); !bytes.Equal(got, AppendString([]byte("x"), want)) || r.Err() != nil {
			t.Errorf("%s: string %d is %q, %v; want %q", wire, i, got, r.Err(), want)
		}
	}
	if got := s.AppendNext(nil); !errors.Is(r.Err(), ErrTruncated) {
		t.Errorf("%s: read %q after the end, %v", wire, got, r.Err())
	}
}

func TestBadStrings(t *testing.T) {
	for wire, want := range map[string]error{
		"":                     ErrTruncated,
		"05 61 01":             ErrTruncated,
		"01 ff 01":             ErrUTF8,
		"01 61 02":             ErrTruncated, // longer than the text
		"04 f0 9f 98 80 03":    ErrTruncated,
		"01 61 bf ff ff ff 7f": ErrTruncated,
	} {
		r := NewReader(columnOf(unhex(t, wire)))
		s := r.Strings()
		if got := s.AppendNext(nil); len(got) > 1 || !errors.Is(r.Err(), want) {
			t.Errorf("%q: %q, %v; want %v", wire, got, r.Err(), want)
		}
	}
}

// TestStringsAreLinear reads surrogate pairs, of which each half is a string.
func TestStringsAreLinear(t *testing.T) {
	testkit.Linear(t, 1<<17, func(n uint64) func() {
		text := AppendString(nil, strings.Repeat("😀", int(n)))
		r := NewReader(columnOf(AppendUint(append(text, 0x41), 2*n-2)))
		s := r.Strings()
		return func() {
			out := make([]byte, 0, 8*n)
			for range 2 * n {
				out = s.AppendNext(out)
			}
			if r.Err() != nil || uint64(len(out)) != 8*n {
				t.Fatalf("%d bytes, %v", len(out), r.Err())
			}
		}
	})
}
