package blocks

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// compact compacts s and checks that nothing else changes.
func compact(tb testing.TB, s *Store) {
	tb.Helper()
	full, stateVector := s.Encode(V1), s.StateVector()
	pending := s.pendingCost
	s.Compact()
	check(tb, s)
	once := s.Encode(V1)
	if !bytes.Equal(s.StateVector(), stateVector) || s.pendingCost != pending {
		tb.Fatalf("%x has state vector %x, compacted %x; %d and %d bytes are pending", full, stateVector, s.StateVector(), pending, s.pendingCost)
	}
	if ok, err := s.Contains(full, V1); !ok || err != nil {
		tb.Fatalf("%x is not contained in its compacted form %x: %v", full, once, err)
	}
	s.Compact()
	check(tb, s)
	if again := s.Encode(V1); !bytes.Equal(once, again) {
		tb.Fatalf("%x is compacted to %x, and that to %x", full, once, again)
	}
}

// In the tables, client 1 has the array "r", which has the values 1 and 2, and the map
// "m", which has 1 under the key k.
const (
	array     = "01 01 01 00 07 01 01 72 00 00"
	inArray   = "01 01 01 01 08 00 01 00 02 7d 01 7d 02 00"
	mapEntry  = "01 01 01 00 28 01 01 6d 01 6b 01 7d 01 00"
	nextEntry = "01 01 01 01 a8 01 00 01 7d 02 00"
)

func TestCompactCollects(t *testing.T) {
	tests := []struct {
		name    string
		updates []string
		want    string
	}{
		{
			"the content of a deleted type",
			[]string{array, inArray, "00 01 01 01 00 01"},
			"01 02 01 00 01 01 01 72 01 00 02 01 01 01 00 03",
		},
		{
			"no block of a type that is not deleted",
			[]string{array, inArray, "00 01 01 01 01 01"},
			"01 03 01 00 07 01 01 72 00 01 00 01 00 01 88 01 01 01 7d 02 01 01 01 01 01",
		},
		{
			"blocks after and before such content",
			[]string{array, inArray, "01 02 02 00 88 01 02 01 7d 03 48 01 01 01 7d 04 00", "00 01 01 01 00 01"},
			"02 01 02 00 00 02 02 01 00 01 01 01 72 01 00 02 02 02 01 00 02 01 01 00 03",
		},
		{
			"nested types and map entries",
			[]string{
				array, "01 02 01 01 07 00 01 00 02 28 00 01 01 01 6b 01 7d 01 00",
				"01 01 02 00 a8 01 02 01 7d 02 00", "00 01 01 01 00 01",
			},
			"02 01 02 00 00 01 02 01 00 01 01 01 72 01 00 02 02 02 01 00 01 01 01 00 03",
		},
		{
			"no sibling of deleted text",
			[]string{typedAB, typedC, typedX, "00 01 01 01 00 02"},
			"02 01 02 00 c4 01 00 01 01 01 58 02 01 00 01 01 01 74 02 84 01 01 01 63 01 01 01 00 02",
		},
		{
			"no sibling of a deleted type",
			[]string{array, inArray, "01 01 02 00 88 01 00 01 7d 03 00", "00 01 01 01 00 01"},
			"02 01 02 00 88 01 00 01 7d 03 02 01 00 01 01 01 72 01 00 02 01 01 01 00 03",
		},
		{
			"GC blocks of the update, and their neighbours",
			[]string{"01 01 01 00 00 02 00", "01 02 02 00 08 00 01 00 01 7d 01 88 01 01 01 7d 02 00"},
			"02 01 02 00 00 02 01 01 00 00 02 02 02 01 00 02 01 01 00 02",
		},
		{
			"only neighbours of GC blocks of the update",
			[]string{"01 02 01 00 00 02 08 01 01 72 01 7d 01 00", "01 01 02 00 88 01 01 01 7d 02 00"},
			"02 01 02 00 00 01 02 01 00 00 02 08 01 01 72 01 7d 01 02 02 01 00 01 01 01 00 02",
		},
		{
			"no block behind a hole",
			[]string{array, "01 01 02 01 08 00 01 00 01 7d 01 00", "01 01 01 02 88 01 01 01 7d 02 00", "00 01 01 01 00 01"},
			"02 01 02 01 08 00 01 00 01 7d 01 03 01 00 01 01 01 72 01 0a 01 88 01 01 01 7d 02 01 01 01 00 01",
		},
		{
			"nothing if a block is between blocks of two types",
			[]string{
				array, inArray, "01 01 02 00 07 01 01 72 00 00", "01 01 03 00 08 00 02 00 01 7d 03 00",
				"01 01 03 01 c8 03 00 01 01 01 7d 04 00", "00 01 01 01 00 01",
			},
			"03 02 03 00 08 00 02 00 01 7d 03 c8 03 00 01 01 01 7d 04 01 02 00 07 01 01 72 00 " +
				"02 01 00 01 01 01 72 01 08 00 01 00 02 7d 01 7d 02 01 01 01 00 01",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			s.unchecked = true // an earlier version has accepted the update
			apply(t, s, test.updates...)
			compact(t, s)
			wantEncoding(t, s, test.want)
		})
	}
}

