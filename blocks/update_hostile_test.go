package blocks

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// malformedUpdates holds updates that yjs can't integrate, or reads differently.
var malformedUpdates = map[string]string{
	"no bytes":                         "",
	"no delete set":                    "00",
	"bytes after no blocks":            "00 00 00",
	"a key without a value":            "01 01 01 00 28 01 01 6d 01 6b 00 00",
	"itself as right origin of a pair": "01 02 01 00 84 07 00 00 c4 07 00 01 00 01 62 00",
	"a skip with a flag":               "01 02 01 02 2a 01 84 01 01 01 63 00",
	"a truncated block":                "01 01 01 00 04 01 01 74 05 61",
	"fewer blocks than it says":        "01 02 01 00 04 01 01 74 01 61 00",
	"more blocks than there are":       "01 ff ff ff ff ff ff 7f 01 00 04 01 01 74 01 61 00",
	"an integer over 53 bits":          "01 01 ff ff ff ff ff ff ff 7f 00 04 01 01 74 01 61 00",
	"clocks over 53 bits":              "01 01 01 ff ff ff ff ff ff ff 0f 04 01 01 74 02 61 61 00",
	"invalid UTF-8 in text":            "01 01 01 00 04 01 01 74 02 c3 28 00",
	"a surrogate in UTF-8":             "01 01 01 00 04 01 01 74 03 ed a0 80 00",
	"invalid UTF-8 in a root name":     "01 01 01 00 04 01 01 ff 01 61 00",
	"invalid UTF-8 in a map key":       "01 01 01 00 28 01 01 6d 01 ff 01 7d 01 00",
	"invalid UTF-8 in a format":        "01 01 01 00 06 01 01 74 01 ff 04 74 72 75 65 00",
	"invalid UTF-8 in an element":      "01 01 01 00 07 01 01 74 03 01 ff 00",
	"invalid UTF-8 in a value":         "01 01 01 00 08 01 01 74 01 77 01 ff 00",
	"invalid JSON in an embed":         "01 01 01 00 05 01 01 74 02 7b 31 00",
	"invalid JSON in a format":         "01 01 01 00 06 01 01 74 01 62 01 7b 00",
	"invalid JSON in JSON":             "01 01 01 00 02 01 01 74 01 01 7b 00",
	"an unknown content":               "01 01 01 00 0b 01 01 74 01 00",
	"an unknown type":                  "01 01 01 00 07 01 01 74 07 00",
	"an unknown value":                 "01 01 01 00 08 01 01 74 01 60 00",
	"an unknown parent":                "01 01 01 00 04 02 01 74 01 61 00",
	"a subdocument without options":    "01 01 01 00 09 01 01 74 01 67 7e 00",
	"a subdocument with undefined":     "01 01 01 00 09 01 01 74 01 67 7f 00",
	"a subdocument without a guid":     "01 01 01 00 09 01 01 74 01 67 76 01 04 67 75 69 64 7e 00",
	"bytes as a prototype":             "01 01 01 00 08 01 01 74 01 76 01 09 5f 5f 70 72 6f 74 6f 5f 5f 74 01 05 00",
	"bytes as an inner prototype":      "01 01 01 00 08 01 01 74 01 76 01 01 61 76 01 09 5f 5f 70 72 6f 74 6f 5f 5f 74 00 00",
	"options with bytes as prototype":  "01 01 01 00 09 01 01 74 01 67 76 01 09 5f 5f 70 72 6f 74 6f 5f 5f 74 01 05 00",
	"a subdocument with a filter":      "01 01 01 00 09 01 01 74 01 67 76 01 08 67 63 46 69 6c 74 65 72 7d 01 00",
	"itself as origin":                 "01 01 01 00 84 01 00 01 61 00",
	"its future as origin":             "01 01 01 00 84 01 05 01 61 00",
	"itself as right origin":           "01 01 01 03 44 01 03 01 61 00",
	"its future as parent":             "01 01 01 00 04 00 01 01 01 61 00",
	"a client twice":                   "02 01 01 00 04 01 01 74 01 61 01 01 01 84 01 00 01 62 00",
	"a client twice, others between":   "03 01 01 00 04 01 01 74 01 61 01 02 00 04 01 01 74 01 61 01 01 01 84 01 00 01 62 00",
	"deletions over 53 bits":           "00 01 01 01 ff ff ff ff ff ff ff 0f 01",
	"a truncated delete set":           "00 01 01 02 00 01",
}

