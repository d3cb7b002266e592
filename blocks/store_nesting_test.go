package blocks

import (
	"bytes"
	"errors"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

// mapsIn returns an update with n maps of a client from clock on. Each is nested in
// the one before; the first is in a root, or in the type that parent encodes.
func mapsIn(client, clock, n uint64, parent []byte) []byte {
	u := lib0.AppendUint([]byte{1}, n)
	u = lib0.AppendUint(lib0.AppendUint(u, client), clock)
	for i := range n {
		b := block{client: client, clock: clock + i, kind: kindType, flags: hasKey, content: []byte{1}, parent: append(parent, 1, 'k')}
		u, _ = b.appendTo(u)
		parent = lib0.AppendUint(lib0.AppendUint([]byte{0}, client), clock+i)
	}
	return append(u, 0)
}

var inMap = []byte{1, 1, 'm'}

func inBlockAt(client, clock uint64) []byte {
	return lib0.AppendUint(lib0.AppendUint([]byte{0}, client), clock)
}

func wantLimit(t *testing.T, s *Store, update []byte) {
	t.Helper()
	before := s.Encode(V1)
	if added, err := s.Apply(update, V1); added != nil || !errors.Is(err, ErrLimit) {
		t.Errorf("added %d bytes, %v", len(added), err)
	}
	if !bytes.Equal(before, s.Encode(V1)) {
		t.Error("a refused update changed the document")
	}
}

func wantApplied(t *testing.T, s *Store, update []byte) {
	t.Helper()
	if added, err := s.Apply(update, V1); added == nil || err != nil {
		t.Fatalf("added %d bytes, %v", len(added), err)
	}
}

func TestNestingIsBounded(t *testing.T) {
	s := New()
	wantLimit(t, s, mapsIn(1, 0, maxNesting+2, inMap))
	wantApplied(t, s, mapsIn(1, 0, maxNesting+1, inMap))
	wantLimit(t, s, mapsIn(2, 0, 1, inBlockAt(1, maxNesting)))
	check(t, s)

	// A client that doesn't nest deeper is not refused.
	wantApplied(t, s, mapsIn(3, 0, 1, inMap))
	wantApplied(t, s, mapsIn(4, 0, maxNesting, inBlockAt(1, 0)))

	// Load has no limits.
	if err := s.Load(mapsIn(2, 0, 1, inBlockAt(1, maxNesting)), V1); err != nil {
		t.Error(err)
	}
}

// TestNestingStepByStep nests types in an update each, some by way of text in them.
func TestNestingStepByStep(t *testing.T) {
	s := New()
	parent := inMap
	for i := uint64(0); i < 2*maxNesting; i += 2 {
		text := block{client: 1, clock: i, kind: kindString, content: []byte("x"), parent: parent}
		u, _ := text.appendTo(lib0.AppendUint([]byte{1, 2, 1}, i))
		element := block{client: 1, clock: i + 1, kind: kindType, content: []byte{2}, flags: hasOrigin, origin: id{1, i}}
		u, _ = element.appendTo(u)
		wantApplied(t, s, append(u, 0))
		parent = inBlockAt(1, i+1)
	}
	wantApplied(t, s, mapsIn(2, 0, 1, parent))
	wantLimit(t, s, mapsIn(3, 0, 1, inBlockAt(2, 0)))
}

func TestPendingTypesAreBounded(t *testing.T) {
	s := New()
	wantLimit(t, s, mapsIn(1, 0, maxNesting+1, inBlockAt(2, 0)))
	wantApplied(t, s, mapsIn(1, 0, maxNesting, inBlockAt(2, 0)))
	wantLimit(t, s, mapsIn(3, 0, 1, inBlockAt(9, 0)))
	wantApplied(t, s, mapsIn(4, 0, 1, inMap))
	// A client whose update integrates pending types is not refused either.
	wantApplied(t, s, mapsIn(2, 0, 1, inMap))
	check(t, s)
	if deep := s.client(1).depths.at(maxNesting - 1); deep != maxNesting || s.pendingTypes != 0 {
		t.Errorf("%d deep, %d pending", deep, s.pendingTypes)
	}
}

func TestFlatTypesAreNotBounded(t *testing.T) {
	s := New()
	for i := range uint64(5) {
		u := lib0.AppendUint([]byte{1}, maxNesting)
		u = lib0.AppendUint(append(u, 1), i*maxNesting)
		for n := range uint64(maxNesting) {
			b := block{client: 1, clock: i*maxNesting + n, kind: kindType, content: []byte{1}, parent: inMap}
			u, _ = b.appendTo(u)
		}
		wantApplied(t, s, append(u, 0))
	}
}

// listOf returns an update with n texts of a client in the root t, each after the one
// before. The first is after the element with the clock before it, if there is one.
func listOf(client, clock, n uint64) []byte {
	u := lib0.AppendUint([]byte{1}, n)
	u = lib0.AppendUint(lib0.AppendUint(u, client), clock)
	for i := range n {
		b := block{client: client, clock: clock + i, kind: kindType, content: []byte{2}, parent: []byte{1, 1, 't'}}
		if clock+i > 0 {
			b.flags, b.origin, b.parent = hasOrigin, id{client, clock + i - 1}, nil
		}
		u, _ = b.appendTo(u)
	}
	return append(u, 0)
}

// TestNestingIsCheckedByTheUpdate measures what updates with types allocate in documents
// of two sizes. It must depend on the update alone.
func TestNestingIsCheckedByTheUpdate(t *testing.T) {
	const types = maxNesting + 200
	for name, update := range map[string]func(n uint64) []byte{
		"many types in a root":                   func(uint64) []byte { return listOf(2, 0, types) },
		"many types after those of the document": func(n uint64) []byte { return listOf(1, n, types) },
		"one type in the last of the document":   func(n uint64) []byte { return mapsIn(2, 0, 1, inBlockAt(1, n-1)) },
		"in V2":                                  func(n uint64) []byte { return toV2(listOf(1, n, types)) },
	} {
		took := func(n uint64) uint64 {
			s := New()
			if err := s.Load(listOf(1, 0, n), V1); err != nil {
				t.Fatal(err)
			}
			u, enc := update(n), V1
			if name == "in V2" {
				enc = V2
			}
			return allocated(func() {
				if added, err := s.Apply(u, enc); added == nil || err != nil {
					t.Errorf("%s: added %d bytes, %v", name, len(added), err)
				}
			})
		}
		few, many := took(1_000), took(100_000)
		if t.Logf("%s: %d bytes, in a large document %d bytes", name, few, many); many > 2*few+(64<<10) {
			t.Errorf("%s: the update takes %d bytes in a small document, and %d bytes in a large one", name, few, many)
		}
	}
}