func TestCompactDropsOverwrittenEntries(t *testing.T) {
	tests := []struct {
		name    string
		updates []string
		want    string
	}{
		{
			"of one client",
			[]string{mapEntry, nextEntry, "01 01 01 02 a8 01 01 01 7d 03 00"},
			"01 02 01 00 21 01 01 6d 01 6b 02 a8 01 01 01 7d 03 01 01 01 00 02",
		},
		{
			"with the flag of an entry lost",
			[]string{mapEntry, "01 01 01 01 88 01 00 01 7d 02 00", "01 01 02 00 88 01 01 01 7d 03 00"},
			"02 01 02 00 88 01 01 01 7d 03 01 01 00 21 01 01 6d 01 6b 02 01 01 01 00 02",
		},
		{
			"of the lower client",
			[]string{mapEntry, "01 01 02 00 28 01 01 6d 01 6b 01 7d 02 00"},
			"02 01 02 00 28 01 01 6d 01 6b 01 7d 02 01 01 00 21 01 01 6d 01 6b 01 01 01 01 00 01",
		},
		{
			"of the lower client after the same entry, and what follows it",
			[]string{
				mapEntry, "01 01 02 00 a8 01 00 01 7d 02 00", "01 01 03 00 a8 01 00 01 7d 03 00",
				"01 01 04 00 a8 02 00 01 7d 04 00",
			},
			"04 01 04 00 a1 02 00 01 01 03 00 a8 01 00 01 7d 03 01 02 00 a1 01 00 01 01 01 00 21 01 01 6d 01 6b 01 " +
				"03 04 01 00 01 02 01 00 01 01 01 00 01",
		},
		{
			"before an entry after the rightmost one",
			[]string{mapEntry, "01 01 03 00 a8 01 00 01 7d 03 00", "01 01 02 00 a8 03 00 01 7d 02 00"},
			"03 01 03 00 a1 01 00 01 01 02 00 a8 03 00 01 7d 02 01 01 00 21 01 01 6d 01 6b 01 02 03 01 00 01 01 01 00 01",
		},
		{
			"that the same client added later after the same entry",
			[]string{mapEntry, "01 02 02 00 a8 01 00 01 7d 02 a8 01 00 01 7d 03 00"},
			"02 02 02 00 a8 01 00 01 7d 02 a1 01 00 01 01 01 00 21 01 01 6d 01 6b 01 02 02 01 01 01 01 01 00 01",
		},
		{
			"even if the last one is deleted",
			[]string{mapEntry, nextEntry, "00 01 01 01 01 01"},
			"01 01 01 00 21 01 01 6d 01 6b 02 01 01 01 00 02",
		},
		{
			"after one of several joined deleted ones, left of the others",
			[]string{"01 01 02 00 21 01 01 6d 01 6b 03 00", "01 01 01 00 a8 02 01 01 7d 01 00"},
			"02 01 02 00 21 01 01 6d 01 6b 03 01 01 00 a1 02 01 01 02 02 01 00 03 01 01 00 01",
		},
		{
			"but not after one of several joined deleted ones, right of the others",
			[]string{"01 01 02 00 21 01 01 6d 01 6b 03 00", "01 01 03 00 a8 02 01 01 7d 01 00"},
			"02 01 03 00 a8 02 01 01 7d 01 01 02 00 21 01 01 6d 01 6b 03 01 02 01 00 03",
		},
		{
			"but one after the first of several joined deleted ones, right of the others",
			[]string{
				"01 01 02 00 21 01 01 6d 01 6b 03 00", "01 01 03 00 a8 02 01 01 7d 01 00", "01 01 04 00 a8 02 00 01 7d 02 00",
			},
			"03 01 04 00 a8 02 00 01 7d 02 01 03 00 a1 02 01 01 01 02 00 21 01 01 6d 01 6b 03 02 03 01 00 01 02 01 00 03",
		},
		{
			"but one after the first of them, although of a lower client than a later one",
			[]string{
				"01 01 02 00 21 01 01 6d 01 6b 03 00", "01 01 04 00 a8 02 01 01 7d 01 00", "01 01 03 00 a8 02 00 01 7d 02 00",
			},
			"03 01 04 00 a1 02 01 01 01 03 00 a8 02 00 01 7d 02 01 02 00 21 01 01 6d 01 6b 03 02 04 01 00 01 02 01 00 03",
		},
		{
			"with their content",
			[]string{"01 03 01 00 27 01 01 6d 01 6b 01 08 00 01 00 01 7d 01 a8 01 00 01 7d 02 00"},
			"01 03 01 00 21 01 01 6d 01 6b 01 00 01 a8 01 00 01 7d 02 01 01 01 00 02",
		},
		{
			"of each key separately",
			[]string{
				mapEntry, "01 01 02 00 28 01 01 6d 00 01 7d 02 00", "01 01 03 00 28 01 01 6e 01 6b 01 7d 03 00",
				"01 01 04 00 27 01 00 01 6b 01 00", "01 01 05 00 28 00 04 00 01 6b 01 7d 05 00",
			},
			"05 01 05 00 28 00 04 00 01 6b 01 7d 05 01 04 00 27 01 00 01 6b 01 01 03 00 28 01 01 6e 01 6b 01 7d 03 " +
				"01 02 00 28 01 01 6d 00 01 7d 02 01 01 00 28 01 01 6d 01 6b 01 7d 01 00",
		},
		{
			"of a parent and key in a different encoding",
			[]string{mapEntry, "01 01 02 00 28 01 81 00 6d 81 00 6b 01 7d 02 00"},
			"02 01 02 00 28 01 81 00 6d 81 00 6b 01 7d 02 01 01 00 21 01 01 6d 01 6b 01 01 01 01 00 01",
		},
		{
			"but none if an entry has a right origin",
			[]string{mapEntry, nextEntry, "01 01 02 00 e8 01 00 01 01 01 7d 03 00"},
			"02 01 02 00 e8 01 00 01 01 01 7d 03 02 01 00 28 01 01 6d 01 6b 01 7d 01 a8 01 00 01 7d 02 00",
		},
		{
			"but none if an entry has only a right origin",
			[]string{mapEntry, nextEntry, "01 01 02 00 68 01 00 01 7d 03 00"},
			"02 01 02 00 68 01 00 01 7d 03 02 01 00 28 01 01 6d 01 6b 01 7d 01 a8 01 00 01 7d 02 00",
		},
		{
			"but none if an entry has one of another key as right origin, whose own chain is unaffected",
			[]string{
				mapEntry, nextEntry, "01 02 02 00 28 01 01 6d 01 6c 01 7d 03 a8 02 00 01 7d 04 00",
				"01 01 03 00 e8 01 00 02 00 01 7d 05 00",
			},
			"03 01 03 00 e8 01 00 02 00 01 7d 05 02 02 00 21 01 01 6d 01 6c 01 a8 02 00 01 7d 04 " +
				"02 01 00 28 01 01 6d 01 6b 01 7d 01 a8 01 00 01 7d 02 01 02 01 00 01",
		},
		{
			"but no elements of lists that look like entries",
			[]string{inRoot, "01 02 02 00 a8 01 01 01 7d 03 a8 02 00 01 7d 04 00", mapOf(3)},
			"03 02 03 00 21 01 01 6d 01 6b 01 a8 03 00 01 7d 02 02 02 00 a8 01 01 01 7d 03 a8 02 00 01 7d 04 " +
				"01 01 00 08 01 01 72 02 7d 01 7d 02 01 03 01 00 01",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New()
			s.unchecked = true // an earlier version has accepted the update
			apply(t, s, test.updates...)
			compact(t, s)
			wantEncoding(t, s, test.want)
		})
	}
}

