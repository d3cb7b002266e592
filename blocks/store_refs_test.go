package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

// In the tables, client 1 has typed "abc" into the text t, client 2 has the array r with
// the values 1 and 2, and client 3 has the key k of the map m with the value 1.
const (
	abc    = "01 01 01 00 04 01 01 74 03 61 62 63 00"
	values = "01 01 02 00 08 01 01 72 02 7d 01 7d 02 00"
	entry  = "01 01 03 00 28 01 01 6d 01 6b 01 7d 01 00"
)

// forgedBlocks are blocks of client 9 that no client writes in this document.
var forgedBlocks = map[string]string{
	"at the start, before an element in the middle": "44 01 01 01 58",
	"an entry before another":                       "68 03 00 01 7d 01",
	"an entry of text":                              "a4 03 00 02 58 59",
	"text after an entry, without the flag":         "84 03 00 01 58",
	"an embed in a map":                             "a5 03 00 01 31",
	"two values after an entry":                     "a8 03 00 02 7d 01 7d 02",
	"two values after an entry, without the flag":   "88 03 00 02 7d 01 7d 02",
	"two values of JSON":                            "a2 03 00 02 01 31 01 32",
	"two values of another key":                     "28 01 01 6d 01 6c 02 7d 01 7d 02",
}

// apartBlocks are blocks of client 9 with an origin and a right origin that can't have been
// neighbours, and what becomes of them.
var apartBlocks = map[string]struct{ wire, mended string }{
	"between an element and itself":              {"c4 01 01 01 01 01 58", "84 01 01 01 58"},
	"between an element and an earlier one":      {"c4 01 01 01 00 01 58", "84 01 01 01 58"},
	"between an element and one that isn't next": {"c4 01 00 01 02 01 58", "84 01 00 01 58"},
	"between two lists":                          {"c4 01 00 02 00 01 58", "84 01 00 01 58"},
	"between a list and a map":                   {"c8 01 00 03 00 01 7d 01", "88 01 00 01 7d 01"},
	"deleted between two lists":                  {"c1 01 00 02 00 01", "81 01 00 01"},
}

// TestApartIsMended applies blocks that name a wrong right origin, as yrs writes them after
// it has cut a character off a block. They get that of their origin, which is none.
func TestApartIsMended(t *testing.T) {
	for name, test := range apartBlocks {
		t.Run(name, func(t *testing.T) {
			s := New()
			apply(t, s, abc, values, entry)
			want := unhex(t, "01 01 09 00 "+test.mended+" 00")
			sent := unhex(t, "01 01 09 00 "+test.wire+" 00")
			added, err := s.Apply(sent, V1)
			if err != nil || !bytes.Equal(added, want) {
				t.Errorf("added %x, %v; want %x", added, err, want)
			}
			check(t, s)
			if again, err := s.Apply(sent, V1); again != nil || err != nil {
				t.Errorf("again, added %x, %v", again, err)
			}
			if n, _ := s.Clashes(); n != 0 {
				t.Errorf("%d clashes", n)
			}
			// With what it refers to in one update.
			whole := New()
			apply(t, whole, together(t, "01 01 09 00 "+test.wire+" 00", abc, values, entry))
			if !bytes.Equal(whole.Encode(V1), s.Encode(V1)) {
				t.Errorf("in one update: %x, want %x", whole.Encode(V1), s.Encode(V1))
			}
		})
	}
}

// TestRunsAreMended mends blocks that follow one that is mended, with and without an index.
func TestRunsAreMended(t *testing.T) {
	for _, n := range []byte{3, 2 * smallSection} {
		sent, want := []byte{1, n, 9, 0}, []byte{1, n, 9, 0}
		sent = append(sent, unhex(t, "c4 01 01 01 00 01 58")...)
		want = append(want, unhex(t, "84 01 01 01 58")...)
		for i := range n - 1 {
			sent = append(sent, 0xc5, 9, i, 1, 0, 1, '1')
			want = append(want, 0x85, 9, i, 1, '1')
		}
		s := New()
		apply(t, s, abc)
		if added, err := s.Apply(append(sent, 0), V1); err != nil || !bytes.Equal(added, append(want, 0)) {
			t.Errorf("added %x, %v; want %x", added, err, append(want, 0))
		}
		check(t, s)
	}
}

