package yjs

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// TestLinearTime does work that takes two seconds, but minutes if it grows with the
// square of the input.
func TestLinearTime(t *testing.T) {
	testkit.SkipUnderRace(t)
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
		must(t, second(known.Text("t"))) // formats are cleaned up only in requested roots
		must(t, known.Apply(chained(all...), blocks.V1))

		all = all[:n*3/2]
		d := applied(t, chained(append(all, stringBlock("x"))...))
		text, err := d.Text("t")
		must(t, err)
		if got := len(text.Delta()[0].Attributes); got != n/2 {
			t.Errorf("%d formats are in effect", got)
		}
		must(t, text.Insert(1, "y", nil))
		must(t, text.Insert(2, "z", Object{}))
		must(t, text.Format(0, 3, Object{{"k49999", NullValue()}}))
		must(t, text.Delete(0, 3))
		if got := text.String(); got != "" {
			t.Errorf("after deleting everything: %q", got)
		}
	})
	t.Run("values of a key around a value that is split", func(t *testing.T) {
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
		text, err := d.Text("t") // formats are cleaned up only in requested roots
		must(t, err)
		formatted := chained(stringBlock("x"), formatBlock("b", "true"))
		for _, u := range [][]byte{formatted, by(2, 0, pair), by(3, 0, value(&first, &second)), by(3, 1, all...)} {
			must(t, d.Apply(u, blocks.V1))
		}
		if got := len(text.Attributes()); got != 1 {
			t.Errorf("%d attributes", got)
		}
	})
	t.Run("deletions in a text without an index", func(t *testing.T) {
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
	t.Run("pending clients", func(t *testing.T) {
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
			client(far+i, far+i+1) // the last of them never arrives
			client(10+i, 10+i-1, far)
		}
		d := applied(t, append(out, 0))
		must(t, d.Apply(testkit.TypedIn("t", 9, 0, "x"), blocks.V1)) // the first of the others depends on this
		text, err := d.Text("t")
		must(t, err)
		if got := text.Len(); got != n+1 {
			t.Errorf("%d of %d elements are integrated", got, n+1)
		}
	})
}

// TestTooManyConflicts inserts items of one client at the start of a text, each of them
// before another item.
func TestTooManyConflicts(t *testing.T) {
	testkit.SkipUnderRace(t)
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
	// The document still has all elements.
	again := blocks.New()
	must(t, again.Load(d.Encode(blocks.V1), blocks.V1))
	if got, want := again.StateVector(), []byte{2, 2, 0x98, 0x75, 1, 0x98, 0x75}; !slices.Equal(got, want) {
		t.Errorf("state vector %x, want %x", got, want)
	}
}