const inRoot = "01 01 01 00 08 01 01 72 02 7d 01 7d 02 00"

// mapOf returns an update with mapEntry and nextEntry of another client.
func mapOf(client byte) string {
	const digits = "0123456789abcdef"
	c := string([]byte{'0', digits[client]})
	return "01 02 " + c + " 00 28 01 01 6d 01 6b 01 7d 01 a8 " + c + " 00 01 7d 02 00"
}

// TestApplyAfterCompact applies blocks that refer to what was dropped.
func TestApplyAfterCompact(t *testing.T) {
	before := []string{array, inArray, "00 01 01 01 00 01", mapOf(2)}
	after := []string{
		"01 01 03 00 88 01 01 01 7d 03 00",             // between GC blocks
		"01 01 03 01 08 00 01 00 01 7d 04 00",          // in a deleted type
		"01 01 04 00 a8 02 00 01 7d 05 00",             // after an overwritten entry: it becomes the last one
		"00 02 02 01 00 01 01 01 00 03",                // known deletions
		"01 01 01 00 08 01 01 72 01 7d 01 00",          // what was dropped, again
		"01 01 05 00 28 01 01 6d 01 6b 01 7d 05 00",    // a concurrent entry of the same key
		"01 02 02 00 28 01 01 6d 01 6b 03 00 7d 02 00", // truncated
	}
	s := New()
	apply(t, s, before...)
	compact(t, s)
	news := []bool{true, true, true, false, false, true}
	for i, fresh := range news {
		added, err := s.Apply(unhex(t, after[i]), V1)
		if err != nil || (added != nil) != fresh {
			t.Errorf("%s: added %x, %v", after[i], added, err)
		}
		check(t, s)
	}
	if _, err := s.Apply(unhex(t, after[len(news)]), V1); err == nil {
		t.Error("a malformed update was accepted")
	}
	compact(t, s)
	wantEncoding(t, s, "05 01 05 00 28 01 01 6d 01 6b 01 7d 05 01 04 00 a1 02 00 01 01 03 00 00 02 "+
		"01 02 00 21 01 01 6d 01 6b 02 02 01 00 01 01 01 72 01 00 02 04 04 01 00 01 03 01 00 02 02 01 00 02 01 01 00 03")
}

