package blocks

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// inserted returns an update with one value, which a client inserts after the element
// origin and before the element right. right may be noID.
func inserted(client, clock uint64, origin, right id) []byte {
	b := block{client: client, clock: clock, len: 1, kind: kindAny, flags: hasOrigin, origin: origin, content: []byte{0x7e}}
	if right != noID {
		b.flags, b.right = b.flags|hasRight, right
	}
	u := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, client), clock)
	u, _ = b.appendTo(u)
	return append(u, 0)
}

// manyValues returns an update with n values of a client.
func manyValues(client, n uint64) []byte {
	u := lib0.AppendUint([]byte{1, 1}, client)
	u = lib0.AppendUint(append(u, 0, byte(kindAny), 1, 1, 'a'), n)
	return append(append(u, strings.Repeat("\x7e", int(n))...), 0)
}

// tried is a document with n values of client 5, which counts its trials and their bytes. If
// fails is set, all of them fail.
type tried struct {
	*Store
	n            uint64
	calls, bytes int
	fails        bool
}

func newTried(t *testing.T, n uint64) *tried {
	t.Helper()
	d := &tried{n: n}
	d.Store = NewWith(Options{Try: func(updates func() [][]byte) error {
		d.calls++
		for _, update := range updates() {
			d.bytes += len(update)
		}
		if d.fails {
			return errors.New("too slow")
		}
		return nil
	}})
	if err := d.Load(manyValues(5, n), V1); err != nil {
		t.Fatal(err)
	}
	// The end, which is after all values and refers to the first one.
	if _, err := d.Apply(inserted(6, 0, id{5, 0}, noID), V1); err != nil {
		t.Fatal(err)
	}
	return d
}

// far returns an update that inserts the i-th value of client 1 far from its right origin,
// and each at another place.
func (d *tried) far(i uint64) []byte {
	return inserted(1, i, id{5, d.n - 1 - i}, id{6, 0})
}

// TestTrialsArePaidFor sends doubts, which prove to be harmless, and counts the bytes that are
// tried.
func TestTrialsArePaidFor(t *testing.T) {
	testkit.SkipUnderRace(t)
	for name, test := range map[string]struct {
		update func(d *tried, i uint64) []byte
		trials int // that are called for, at least
	}{
		"at many places": {(*tried).far, trialBurst},
		"at one place":   {func(_ *tried, i uint64) []byte { return inserted(1, i, id{5, 9}, noID) }, trialBurst},
		"at places that were forgotten": {func(_ *tried, i uint64) []byte {
			at := id{5, i % 10_000}
			if i < 10_000 {
				return inserted(1, i, at, id{5, at.clock + 1})
			}
			return inserted(1, i, at, id{1, i - 10_000})
		}, 4},
	} {
		d := newTried(t, 200_000)
		sent, refused := 0, 0
		next := uint64(0)
		for range 40_000 {
			u := test.update(d, next)
			sent += len(u)
			if _, err := d.Apply(u, V1); err == nil {
				next++
			} else if refused++; !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			if most := trialBurst*d.Size() + trialShare*sent; d.bytes > most {
				t.Fatalf("%s: after %d bytes in %d updates, %d bytes were tried, want at most %d", name, sent, next, d.bytes, most)
			}
		}
		t.Logf("%s: %d bytes in %d trials after %d bytes, %d updates refused", name, d.bytes, d.calls, sent, refused)
		if d.calls < test.trials {
			t.Errorf("%s: %d trials, want %d at least", name, d.calls, test.trials)
		}
	}
}

// manyPlaces returns an update with n values of a client, and n-1 further ones, each at another
// place between them.
func manyPlaces(client, n uint64) []byte {
	u := lib0.AppendUint(lib0.AppendUint([]byte{1}, n), client)
	u = lib0.AppendUint(append(u, 0, byte(kindAny), 1, 1, 'a'), n)
	u = append(u, strings.Repeat("\x7e", int(n))...)
	for i := range n - 1 {
		b := block{client: client, clock: n + i, len: 1, kind: kindAny, flags: hasOrigin | hasRight, origin: id{client, i}, right: id{client, i + 1}, content: []byte{0x7e}}
		u, _ = b.appendTo(u)
	}
	return append(u, 0)
}

// TestTrialsOfManyPieces sends a document in many updates, each of which inserts at more
// places than are remembered.
func TestTrialsOfManyPieces(t *testing.T) {
	testkit.SkipUnderRace(t)
	d := newTried(t, 10)
	sent := 0
	for i := range uint64(200) {
		u := manyPlaces(100+i, 2000)
		wantApplied(t, d.Store, u)
		sent += len(u)
	}
	t.Logf("%d bytes in %d trials of %d bytes", d.bytes, d.calls, sent)
	if d.calls < 8 {
		t.Errorf("%d trials", d.calls)
	}
	if most := 6 * sent; d.bytes > most {
		t.Errorf("%d bytes were tried of a document of %d bytes, want at most %d", d.bytes, sent, most)
	}
}

