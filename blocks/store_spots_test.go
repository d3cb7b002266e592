package blocks

import (
	"runtime"
	"testing"

	"github.com/yroom/yroom/internal/testkit"

	"github.com/yroom/yroom/internal/lib0"
)

func (t *idTable[V]) copy() map[id]V {
	m := make(map[id]V)
	if t == nil {
		return m
	}
	for _, e := range t.entries {
		m[e.id] = e.value
	}
	return m
}

// copy returns what is remembered, by id.
func (n *insertions) copy() (all [4]any) {
	return [...]any{n.spots.young.copy(), n.spots.old.copy(), n.siblings.young.copy(), n.siblings.old.copy()}
}

// size returns how much is remembered.
func (n *insertions) size() int {
	return n.spots.len() + n.siblings.len()
}

// TestInsertions checks what work, and how many doubts, insertions cause after 1000 values
// of client 5 and one of client 6, which comes after all of them and refers to the first one.
func TestInsertions(t *testing.T) {
	type x = id
	at := func(client, clock uint64, origin, right id) func(*tried) []byte {
		return func(*tried) []byte { return inserted(client, clock, origin, right) }
	}
	many := func(n uint64, update func(i uint64) []byte) (list []func(*tried) []byte) {
		for i := range n {
			list = append(list, func(*tried) []byte { return update(i) })
		}
		return list
	}
	before := func(client, n uint64) []func(*tried) []byte { // each before the one before, after one value
		return many(n, func(i uint64) []byte {
			right := x{5, 10}
			if i > 0 {
				right = x{client, i - 1}
			}
			return inserted(client, i, x{5, 9}, right)
		})
	}
	for name, test := range map[string]struct {
		first        []func(*tried) []byte
		then         []func(*tried) []byte
		work, doubts int
	}{
		"each before the one before":     {then: before(1, 500)},
		"each after the one before":      {then: many(500, func(i uint64) []byte { return inserted(6, i+1, x{6, i}, noID) })},
		"at many places":                 {then: many(900, func(i uint64) []byte { return inserted(1, i, x{5, i}, x{5, i + 1}) })},
		"two clients at one place":       {before(2, 1), []func(*tried) []byte{at(1, 0, x{5, 9}, x{5, 10})}, 1, 1},
		"and the next one at the newest": {append(before(2, 1), at(1, 0, x{5, 9}, x{5, 10})), []func(*tried) []byte{at(4, 0, x{5, 9}, x{1, 0})}, 0, 0},
		"behind ten others":              {before(1, 10), []func(*tried) []byte{at(2, 0, x{5, 9}, x{5, 10})}, 10, 1},
		"and before the newest of these": {append(before(1, 10), at(2, 0, x{5, 9}, x{5, 10})), []func(*tried) []byte{at(4, 0, x{5, 9}, x{1, 9})}, 0, 0},
		"behind a hundred others":        {before(2, 100), []func(*tried) []byte{at(3, 0, x{5, 9}, x{5, 10}), at(3, 1, x{5, 9}, x{3, 0})}, 201, 2},
		"of a client that is before all": {append(before(2, 100), at(1, 0, x{5, 9}, x{5, 10})), []func(*tried) []byte{at(4, 0, x{5, 9}, x{1, 0})}, 0, 0},
		"behind a hundred in a row": {append(before(2, 1), many(100, func(i uint64) []byte {
			return inserted(2, 1+i, x{2, i}, x{5, 10})
		})...), []func(*tried) []byte{at(3, 0, x{5, 9}, x{5, 10})}, 101, 1},
		"far from the right origin":     {nil, []func(*tried) []byte{at(1, 0, x{5, 9}, x{6, 0})}, 990, 1},
		"after a block of one's own":    {append(before(2, 1), at(3, 0, x{2, 0}, x{5, 10})), []func(*tried) []byte{at(2, 1, x{2, 0}, x{5, 10})}, 1, 1},
		"where others were before":      {append(before(2, 1), many(900, func(i uint64) []byte { return inserted(3, i, x{5, 20 + i}, x{5, 21 + i}) })...), []func(*tried) []byte{at(4, 0, x{5, 9}, x{2, 0})}, 0, 1},
		"after a block that is deleted": {[]func(*tried) []byte{func(*tried) []byte { return []byte{0, 1, 5, 1, 9, 1} }}, []func(*tried) []byte{at(1, 0, x{5, 9}, x{5, 10})}, 0, 0},
	} {
		d := newTried(t, 1000)
		for _, update := range test.first {
			wantApplied(t, d.Store, update(d))
		}
		work, doubts := 0, 0
		for _, update := range test.then {
			d.trials.work, d.trials.doubts = 0, 0
			wantApplied(t, d.Store, update(d))
			work, doubts = work+d.trials.work, doubts+d.trials.doubts
		}
		if work != test.work || doubts != test.doubts {
			t.Errorf("%s: %d work and %d doubts, want %d and %d", name, work, doubts, test.work, test.doubts)
		}
	}
}