func TestCompactKeepsHistory(t *testing.T) {
	s := NewWith(Options{History: true})
	apply(t, s, array, inArray, "00 01 01 01 00 01", mapOf(2))
	before := s.Encode(V1)
	s.Compact()
	if !bytes.Equal(before, s.Encode(V1)) {
		t.Errorf("%x became %x", before, s.Encode(V1))
	}
}

func TestCompactEmptyDocument(t *testing.T) {
	s := New()
	compact(t, s)
	apply(t, s, typedX) // is pending
	compact(t, s)
	wantEncoding(t, s, typedX)
}

// FuzzCompact applies two updates, and compacts before, between and after them.
func FuzzCompact(f *testing.F) {
	for _, u := range []string{array, inArray, mapEntry, nextEntry, typedAB, typedX, inRoot, mapOf(3), "00 01 01 01 00 01"} {
		f.Add(unhex(f, u), unhex(f, mapOf(2)))
		f.Add(unhex(f, array), unhex(f, u))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s, early := New(), New()
		apply(t, s, mapOf(4), array)
		apply(t, early, mapOf(4), array)
		for _, u := range [][]byte{first, second} {
			compact(t, early)
			_, err := s.Apply(u, V1)
			if _, earlyErr := early.Apply(u, V1); (err == nil) != (earlyErr == nil) {
				t.Fatalf("%x: %v, and after Compact %v", u, err, earlyErr)
			}
		}
		if !bytes.Equal(s.StateVector(), early.StateVector()) {
			t.Fatalf("state vector %x, compacted early %x", s.StateVector(), early.StateVector())
		}
		compact(t, s)
		compact(t, early)
		again := New()
		if _, err := again.Apply(s.Encode(V1), V1); err != nil {
			t.Fatal(err)
		}
		before := again.Encode(V1)
		if again.Compact(); !bytes.Equal(before, again.Encode(V1)) {
			t.Fatalf("%x, which is compact, becomes %x", before, again.Encode(V1))
		}
	})
}