// TestRefusedDoubtsAreForgotten checks that an update that is refused leaves nothing, so that
// what others write next is taken without a trial.
func TestRefusedDoubtsAreForgotten(t *testing.T) {
	for name, update := range map[string]func(d *tried, i uint64) []byte{
		"one by one": (*tried).far,
		"at once": func(d *tried, _ uint64) []byte {
			var all [][]byte
			for i := range uint64(2000) {
				all = append(all, d.far(i))
			}
			u, err := Merge(V1, all...)
			if err != nil {
				t.Fatal(err)
			}
			return u
		},
	} {
		d := newTried(t, 3000)
		d.fails = true
		for i := uint64(0); d.calls == 0; i++ {
			before, work, doubts := d.spots.kept.copy(), d.trials.work, d.trials.doubts
			if _, err := d.Apply(update(d, i), V1); err == nil {
				continue
			} else if !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, d.spots.kept.copy(), cmp.AllowUnexported(spot{}, sibling{}, id{})); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
			if n := d.spots.staged.size(); n > 0 {
				t.Errorf("%s: %d insertions are still staged", name, n)
			}
			if d.trials.work > work || d.trials.doubts != doubts || d.Freezes() != 1 {
				t.Errorf("%s: %d work, %d doubts and %d freezes, before %d and %d", name, d.trials.work, d.trials.doubts, d.Freezes(), work, doubts)
			}
		}
		for client := range uint64(20) { // these insert at one place at the same time
			wantApplied(t, d.Store, inserted(100+client, 0, id{5, 9}, id{5, 10}))
		}
		if d.calls != 1 {
			t.Errorf("%s: %d trials", name, d.calls)
		}
	}
}

// TestTrialsAreFew checks that a trial is only called for by what was inserted since the last
// one.
func TestTrialsAreFew(t *testing.T) {
	d := newTried(t, 5000)
	work, passed := 0, 0
	for i := range uint64(2000) {
		calls := d.calls
		wantApplied(t, d.Store, d.far(i))
		if work += int(i); d.calls == calls {
			continue
		}
		if work < trialWork || d.trials.work+d.trials.doubts > 0 {
			t.Errorf("a trial after work of %d; %d and %d doubts are left", work, d.trials.work, d.trials.doubts)
		}
		work, passed = 0, passed+1
	}
	if passed < 4 {
		t.Errorf("%d trials", passed)
	}
	d = newTried(t, 5000)
	for i := range uint64(200) {
		wantApplied(t, d.Store, inserted(2, i, id{5, i}, id{5, i + 1}))
		wantApplied(t, d.Store, inserted(3, i, id{5, i}, id{5, i + 1}))
	}
	if d.trials.work > 1 || d.trials.doubts < 200 { // it takes no longer than to load the bytes
		t.Errorf("%d work and %d doubts", d.trials.work, d.trials.doubts)
	}
}

// TestUntriedDocuments checks how much is accepted in documents that are too large for a
// trial.
func TestUntriedDocuments(t *testing.T) {
	for name, fill := range map[string][]byte{
		"32 MiB":      testkit.TypedIn("t", 7, 0, strings.Repeat("x", trialSize)),
		"many blocks": embeds(7, trialBlocks),
	} {
		d := newTried(t, 20_000)
		if err := d.Load(fill, V1); err != nil {
			t.Fatal(err)
		}
		if err := d.Try(); err != nil || d.calls > 0 {
			t.Errorf("%s: Try: %v", name, err)
		}
		work := 0
		for i := uint64(0); ; i++ {
			_, err := d.Apply(d.far(i), V1)
			if errors.Is(err, ErrLimit) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			work += int(i)
		}
		if work < untriedWork/2 || work > 2*untriedWork {
			t.Errorf("%s: work of %d was accepted", name, work)
		}
		if d.calls > 0 || d.Freezes() != 1 {
			t.Errorf("%s: %d trials, %d freezes", name, d.calls, d.Freezes())
		}
		wantApplied(t, d.Store, inserted(8, 0, id{5, 9}, id{5, 10}))
		wantApplied(t, d.Store, inserted(9, 0, id{5, 9}, id{5, 10}))
	}
}

// embeds returns an update with n blocks of a client.
func embeds(client uint64, n int) []byte {
	u := append(lib0.AppendUint(lib0.AppendUint([]byte{1}, uint64(n)), client), 0)
	return append(append(u, strings.Repeat("\x05\x01\x01e\x011", n)...), 0)
}

func TestTry(t *testing.T) {
	d := newTried(t, 10)
	if err := d.Try(); err != nil || d.calls != 1 || d.bytes != len(d.Encode(V1)) {
		t.Errorf("%v after %d calls with %d bytes", err, d.calls, d.bytes)
	}
	if d.fails = true; d.Try() == nil {
		t.Error("Try has no error")
	}
	if err := New().Try(); err != nil {
		t.Error(err)
	}
}
