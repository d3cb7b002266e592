package yjs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// chained makes an update of one client in which each block follows the one before,
// in the root t.
func chained(all ...blocks.Block) []byte {
	out := append(lib0.AppendUint([]byte{1}, uint64(len(all))), 1, 0)
	clock := uint64(0)
	for i, b := range all {
		b.ID = blocks.ID{Client: 1, Clock: clock}
		if b.Root == nil && i == 0 {
			b.Root = []byte("t")
		} else if b.Root == nil {
			b.HasOrigin, b.Origin = true, blocks.ID{Client: 1, Clock: clock - 1}
		}
		out = b.AppendTo(out)
		clock += b.Len
	}
	return append(out, 0)
}

func stringBlock(s string) blocks.Block {
	return blocks.Block{Kind: blocks.KindString, Len: uint64(len(s)), Content: []byte(s)}
}

func formatBlock(key, value string) blocks.Block {
	return blocks.Block{Kind: blocks.KindFormat, Len: 1, Content: formatContent(key, []byte(value))}
}

func applied(t *testing.T, update []byte) *Doc {
	t.Helper()
	d := New()
	must(t, d.Apply(update, blocks.V1))
	return d
}

// TestManyOfAKindIsLinear does what takes two seconds, and minutes where the work
// grows with the square of the input.
func TestManyOfAKindIsLinear(t *testing.T) {
	if underRace {
		t.Skip("what it measures is the time")
	}
	const n = 50_000
	start := time.Now()
	defer func() {
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %v", took)
		}
	}()
	t.Run("roots", func(t *testing.T) {
		var all []blocks.Block
		for i := range n {
			b := stringBlock("x")
			b.Root = fmt.Append(nil, i)
			all = append(all, b)
		}
		if got := len(applied(t, chained(all...)).Roots()); got != n {
			t.Errorf("%d roots", got)
		}
	})
	t.Run("formats", func(t *testing.T) {
		var all []blocks.Block
		for i := range n {
			all = append(all, formatBlock(fmt.Sprint("k", i), "1"))
		}
		for i := range n / 2 {
			all = append(all, formatBlock(fmt.Sprint("k", i), "null"))
		}
		for i := range n / 5 {
			all = append(all, formatBlock("n", fmt.Sprint(i)), stringBlock("x"))
		}
		known := New()
		must(t, second(known.Text("t"))) // or it isn't cleaned up
		must(t, known.Apply(chained(all...), blocks.V1))

		all = all[:n*3/2]
		d := applied(t, chained(append(all, stringBlock("x"))...))
		text, err := d.Text("t")
		must(t, err)
		if got := len(text.Delta()[0].Attributes); got != n/2 {
			t.Errorf("%d formats", got)
		}
		must(t, text.Insert(1, "y", nil))
		must(t, text.Insert(2, "z", Object{}))
		must(t, text.Format(0, 3, Object{{"k49999", NullValue()}}))
		must(t, text.Delete(0, 3))
		if got := text.String(); got != "" {
			t.Errorf("what is left: %q", got)
		}
	})
	t.Run("values of a key around one that is parted", func(t *testing.T) {
		value := func(origin, right *blocks.ID) blocks.Block {
			b := blocks.Block{Kind: blocks.KindAny, Len: 1, Content: []byte{lib0.AnyNull}}
			if origin != nil {
				b.HasOrigin, b.Origin = true, *origin
			}
			if right != nil {
				b.HasRight, b.Right = true, *right
			}
			return b
		}
		by := func(client byte, clock uint64, all ...blocks.Block) []byte {
			out := lib0.AppendUint(append(lib0.AppendUint([]byte{1}, uint64(len(all))), client), clock)
			for _, b := range all {
				out = b.AppendTo(out)
			}
			return append(out, 0)
		}
		first, second := blocks.ID{Client: 2}, blocks.ID{Client: 2, Clock: 1}
		var all []blocks.Block
		for i := range uint64(n) {
			b := value(nil, &first)
			if i > 0 {
				b = value(&blocks.ID{Client: 3, Clock: i}, &first)
			}
			all = append(all, b)
		}
		for i := range uint64(n) {
			b := value(&second, nil)
			if i > 0 {
				b = value(&blocks.ID{Client: 3, Clock: n + i}, nil)
			}
			all = append(all, b)
		}
		pair := blocks.Block{
			Kind: blocks.KindAny, Len: 2, Content: []byte{lib0.AnyNull, lib0.AnyNull},
			Root: []byte("t"), HasKey: true, Key: []byte("k"),
		}
		d := New()
		text, err := d.Text("t") // or it isn't cleaned up
		must(t, err)
		formatted := chained(stringBlock("x"), formatBlock("b", "true"))
		for _, u := range [][]byte{formatted, by(2, 0, pair), by(3, 0, value(&first, &second)), by(3, 1, all...)} {
			must(t, d.Apply(u, blocks.V1))
		}
		if got := len(text.Attributes()); got != 1 {
			t.Errorf("%d attributes", got)
		}
	})
	t.Run("deletions in a text that nobody edits", func(t *testing.T) {
		var all []blocks.Block
		for range n {
			all = append(all, stringBlock("x"), formatBlock("b", "true"), formatBlock("b", "null"))
		}
		d := New()
		text, err := d.Text("t")
		must(t, err)
		must(t, d.Apply(chained(all...), blocks.V1))
		gone := lib0.AppendUint([]byte{0, 1, 1}, n)
		for i := range uint64(n) {
			gone = append(lib0.AppendUint(gone, 3*i), 1)
		}
		must(t, d.Apply(gone, blocks.V1))
		if got := text.Len(); got > 0 || text.t.indexed {
			t.Errorf("%d characters are left; indexed: %v", got, text.t.indexed)
		}
	})
	t.Run("clients that wait", func(t *testing.T) {
		const far = 10 * n
		out := lib0.AppendUint(nil, 2*n)
		client := func(id uint64, needs ...uint64) {
			out = append(lib0.AppendUint(lib0.AppendUint(out, uint64(len(needs))), id), 0)
			for _, x := range needs {
				b := blocks.Block{Kind: blocks.KindEmbed, Len: 1, Content: []byte{1, '1'}, HasOrigin: true, Origin: blocks.ID{Client: x}}
				out = b.AppendTo(out)
			}
		}
		for i := range uint64(n) {
			client(far+i, far+i+1) // of which the last one never comes
			client(10+i, 10+i-1, far)
		}
		d := applied(t, append(out, 0))
		b := stringBlock("x")
		b.Root = []byte("t")
		must(t, d.Apply(append(b.AppendTo([]byte{1, 1, 9, 0}), 0), blocks.V1)) // for the first of the others
		text, err := d.Text("t")
		must(t, err)
		if got := text.Len(); got != n+1 {
			t.Errorf("%d of %d have come", got, n+1)
		}
	})
}