// sprawling builds documents of n blocks that would take more than linear time in
// naive code.
var sprawling = map[string]func(n uint64) []byte{
	"nested types, of two clients alternately": func(n uint64) []byte {
		return twoInTurn(n, func(self, before id) block {
			b := block{kind: kindType, content: []byte{0}, parentIsID: true, parent: append([]byte{0}, appendID(nil, before)...)}
			if before == self {
				b = block{kind: kindDeleted, parent: []byte{1, 1, 't'}}
			}
			return b
		})
	},
	"entries of a key, of two clients alternately": func(n uint64) []byte {
		return twoInTurn(n, func(self, before id) block {
			b := block{kind: kindAny, content: []byte{0x7e}, flags: hasOrigin | hasKey, origin: before}
			if before == self {
				b.flags, b.parent = hasKey, []byte{1, 1, 'm', 1, 'k'}
			}
			return b
		})
	},
	"entries that all have the same origin": func(n uint64) []byte {
		return twoInTurn(n, func(self, before id) block {
			b := block{kind: kindAny, content: []byte{0x7e}, flags: hasOrigin | hasKey, origin: id{1, 0}}
			if before == self {
				b.flags, b.parent = hasKey, []byte{1, 1, 'm', 1, 'k'}
			}
			return b
		})
	},
	"blocks after a GC block": func(n uint64) []byte {
		return twoInTurn(n, func(self, before id) block {
			b := block{kind: kindAny, content: []byte{0x7e}, flags: hasOrigin, origin: before}
			if before == self {
				b.kind, b.flags, b.content = kindGC, 0, nil
			}
			return b
		})
	},
	"a key each": func(n uint64) []byte {
		return twoInTurn(n, func(self, _ id) block {
			key := lib0.AppendString([]byte{1, 1, 'm'}, hex.EncodeToString(appendID(nil, self)))
			return block{kind: kindAny, content: []byte{0x7e}, flags: hasKey, parent: key}
		})
	},
}

func appendID(dst []byte, x id) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, x.client), x.clock)
}

// twoInTurn builds a document to which clients 1 and 2 add blocks alternately. before
// is the previous block, or the first block itself.
func twoInTurn(n uint64, build func(self, before id) block) []byte {
	sections := map[uint64][]byte{}
	before := id{1, 0}
	for i := range n {
		self := id{1 + i%2, i / 2}
		b := build(self, before)
		b.client, b.clock, b.len = self.client, self.clock, 1
		sections[self.client], _ = b.appendTo(sections[self.client])
		before = self
	}
	u := []byte{2}
	for client := uint64(2); client >= 1; client-- {
		u = lib0.AppendUint(u, n/2)
		u = append(append(u, byte(client), 0), sections[client]...)
	}
	return append(u, 0)
}

// TestCompactIsLinear is TestTimeIsLinear for Compact. The documents are too long or
// deep for recursive functions.
func TestCompactIsLinear(t *testing.T) {
	for name, build := range sprawling {
		t.Run(name, func(t *testing.T) {
			testkit.Linear(t, 12_500, func(n uint64) func() {
				s := New()
				if err := s.Load(build(n), V1); err != nil {
					t.Fatal(err)
				}
				size := s.blocksSize
				return func() {
					s.Compact()
					if name != "a key each" && s.blocksSize >= size {
						t.Errorf("of %d bytes, %d are left", size, s.blocksSize)
					}
				}
			})
		})
	}
}