// TestInsertionsAreBounded inserts at many places with one update. Most of what that
// allocates is the index of the update.
func TestInsertionsAreBounded(t *testing.T) {
	testkit.SkipUnderRace(t)
	const n = 300_000
	u := lib0.AppendUint([]byte{1}, n-1)
	u = append(u, 1, 0)
	for i := range uint64(n - 1) {
		b := block{client: 1, clock: i, len: 1, kind: kindAny, flags: hasOrigin | hasRight, origin: id{5, i}, right: id{5, i + 1}, content: []byte{0x7e}}
		u, _ = b.appendTo(u)
	}
	u = append(u, 0)
	s := New()
	wantApplied(t, s, manyValues(5, n))
	took := allocated(func() { wantApplied(t, s, u) })
	if t.Logf("%d bytes allocated for %d", took, len(u)); took > 8*uint64(len(u)) {
		t.Errorf("an update of %d bytes takes %d bytes", len(u), took)
	}
	d := newTried(t, n)
	d.calls = 0
	if wantApplied(t, d.Store, u); d.calls == 0 {
		t.Error("an update that inserts at more places than are remembered isn't tried")
	}
	if kept, staged := d.spots.kept.size(), d.spots.staged.size(); kept == 0 || kept > 4*keptRecent || staged > 0 {
		t.Errorf("%d are kept, %d staged", kept, staged)
	}
}

func TestMemoryOfInsertions(t *testing.T) {
	for _, n := range []uint64{100, 2 * keptRecent} {
		before := heap()
		var list [100]insertions
		for i := range list {
			for clock := range n {
				list[i].spots.set(id{1, clock}, spot{})
				list[i].siblings.set(id{1, clock}, sibling{})
			}
		}
		took, counted := int(heap()-before)/len(list), list[0].memory()
		if t.Logf("%d insertions take %d bytes", n, took); counted < took/2 || counted > 2*took {
			t.Errorf("%d insertions take %d bytes, and memory returns %d", n, took, counted)
		}
		runtime.KeepAlive(&list)
	}
}

func TestRecent(t *testing.T) {
	var r recent[int]
	for i := range 1000 {
		if r.set(id{1, uint64(i)}, i) != (i > 0 && i%keptRecent == 0 && i > keptRecent) {
			t.Errorf("set %d", i)
		}
		for _, back := range []int{0, keptRecent / 2, keptRecent - 1} {
			if got, ok := r.get(id{1, uint64(i - back)}); i >= back && (!ok || got != i-back) {
				t.Fatalf("after %d, %d is %d, %v", i, i-back, got, ok)
			}
		}
		if _, ok := r.get(id{1, uint64(i - 2*keptRecent)}); ok {
			t.Fatalf("%d is remembered after %d", i-2*keptRecent, i)
		}
	}
	for _, n := range []uint64{10, keptRecent, 3 * keptRecent} {
		var other recent[int]
		for i := range n {
			other.set(id{2, i}, int(i))
		}
		r.take(&other)
		if other.len() > 0 || r.young.len() > keptRecent || r.old.len() > keptRecent {
			t.Errorf("%d and %d are left, %d and %d taken", other.young.len(), other.old.len(), r.young.len(), r.old.len())
		}
		for i := max(n, keptRecent) - keptRecent; i < n; i++ {
			if got, ok := r.get(id{2, i}); !ok || got != int(i) {
				t.Errorf("%d is %d, %v", i, got, ok)
			}
		}
	}
}