// TestTooManyConflicts has items of one client that all want to be at the start of a
// text, each before another item of it.
func TestTooManyConflicts(t *testing.T) {
	if underRace {
		t.Skip("takes a second as it is")
	}
	const n = 15_000
	out := []byte{2}
	section := func(client byte, block func(i uint64) blocks.Block) {
		out = append(lib0.AppendUint(out, n), client, 0)
		for i := range uint64(n) {
			b := block(i)
			b.ID, b.Len, b.Kind, b.Content = blocks.ID{Client: uint64(client), Clock: i}, 1, blocks.KindEmbed, []byte{1, '1'}
			out = b.AppendTo(out)
		}
	}
	section(2, func(i uint64) blocks.Block {
		if i == 0 {
			return blocks.Block{Root: []byte("t")}
		}
		return blocks.Block{HasOrigin: true, Origin: blocks.ID{Client: 2, Clock: i - 1}}
	})
	section(1, func(i uint64) blocks.Block {
		return blocks.Block{HasRight: true, Right: blocks.ID{Client: 2, Clock: n - 1 - i}}
	})
	out = append(out, 0)
	if _, err := blocks.New().Apply(out, blocks.V1); err != nil {
		t.Fatal(err)
	}
	d := New()
	for range 2 {
		if err := d.Apply(out, blocks.V1); !errors.Is(err, ErrWork) {
			t.Errorf("got %v", err)
		}
	}
	inspect(t, d)
	read(t, d)
	// What it has is all there.
	again := blocks.New()
	must(t, again.Load(d.Encode(blocks.V1), blocks.V1))
	if got, want := again.StateVector(), []byte{2, 2, 0x98, 0x75, 1, 0x98, 0x75}; !slices.Equal(got, want) {
		t.Errorf("state vector %x, want %x", got, want)
	}
}

// TestTooManyFormats has a document that is thousands of times as large when it is
// printed.
func TestTooManyFormats(t *testing.T) {
	if underRace {
		t.Skip("takes a second as it is")
	}
	const n = 2_500
	var all []blocks.Block
	for i := range n {
		all = append(all, formatBlock(fmt.Sprint("k", i), "true"))
	}
	for i := range n {
		all = append(all, formatBlock("n", fmt.Sprint(i)), stringBlock("x"))
	}
	update := chained(all...)
	if len(update) > 100<<10 {
		t.Fatalf("an update of %d bytes", len(update))
	}
	d := applied(t, update)
	text, err := d.XMLText("t")
	must(t, err)
	if got := text.Len(); got != n {
		t.Errorf("%d units of text", got)
	}
	for name, err := range map[string]error{
		"Printable":   d.Printable(),
		"JSON":        second(d.JSON(nil)),
		"MarshalJSON": second(text.MarshalJSON()),
	} {
		if !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, text.Format(0, n, Object{{"k1", NullValue()}}))
	must(t, text.Delete(0, n-10))
	must(t, d.Printable())

	nested := New()
	must(t, second(nested.Transact(func() error {
		f, err := nested.XMLFragment("f")
		must(t, err)
		must(t, f.Insert(0, TypeValue(KindXMLElement, "p")))
		v, _ := f.Get(0)
		p, _ := v.XMLElement()
		must(t, p.Insert(0, TypeValue(KindXMLText, "")))
		v, _ = p.Get(0)
		x, _ := v.XMLText()
		long := StringValue(strings.Repeat("x", 40<<10))
		must(t, x.Insert(0, strings.Repeat("x", n), Object{{"long", long}}))
		for i := range n {
			must(t, x.Format(i, 1, Object{{"n", NumberValue(float64(i))}}))
		}
		return nil
	})))
	f, err := nested.XMLFragment("f")
	must(t, err)
	if _, err := f.ProseMirror(); !errors.Is(err, ErrSize) {
		t.Errorf("ProseMirror: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