func TestMalformedIsRefused(t *testing.T) {
	for name, u := range malformedUpdates {
		t.Run(name, func(t *testing.T) {
			s := New()
			apply(t, s, typedAB, typedX, "01 01 01 05 84 01 04 01 66 00")
			before := s.Encode(V1)
			added, err := s.Apply(unhex(t, u), V1)
			if !errors.Is(err, ErrMalformed) || added != nil {
				t.Errorf("added %x, %v", added, err)
			}
			if !bytes.Equal(before, s.Encode(V1)) {
				t.Errorf("the document was %x and is %x", before, s.Encode(V1))
			}
			check(t, s)
			if _, err := s.Contains(unhex(t, u), V1); !errors.Is(err, ErrMalformed) {
				t.Errorf("Contains: %v", err)
			}
			if _, err := Merge(V1, unhex(t, u)); !errors.Is(err, ErrMalformed) {
				t.Errorf("Merge: %v", err)
			}
		})
	}
}

func TestErrorsSayWhere(t *testing.T) {
	_, err := New().Apply(unhex(t, "01 02 07 03 04 01 01 74 02 61 62 05 01 01 74 01 7b 00"), V1)
	if want := "blocks: malformed: update: block 5 of client 7: not valid JSON"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if !errors.Is(err, lib0.ErrJSON) {
		t.Error("the cause is not wrapped")
	}
}

// nested returns an update with arrays of one element, nested depth times.
func nested(depth int) []byte {
	u := append([]byte{1, 1, 1, 0, 8, 1, 1, 't', 1}, bytes.Repeat([]byte{117, 1}, depth)...)
	return append(u, 126, 0)
}

