package yjs

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

func TestTransact(t *testing.T) {
	d := NewWith(Options{ClientID: 7})
	text, _ := d.Text("t")
	update, err := d.Transact(func() error { return nil })
	if update != nil || err != nil {
		t.Errorf("nothing done: %x, %v", update, err)
	}
	must(t, text.Insert(0, "a", nil)) // a transaction of its own
	boom := errors.New("boom")
	update, err = d.Transact(func() error {
		must(t, text.Insert(1, "bc", nil))
		must(t, text.Delete(1, 1))
		if inner, err := d.Transact(func() error { return text.Insert(2, "d", nil) }); inner != nil || err != nil {
			t.Errorf("a transaction in a transaction: %x, %v", inner, err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
	other := New()
	must(t, other.Apply(update, blocks.V1))
	got, _ := other.Text("t")
	if got.String() != "" {
		t.Errorf("without what was before: %q", got.String())
	}
	must(t, other.Apply(d.Encode(blocks.V2), blocks.V2))
	if got.String() != "acd" || text.String() != "acd" {
		t.Errorf("%q and %q", got.String(), text.String())
	}
	diff, err := d.Diff(d.StateVector(), blocks.V1)
	must(t, err)
	if want := []byte{0, 1, 7, 1, 1, 1}; !bytes.Equal(diff, want) {
		t.Errorf("diff %x, want %x: what is deleted, and nothing else", diff, want)
	}
	update, err = d.Transact(func() error { return d.Apply(other.Encode(blocks.V1), blocks.V1) })
	if update != nil || err != nil {
		t.Errorf("what is known: %x, %v", update, err)
	}
}

func TestTransactEndsWhereFnPanics(t *testing.T) {
	d := New()
	func() {
		defer func() { _ = recover() }()
		_, _ = d.Transact(func() error { panic("fn") })
	}()
	inspect(t, d)
}

func TestUpdatesWait(t *testing.T) {
	a := NewWith(Options{ClientID: 1})
	text, _ := a.Text("t")
	var updates [][]byte
	for i := range 40 {
		update, err := a.Transact(func() error {
			if i%5 == 4 {
				return text.Delete(i/3, 1)
			}
			return text.Insert(i/2, string(rune('a'+i)), nil)
		})
		must(t, err)
		updates = append(updates, update)
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		random.Shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
		d, store := New(), blocks.New()
		for i, update := range updates {
			must(t, d.Apply(update, blocks.V1))
			_, err := store.Apply(update, blocks.V1)
			must(t, err)
			inspect(t, d)
			if i%7 != 0 {
				continue
			}
			// What waits is part of what is encoded.
			if d2 := New(); d2.Apply(d.Encode(blocks.V1), blocks.V1) != nil || !bytes.Equal(d2.Encode(blocks.V1), d.Encode(blocks.V1)) {
				t.Fatal("what is encoded isn't the same when it is read")
			}
			if !bytes.Equal(d.StateVector(), store.StateVector()) {
				t.Fatalf("state vector %x, store has %x", d.StateVector(), store.StateVector())
			}
		}
		got, _ := d.Text("t")
		if got.String() != text.String() || !bytes.Equal(d.Encode(blocks.V1), a.Encode(blocks.V1)) {
			t.Fatalf("%q, want %q", got.String(), text.String())
		}
	}
}

func TestMalformedUpdates(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	must(t, text.Insert(0, "abc", nil))
	good := d.Encode(blocks.V1)
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2, 3} {
		for i := range d.Encode(blocks.V1) {
			bad := append(bytes.Clone(good[:i]), 0xff)
			if err := d.Apply(bad, enc); !errors.Is(err, blocks.ErrMalformed) && !errors.Is(err, blocks.ErrEncoding) {
				t.Errorf("%x in %d: %v", bad, enc, err)
			}
		}
	}
	if _, err := d.Diff([]byte{1}, blocks.V1); !errors.Is(err, blocks.ErrMalformed) {
		t.Errorf("a short state vector: %v", err)
	}
	if _, err := d.Diff([]byte{0, 0}, blocks.V1); !errors.Is(err, blocks.ErrMalformed) {
		t.Errorf("a long state vector: %v", err)
	}
	if _, err := d.Diff([]byte{0}, 9); !errors.Is(err, blocks.ErrEncoding) {
		t.Errorf("an unknown encoding: %v", err)
	}
	// A root that only a malformed update names isn't there afterwards.
	if len(d.rootOrder) != 1 || !bytes.Equal(d.Encode(blocks.V1), good) {
		t.Error("a malformed update changed the document")
	}
}

func TestClientIDGoesOn(t *testing.T) {
	a := NewWith(Options{ClientID: 5})
	text, _ := a.Text("t")
	first, err := a.Transact(func() error { return text.Insert(0, "one", nil) })
	must(t, err)
	second, err := a.Transact(func() error { return text.Insert(3, " two", nil) })
	must(t, err)

	b := NewWith(Options{ClientID: 5})
	must(t, b.Apply(first, blocks.V1))
	textB, _ := b.Text("t")
	update, err := b.Transact(func() error { return textB.Insert(3, "!", nil) })
	must(t, err)
	if !bytes.Contains(update, []byte{1, 5, 3}) || b.ClientID() != 5 {
		t.Errorf("client %d made %s", b.ClientID(), show(update))
	}

	// Blocks of its own id wait: which clocks are free isn't known.
	c := NewWith(Options{ClientID: 5})
	must(t, c.Apply(second, blocks.V1))
	textC, _ := c.Text("t")
	must(t, textC.Insert(0, "x", nil))
	if c.ClientID() == 5 {
		t.Error("an id with waiting blocks is used")
	}
	must(t, c.Apply(first, blocks.V1))
	if got := textC.String(); !strings.Contains(got, "one two") || !strings.Contains(got, "x") {
		t.Errorf("text %q", got)
	}
	if id := NewWith(Options{ClientID: math.MaxUint64}).ClientID(); id == 0 || id > lib0.MaxInt {
		t.Errorf("id %d", id)
	}
}

func TestHistory(t *testing.T) {
	for _, history := range []bool{false, true} {
		d := NewWith(Options{ClientID: 1, History: history})
		text, _ := d.Text("t")
		must(t, text.Insert(0, "secret", nil))
		must(t, text.Delete(0, 6))
		if got := bytes.Contains(d.Encode(blocks.V1), []byte("secret")); got != history {
			t.Errorf("history %v: content is kept: %v", history, got)
		}
		inspect(t, d)
	}
}

// TestCollectedTypes deletes a type with all that is in it.
func TestCollectedTypes(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	m, _ := d.Map("m")
	a, err := m.SetArray("a")
	must(t, err)
	for range 10 {
		inner, err := a.InsertMap(0)
		must(t, err)
		text, err := inner.SetText("t")
		must(t, err)
		must(t, text.Insert(0, "some text", nil))
	}
	full := len(d.Encode(blocks.V1))
	must(t, m.Delete("a"))
	inspect(t, d)
	if got := len(d.Encode(blocks.V1)); got > 30 || got >= full {
		t.Errorf("%d bytes, of %d", got, full)
	}
	if a.Len() != 0 {
		t.Errorf("%d elements are left", a.Len())
	}
	// Who didn't know of the deletion writes into it.
	other := NewWith(Options{ClientID: 2})
	must(t, other.Apply(d.Encode(blocks.V1), blocks.V1))
	inspect(t, other)
}

func TestNestedDeep(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	a, _ := d.Array("a")
	inner := a
	for range maxDepth + 10 {
		var err error
		inner, err = inner.InsertArray(0)
		must(t, err)
	}
	if _, err := a.MarshalJSON(); !errors.Is(err, ErrDepth) {
		t.Errorf("printed: %v", err)
	}
	must(t, a.Delete(0, 1))
	inspect(t, d)
	if got, want := marshaled(t, a), "[]"; got != want {
		t.Errorf("got %s", got)
	}
	f, _ := d.XMLFragment("f")
	e, err := f.InsertElement(0, "e")
	must(t, err)
	for range maxDepth + 10 {
		e, err = e.InsertElement(0, "e")
		must(t, err)
	}
	if _, err := f.ProseMirror(); !errors.Is(err, ErrDepth) {
		t.Errorf("printed: %v", err)
	}
	if got := f.String(); len(got) < maxDepth {
		t.Errorf("%d bytes", len(got))
	}
}

// A document that was just loaded knows places, but not the kinds of its roots
// until they are asked for; a passage that was deleted has no length.
func TestRelativePositionsOfALoadedDocument(t *testing.T) {
	d := New()
	text, err := d.Text("t")
	must(t, err)
	must(t, text.Insert(0, "abcdef", nil))
	start, err := text.RelativePosition(2, 0)
	must(t, err)
	end, err := text.RelativePosition(4, -1)
	must(t, err)
	resolved := func() (from, to Position, loaded *Doc) {
		t.Helper()
		loaded = New()
		must(t, loaded.Apply(d.Encode(blocks.V1), blocks.V1))
		from, err := loaded.Resolve(start)
		must(t, err)
		to, err = loaded.Resolve(end)
		must(t, err)
		return from, to, loaded
	}
	from, to, loaded := resolved()
	if from.Index != 2 || to.Index != 4 || from.Type.TypeKind() != KindUnknown {
		t.Errorf("from %+v to %+v", from, to)
	}
	_, err = loaded.Text("t")
	must(t, err)
	if from, err = loaded.Resolve(start); err != nil || from.Type.TypeKind() != KindText {
		t.Errorf("once it was asked for: %+v, %v", from, err)
	}
	must(t, text.Delete(1, 4))
	if from, to, _ = resolved(); from.Index != 1 || to.Index != 1 {
		t.Errorf("deleted: from %+v to %+v", from, to)
	}
}

func TestRelativePositions(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	must(t, text.Insert(0, "abcdef", nil))
	before, err := text.RelativePosition(3, -1)
	must(t, err)
	after, err := text.RelativePosition(3, 0)
	must(t, err)
	end, err := text.RelativePosition(6, 0)
	must(t, err)
	must(t, text.Insert(3, "XY", nil))
	must(t, text.Insert(0, "😀", nil))
	for i, test := range []struct {
		p    RelativePosition
		want int
	}{{before, 5}, {after, 7}, {end, 10}} {
		at, err := d.Resolve(test.p)
		if got, ok := at.Type.Text(); err != nil || at.Index != test.want || !ok || got.String() != text.String() {
			t.Errorf("%d: %+v, %v; want %d", i, at, err, test.want)
		}
	}
	must(t, text.Delete(4, 5))
	if at, err := d.Resolve(after); err != nil || at.Index != 4 {
		t.Errorf("where it was: %+v, %v", at, err)
	}

	a, _ := d.Array("a")
	must(t, a.Push(NumberValue(1)))
	inner, err := a.InsertText(0)
	must(t, err)
	in, err := inner.RelativePosition(0, -1)
	must(t, err)
	if text := marshaled(t, in); text != `{"type":{"client":1,"clock":11},"assoc":-1}` {
		t.Errorf("JSON %s", text)
	}
	must(t, a.Delete(0, 1))
	m, _ := d.Map("m")
	must(t, m.Set("k", NumberValue(1)))
	for i, test := range []struct {
		p    RelativePosition
		want error
	}{
		{in, ErrPosition},
		{RelativePosition{}, ErrPosition},
		{RelativePosition{name: "nobody", hasName: true}, ErrPosition},
		{RelativePosition{typ: blocks.ID{Client: 1}, hasType: true}, ErrPosition},
		{RelativePosition{item: blocks.ID{Client: 1, Clock: 99}, hasItem: true}, ErrPosition},
		{RelativePosition{item: blocks.ID{Client: 1, Clock: 12}, hasItem: true}, ErrPosition},
	} {
		if at, err := d.Resolve(test.p); !errors.Is(err, test.want) {
			t.Errorf("%d: %+v, %v", i, at, err)
		}
	}
	for _, bad := range [][]byte{nil, {3}, {0, 1}, {1, 5, 'a'}, {2, 1}, {0, 1, 1, 0x80}} {
		if p, err := DecodeRelativePosition(bad); !errors.Is(err, ErrPosition) {
			t.Errorf("%x: %+v, %v", bad, p, err)
		}
	}
	for _, bad := range []string{"", "[]", `{"item":{"client":-1}}`, `{"assoc":"x"}`} {
		if err := new(RelativePosition).UnmarshalJSON([]byte(bad)); !errors.Is(err, ErrPosition) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if (RelativePosition{}).Encode() != nil {
		t.Error("no position is encoded")
	}
}

// TestLargeItems splits items of much content in many places, from the end on.
func TestLargeItems(t *testing.T) {
	const n = 50_000
	big := strings.Repeat("é", n)
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	must(t, text.Insert(0, big, nil))
	array, _ := d.Array("a")
	var values []Value
	for range n {
		values = append(values, NumberValue(1))
	}
	must(t, array.Push(values...))
	inspect(t, d)
	if got := len(d.Encode(blocks.V1)); got > 4*n+40 {
		t.Errorf("%d bytes: what was divided is written in parts", got)
	}
	for i := n - 1; i > 0; i -= 5 {
		must(t, text.Insert(i, "x", nil))
		must(t, array.Insert(i, NullValue()))
	}
	if text.Len() != n+(n-1)/5+1 || array.Len() != text.Len() {
		t.Errorf("lengths %d and %d", text.Len(), array.Len())
	}
	inspect(t, d)
}

// TestReadingAllocates reads a text of many items.
func TestReadingAllocates(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	random := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		must(t, text.Insert(random.IntN(text.Len()+1), "x", nil))
	}
	update := d.Encode(blocks.V1)
	allocs := testing.AllocsPerRun(5, func() {
		d := New()
		must(t, d.Apply(update, blocks.V1))
		text, err := d.Text("t")
		must(t, err)
		if len(text.String()) != 5000 {
			t.Fatal("wrong text")
		}
	})
	if allocs > 200 {
		t.Errorf("%.0f allocations to read 5,000 items", allocs)
	}
	if allocs := testing.AllocsPerRun(5, func() { _ = text.String() }); allocs > 1 {
		t.Errorf("%.0f allocations to print a text", allocs)
	}
}

// TestEditsOfAnIndex compares positions that the index gives with a plain string.
func TestEditsOfAnIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	want := ""
	for i := range 3000 {
		at := random.IntN(len(want) + 1)
		switch n := min(random.IntN(4), len(want)-at); {
		case random.IntN(5) < 3:
			s := fmt.Sprint(i)
			must(t, text.Insert(at, s, nil))
			want = want[:at] + s + want[at:]
		case n > 0 && random.IntN(2) == 0:
			must(t, text.Format(at, n, Object{{"k", NumberValue(float64(i % 3))}}))
		default:
			must(t, text.Delete(at, n))
			want = want[:at] + want[at+n:]
		}
	}
	if got := text.String(); got != want {
		t.Error("the text isn't what was written")
	}
	inspect(t, d)
}

// TestWritingIntoWhatIsGone has one delete a type that another one writes into.
func TestWritingIntoWhatIsGone(t *testing.T) {
	for _, history := range []bool{false, true} {
		a := NewWith(Options{ClientID: 1, History: history})
		m, _ := a.Map("m")
		inner, err := m.SetArray("k")
		must(t, err)
		b := NewWith(Options{ClientID: 2})
		must(t, b.Apply(a.Encode(blocks.V1), blocks.V1))
		other, _ := b.Map("m")
		v, _ := other.Get("k")
		theirs, ok := v.Array()
		if !ok {
			t.Fatal("no array")
		}
		must(t, theirs.Push(NumberValue(1)))
		must(t, m.Delete("k"))
		must(t, a.Apply(b.Encode(blocks.V1), blocks.V1))
		inspect(t, a)
		if inner.Len() != 0 || m.Len() != 0 {
			t.Errorf("history %v: %d elements in a deleted array", history, inner.Len())
		}
	}
}

// TestDeletionsWait applies a deletion of what isn't there yet.
func TestDeletionsWait(t *testing.T) {
	d := New()
	update := []byte{0, 1, 9, 2, 1, 2, 5, 1}
	must(t, d.Apply(update, blocks.V1))
	if got := d.Encode(blocks.V1); !bytes.Equal(got, update) {
		t.Errorf("encoded %x", got)
	}
	a := NewWith(Options{ClientID: 9})
	text, _ := a.Text("t")
	must(t, text.Insert(0, "abcdefgh", nil))
	must(t, d.Apply(a.Encode(blocks.V1), blocks.V1))
	got, _ := d.Text("t")
	if got.String() != "adegh" {
		t.Errorf("text %q", got)
	}
	inspect(t, d)
}

// TestTypingIsJoined types letter by letter.
func TestTypingIsJoined(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	for i := range 1000 {
		must(t, text.Insert(i, "x", nil))
	}
	must(t, text.Delete(100, 50))
	items := 0
	for _, chunk := range d.clients[0].items.chunks {
		items += len(chunk)
	}
	if items != 3 {
		t.Errorf("%d items, not 3", items)
	}
}

func TestYchange(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	must(t, text.Insert(0, "a", Object{{"ychange", NumberValue(1)}, {"b", NumberValue(2)}}))
	if got, want := marshaled(t, text.Delta()), `[{"insert":"a","attributes":{"b":2}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
