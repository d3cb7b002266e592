package blocks

import (
	"bytes"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

func TestClashes(t *testing.T) {
	for name, test := range map[string]struct {
		held   []string
		update string
		at     *ID // of the clash; nil if there is none
	}{
		"another character":            {[]string{typedAB, typedC}, "01 01 01 02 84 01 01 01 64 00", &ID{1, 2}},
		"another origin":               {[]string{typedAB, typedC}, "01 01 01 02 84 01 00 01 63 00", &ID{1, 2}},
		"the same, mended":             {[]string{typedAB, typedC, typedX}, "01 01 02 00 84 01 00 01 58 00", nil},
		"another parent":               {[]string{typedAB}, "01 01 01 00 04 01 01 75 02 61 62 00", &ID{1, 0}},
		"another kind":                 {[]string{typedAB, typedC}, "01 01 01 02 88 01 01 01 77 01 63 00", &ID{1, 2}},
		"with more that is new":        {[]string{typedAB}, "01 01 01 01 84 01 00 02 58 59 00", &ID{1, 1}},
		"later than others":            {[]string{typedAB, typedC}, "01 02 01 00 04 01 01 74 02 61 62 84 01 01 01 64 00", &ID{1, 2}},
		"the same":                     {[]string{typedAB, typedC, typedX}, typedX, nil},
		"the same, split elsewhere":    {[]string{typedAB, typedC}, "01 01 01 01 84 01 00 02 62 63 00", nil},
		"the same, and more":           {[]string{typedAB}, "01 01 01 00 04 01 01 74 03 61 62 63 00", nil},
		"the same, after a gap":        {[]string{typedAB, typedC}, "01 02 01 00 0a 02 84 01 01 01 63 00", nil},
		"deleted meanwhile":            {[]string{typedAB, "00 01 01 01 00 02"}, typedAB, nil},
		"deleted by the client":        {[]string{typedAB}, "01 01 01 00 01 01 01 74 02 01 01 01 00 02", nil},
		"collected by the client":      {[]string{typedAB}, "01 01 01 00 00 02 01 01 01 00 02", nil},
		"a pair that was split":        {[]string{"01 01 01 00 04 01 01 74 04 f0 9f 98 80 00"}, "01 01 01 00 04 01 01 74 03 ef bf bd 00", nil},
		"a value in another encoding":  {[]string{"01 01 01 00 08 01 01 74 01 7d 01 00"}, "01 01 01 00 08 01 01 74 01 7b 3f f0 00 00 00 00 00 00 00", nil},
		"nothing that is held already": {[]string{typedAB}, typedC, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			apply(t, s, test.held...)
			if n, _ := s.Clashes(); n != 0 {
				t.Fatalf("%d clashes in what was applied first", n)
			}
			if _, err := s.Apply(unhex(t, test.update), V1); err != nil {
				t.Fatal(err)
			}
			n, last := s.Clashes()
			switch {
			case test.at == nil && n != 0:
				t.Errorf("%d clashes, the last one at %v", n, last)
			case test.at != nil && (n != 1 || last != *test.at):
				t.Errorf("%d clashes, the last one at %v; want one at %v", n, last, *test.at)
			}
			check(t, s)
		})
	}
}

// TestClashesAreSoughtInPart checks that only the first blocks of an update are compared,
// so that the search costs the same for any update and any document.
func TestClashesAreSoughtInPart(t *testing.T) {
	for n, want := range map[int]int{clashBlocks / 4: 1, clashBlocks: 0} {
		embeds := bytes.Repeat(unhex(t, "05 01 01 74 01 31"), n)
		held := append(append(lib0.AppendUint([]byte{1}, uint64(n)), 1, 0), embeds...)
		sent := append(append(lib0.AppendUint([]byte{1}, uint64(n)), 1, 0), embeds[6:]...)
		sent = append(sent, unhex(t, "04 01 01 74 01 61")...) // another kind
		s := New()
		for _, update := range [][]byte{append(held, 0), append(sent, 0)} {
			if _, err := s.Apply(update, V1); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := s.Clashes(); got != want {
			t.Errorf("%d clashes in %d blocks of which the last one differs, want %d", got, n, want)
		}
	}
}