func TestDepthIsBounded(t *testing.T) {
	for _, test := range []struct {
		depth int
		want  error
	}{{lib0.MaxDepth, nil}, {lib0.MaxDepth + 1, lib0.ErrDepth}, {5_000_000, lib0.ErrDepth}} {
		if _, err := New().Apply(nested(test.depth), V1); !errors.Is(err, test.want) {
			t.Errorf("depth %d: %v, want %v", test.depth, err, test.want)
		}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	u := append([]byte{1, 1, 1, 0, 5, 1, 1, 't'}, lib0.AppendString(nil, deep)...)
	if _, err := New().Apply(append(u, 0), V1); !errors.Is(err, lib0.ErrDepth) {
		t.Errorf("deep JSON: %v", err)
	}
}

// TestFullDocumentShrinks checks that a document at its limit accepts what makes it
// smaller, and nothing else.
func TestFullDocumentShrinks(t *testing.T) {
	for _, history := range []bool{false, true} {
		s := NewWith(Options{MaxSize: 2000, History: history})
		for i := uint64(0); ; i++ {
			if _, err := s.Apply(testkit.TypedIn("t", 1, i, "x"), V1); err != nil {
				break
			}
		}
		if full := s.total(); full < 1800 || full > 2000 {
			t.Fatalf("the full document counts as %d bytes", full)
		}
		if err := s.Load(testkit.TypedIn("t", 1, s.Clock(1), strings.Repeat("loaded without a limit ", 10)), V1); err != nil {
			t.Fatal(err)
		}
		wantLimit(t, s, []byte{0, 1, 1, 1, 50, 1})
		wantLimit(t, s, []byte{0, 1, 1, 2, 50, 1, 60, 1})
		if history {
			wantLimit(t, s, []byte{0, 1, 1, 1, 100, 200, 5})
			continue
		}
		wantApplied(t, s, []byte{0, 1, 1, 1, 100, 200, 5})
		check(t, s)
		wantApplied(t, s, []byte{0, 1, 1, 1, 50, 1})
		check(t, s)
		// So does what joins many deletions: the document has one for every other element.
		mixed := New()
		wantApplied(t, mixed, testkit.TypedIn("t", 1, 0, strings.Repeat("x", 2000)))
		wantApplied(t, mixed, everyOther(1, 1, 900))
		mixed.options.MaxSize = mixed.total()
		wantLimit(t, mixed, []byte{0, 1, 1, 1, 0xd0, 0x0e, 1})
		wantApplied(t, mixed, []byte{0, 1, 1, 1, 2, 0xe8, 7})
		check(t, mixed)
		// What is deleted makes room for what is written, in one update, too.
		end := s.Clock(1)
		u := testkit.TypedIn("t", 1, end, strings.Repeat("y", 500))
		wantLimit(t, s, testkit.TypedIn("t", 1, end, strings.Repeat("y", 1000)))
		wantApplied(t, s, append(u[:len(u)-1:len(u)-1], 1, 1, 1, 0xac, 6, 0xc8, 3))
		check(t, s)
	}
}

func TestLimits(t *testing.T) {
	s := NewWith(Options{MaxSize: clientSize + chunkSize + blockSize + 40, MaxPending: 2 * (runCost + chunkSize)})
	apply(t, s, typedAB)
	big := "01 01 01 02 84 01 01 28" + strings.Repeat("63", 40) + "00"
	if _, err := s.Apply(unhex(t, big), V1); !errors.Is(err, ErrLimit) {
		t.Errorf("too large: %v", err)
	}
	s.options.MaxSize = 1 << 20
	// Known elements don't count as growth.
	if added, err := s.Apply(append(unhex(t, typedAB)[:11:11], unhex(t, "01 01 01 00 01")...), V1); err != nil || len(added) == 0 {
		t.Errorf("a deletion with known elements: %x, %v", added, err)
	}

	if _, err := s.Apply(unhex(t, "01 01 03 01 84 03 00 01 61 00"), V1); err != nil {
		t.Fatal(err)
	}
	before := s.Encode(V1)
	clients := len(s.byID)
	// Two more clients that depend on a missing one exceed the limit. The store must be
	// unchanged, and clients that were only added for the plan must be gone.
	two := "02 01 05 00 84 09 00 01 61 01 04 00 84 09 00 01 61 00"
	if _, err := s.Apply(unhex(t, two), V1); !errors.Is(err, ErrLimit) {
		t.Errorf("too much pending: %v", err)
	}
	if !bytes.Equal(before, s.Encode(V1)) || len(s.byID) != clients {
		t.Error("the document has changed")
	}
	check(t, s)
	// What doesn't become pending is still accepted.
	apply(t, s, typedC)
	// What is stored must load, whatever the limits are now.
	if err := s.Load(unhex(t, two), V1); err != nil {
		t.Error(err)
	}
	check(t, s)
	if err := s.Load([]byte{1}, V1); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// TestRefusedPlanKeepsWaiters refuses an update that would have woken a waiting
// client. The next update must wake it.
func TestRefusedPlanKeepsWaiters(t *testing.T) {
	s := New()
	apply(t, s, typedX) // depends on client 1, which is missing
	s.options.MaxPending = s.pendingCost
	both := "02 01 05 00 84 09 00 01 61 01 01 00 04 01 01 74 02 61 62 00"
	if _, err := s.Apply(unhex(t, both), V1); !errors.Is(err, ErrLimit) {
		t.Fatalf("%v", err)
	}
	check(t, s)
	apply(t, s, typedAB)
	if s.pendingCost != 0 {
		t.Errorf("%d bytes are still pending", s.pendingCost)
	}
}

// mutate changes a few bytes of u.
func mutate(r *rand.Rand, u []byte) []byte {
	u = bytes.Clone(u)
	for range 1 + r.IntN(3) {
		switch at := r.IntN(len(u)); r.IntN(4) {
		case 0:
			u[at] ^= 1 << r.IntN(8)
		case 1:
			u[at] = byte(r.Uint32())
		case 2:
			u = append(u[:at], u[min(len(u), at+1+r.IntN(3)):]...)
		default:
			u = append(u[:at], append([]byte{byte(r.Uint32())}, u[at:]...)...)
		}
		if len(u) == 0 {
			return []byte{0}
		}
	}
	return u
}

func TestMutantsChangeAllOrNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	base := []string{typedAB, typedC, typedX, "01 01 02 01 28 01 01 6d 01 6b 01 7d 01 00", "00 01 01 01 01 01"}
	taken := 0
	for range 6_000 {
		s := New()
		for _, u := range base[:r.IntN(len(base))] {
			if _, err := s.Apply(unhex(t, u), V1); err != nil {
				t.Fatal(err)
			}
		}
		before := s.Encode(V1)
		u := mutate(r, unhex(t, base[r.IntN(len(base))]))
		added, err := s.Apply(u, V1)
		if err != nil {
			if !bytes.Equal(before, s.Encode(V1)) {
				t.Fatalf("%x was refused (%v) and changed %x to %x", u, err, before, s.Encode(V1))
			}
			continue
		}
		taken++
		check(t, s)
		if ok, err := s.Contains(u, V1); !ok || err != nil {
			t.Fatalf("%x was accepted, but isn't contained: %v", u, err)
		}
		// added must be all that was new.
		again := New()
		for _, u := range [][]byte{before, added} {
			if u == nil {
				continue
			}
			if _, err := again.Apply(u, V1); err != nil {
				t.Fatalf("%x added %x: %v", u, added, err)
			}
		}
		if !bytes.Equal(again.StateVector(), s.StateVector()) {
			t.Fatalf("%x on %x added %x, which doesn't result in %x", u, before, added, s.Encode(V1))
		}
	}
	if taken < 500 {
		t.Errorf("only %d mutants were accepted, which is too few for a test", taken)
	}
}

func FuzzApply(f *testing.F) {
	for _, u := range malformedUpdates {
		f.Add(unhex(f, u))
	}
	for _, u := range []string{typedAB, typedC, typedX} {
		f.Add(unhex(f, u))
	}
	f.Fuzz(func(t *testing.T, u []byte) {
		s := New()
		apply(t, s, typedAB, typedX, "01 01 01 05 84 01 04 01 66 00")
		before := s.Encode(V1)
		if _, err := s.Apply(u, V1); err != nil {
			if !bytes.Equal(before, s.Encode(V1)) {
				t.Fatalf("%x was refused (%v) and changed the document", u, err)
			}
			return
		}
		check(t, s)
		if ok, err := s.Contains(u, V1); !ok || err != nil {
			t.Fatalf("%x was accepted, but isn't contained: %v", u, err)
		}
	})
}

func FuzzDiff(f *testing.F) {
	f.Add(unhex(f, "01 01 01"))
	f.Add(unhex(f, "02 02 01 01 02"))
	f.Fuzz(func(t *testing.T, stateVector []byte) {
		s := New()
		apply(t, s, typedAB, typedX, "00 01 01 01 01 01")
		diff, err := s.Diff(stateVector, V1)
		if err != nil {
			return
		}
		if ok, err := s.Contains(diff, V1); !ok || err != nil {
			t.Fatalf("Diff(%x) = %x, which the document doesn't contain: %v", stateVector, diff, err)
		}
	})
}

// TestLossyJSON checks that JSON which clients would read differently after they have
// written it again is refused, and loaded if an earlier version has accepted it.
func TestLossyJSON(t *testing.T) {
	for _, json := range []string{"-0", "1e400", `"\ud800"`, `{"__proto__":1}`} {
		for name, content := range map[string][]byte{
			"an embed": append([]byte{5, 1, 1, 't'}, lib0.AppendString(nil, json)...),
			"a format": append([]byte{6, 1, 1, 't', 1, 'b'}, lib0.AppendString(nil, json)...),
			"JSON":     append([]byte{2, 1, 1, 't', 1}, lib0.AppendString(nil, json)...),
		} {
			first, next := append(append([]byte{1, 1, 1, 0}, content...), 0), append(append([]byte{1, 1, 1, 3}, content...), 0)
			s := New()
			if _, err := s.Apply(first, V1); !errors.Is(err, lib0.ErrLossyJSON) {
				t.Errorf("%s: %s: %v", name, json, err)
			}
			apply(t, s, "01 01 01 00 04 01 01 74 03 61 62 63 00")
			if _, err := s.Apply(next, V1); !errors.Is(err, lib0.ErrLossyJSON) {
				t.Errorf("%s: %s, as typing: %v", name, json, err)
			}
			if err := New().Load(first, V1); err != nil {
				t.Errorf("%s: %s: Load: %v", name, json, err)
			}
		}
	}
}