func TestForgedBlocksAreRefused(t *testing.T) {
	for name, wire := range forgedBlocks {
		t.Run(name, func(t *testing.T) {
			s := New()
			apply(t, s, abc, values, entry)
			before := s.Encode(V1)
			added, err := s.Apply(unhex(t, "01 01 09 00 "+wire+" 00"), V1)
			if !errors.Is(err, ErrMalformed) || !errors.Is(err, errApart) && !errors.Is(err, errEntry) || added != nil {
				t.Errorf("added %x, %v", added, err)
			}
			// With what it refers to in one update.
			if _, err := New().Apply(unhex(t, together(t, "01 01 09 00 "+wire+" 00", abc, values, entry)), V1); !errors.Is(err, ErrMalformed) {
				t.Errorf("in one update: %v", err)
			}
			if check(t, s); !bytes.Equal(s.Encode(V1), before) {
				t.Errorf("the document was %x and is %x", before, s.Encode(V1))
			}
		})
	}
}

// TestForgedPendingBlocks applies forged blocks before what they refer to. The update
// that brings it must be accepted, and no client may be sent the forged block.
func TestForgedPendingBlocks(t *testing.T) {
	all := maps.Clone(forgedBlocks)
	for name, b := range apartBlocks {
		all[name] = b.wire
	}
	for name, wire := range all {
		if wire[:2] == "28" {
			continue // it refers to nothing
		}
		t.Run(name, func(t *testing.T) {
			s, sent, log := New(), New(), New()
			s.HoldPending()
			log.HoldPending()
			// The client's next block is an honest one.
			for _, u := range []string{"01 02 09 00 " + wire + " 04 01 01 74 01 21 00", entry, values, abc} {
				added, err := s.Apply(unhex(t, u), V1)
				if err != nil {
					t.Fatal(err)
				}
				for _, to := range []struct {
					store  *Store
					update []byte
				}{{sent, s.Integrated()}, {log, added}} {
					if err := to.store.Load(to.update, V1); err != nil {
						t.Fatal(err)
					}
				}
				check(t, s)
			}
			clock := ClockOf(s.StateVector(), 9)
			want := fmt.Sprintf("09 00 00 %02x 04 01 01 74 01 21", clock-1)
			for what, got := range map[string][]byte{"document": s.Encode(V1), "sum of what was sent": sent.Encode(V1), "loaded log": log.Encode(V1)} {
				if !bytes.Contains(got, unhex(t, want)) {
					t.Errorf("%s: %x has no GC block in place of the forged one", what, got)
				}
				if !bytes.Equal(got, s.Encode(V1)) {
					t.Errorf("%s: %x, want %x", what, got, s.Encode(V1))
				}
			}
		})
	}
}

func TestHonestBlocksAreAccepted(t *testing.T) {
	for name, updates := range map[string][]string{
		"between neighbours":               {abc, "01 01 09 00 c4 01 00 01 01 01 58 00"},
		"at the start":                     {abc, "01 01 09 00 44 01 00 01 58 00"},
		"between what two inserted":        {abc, "01 01 08 00 c4 01 00 01 01 01 58 00", "01 01 07 00 c4 01 00 01 01 01 59 00", "01 01 09 00 c4 07 00 08 00 01 5a 00"},
		"at the start, between two":        {"01 01 08 00 04 01 01 74 01 58 00", "01 01 07 00 04 01 01 74 02 59 59 00", "01 01 09 00 c4 07 01 08 00 01 5a 00"},
		"between two, before others":       {abc, "01 01 08 00 44 01 00 01 58 00", "01 01 07 00 44 01 00 01 59 00", "01 01 09 00 c4 07 00 08 00 01 5a 00"},
		"entries that are deleted":         {entry, "01 01 09 00 a8 03 00 02 7d 01 7d 02 01 09 01 00 01"},
		"entries that were deleted before": {entry, "00 01 09 01 00 01", "01 01 09 00 a8 03 00 02 7d 01 7d 02 00"},
		"an entry without the flag":        {entry, "01 01 09 00 88 03 00 01 7d 02 00"},
		"text after deleted text":          {abc, "00 01 01 01 00 03", "01 01 09 00 84 01 02 02 58 59 00"},
		"values after values":              {values, "01 01 09 00 88 02 01 02 7d 01 7d 02 00"},
		"beside a GC block": {
			"01 01 01 00 07 01 01 72 00 00", "01 01 02 00 08 00 01 00 01 7d 01 00", "00 01 01 01 00 01", // the value 1 in a deleted array
			"01 01 03 00 00 01 00", "01 01 09 00 c8 02 00 03 00 01 7d 01 00", "01 01 08 00 c8 03 00 02 00 01 7d 01 00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			apply(t, New(), updates...)
			apply(t, New(), together(t, updates...))
		})
	}
}

// TestOriginsAreFollowedWithinLimits refers to neighbours that have long been apart: the
// more blocks are between them, the more the check costs. It must be paid for.
func TestOriginsAreFollowedWithinLimits(t *testing.T) {
	const n = 3 * freeSteps
	s := New()
	apply(t, s, "01 01 01 00 04 01 01 74 01 61 00") // both insert after it
	apply(t, s, "01 01 02 00 84 01 00 01 62 00")
	u := lib0.AppendUint([]byte{2}, n)
	u = append(u, 5, 0)
	for i := range uint64(n) { // alternate, so that the blocks are not joined
		b := block{client: 5, kind: kindString, content: []byte("x"), flags: hasOrigin, origin: id{4, i - 1}}
		if i == 0 {
			b.origin = id{1, 0}
		}
		u, _ = b.appendTo(u)
	}
	u = append(lib0.AppendUint(u, n), 4, 0)
	for i := range uint64(n) {
		b := block{client: 4, kind: kindString, content: []byte("x"), flags: hasOrigin, origin: id{5, i}}
		u, _ = b.appendTo(u)
	}
	wantApplied(t, s, append(u, 0))
	// Client 2's element is right of all of these, or left: no matter, it is not an origin
	// of theirs.
	b := block{client: 9, kind: kindString, content: []byte("!"), flags: hasOrigin | hasRight, origin: id{4, n - 1}, right: id{2, 0}}
	refused := 0
	for range 100 {
		u, _ := b.appendTo(lib0.AppendUint([]byte{1, 1, 9}, b.clock))
		switch _, err := s.Apply(append(u, 0), V1); {
		case err == nil:
			b.clock++
		case errors.Is(err, ErrLimit):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if b.clock == 0 || refused == 0 {
		t.Errorf("%d blocks were accepted and %d refused", b.clock, refused)
	}
}

// together returns updates in hex as one.
func together(tb testing.TB, updates ...string) string {
	tb.Helper()
	var all [][]byte
	for _, u := range updates {
		all = append(all, unhex(tb, u))
	}
	merged, err := Merge(V1, all...)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%x", merged)
}

// TestKnownPartOfABlock refers to a block of the same update that begins with known
// elements. What it says of their list doesn't count: the rest is in the list in which
// they are.
func TestKnownPartOfABlock(t *testing.T) {
	s := New()
	apply(t, s, abc, values)
	const (
		between  = "01 09 00 c8 01 03 02 00 01 7d 01"
		repeated = "01 01 00 01 01 01 72 04" // four deleted elements in the array r; three of them are known, in the text t
	)
	added, err := s.Apply(unhex(t, "02 "+between+" "+repeated+" 00"), V1)
	if want := unhex(t, "02 01 09 00 88 01 03 01 7d 01 01 01 03 81 01 02 01 00"); err != nil || !bytes.Equal(added, want) {
		t.Errorf("added %x, %v; want %x", added, err, want)
	}
	check(t, s)
}

// TestValuesBehindOnesThatAreNotDeleted applies values of a map key whose predecessors were
// deleted by updates that were lost, or that a user of yjs 14 has not accepted. All stay
// blocks of their own: yjs deletes the predecessor when it integrates a value.
func TestValuesBehindOnesThatAreNotDeleted(t *testing.T) {
	const (
		first  = "01 01 07 00 28 01 01 6d 01 6b 01 7d 01 00" // client 7 sets the key k of the map m to 1
		second = "01 01 07 01 88 07 00 01 7d 02 00"          // to 2, after it has deleted that
		third  = "01 01 07 02 88 07 01 01 7d 03 00"          // and to 3, after it has deleted that
		want   = "01 03 07 00 28 01 01 6d 01 6b 01 7d 01 a8 07 00 01 7d 02 a8 07 01 01 7d 03 00"
	)
	for name, updates := range map[string][]string{
		"in order":           {first, second, third},
		"the first last":     {second, third, first},
		"in reverse":         {third, second, first},
		"the others at once": {together(t, third, second), first},
		"all at once":        {together(t, third, first, second)},
		"again":              {second, third, first, second, third},
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			s.HoldPending()
			seen := New()
			for _, u := range updates {
				apply(t, s, u)
				if added := s.Integrated(); added != nil {
					if _, err := seen.Apply(added, V1); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, doc := range []*Store{s, seen} {
				if got := doc.Encode(V1); !bytes.Equal(got, unhex(t, want)) {
					t.Errorf("the document is %x, want %s", got, want)
				}
				check(t, doc)
			}
		})
	}
}
