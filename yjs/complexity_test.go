package yjs

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// TestTimeIsLinear applies, edits and reads what would take more than linear time in
// naive code. It has a run of its own in make test, without the race detector.
func TestTimeIsLinear(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, n int) (work func()){
		"roots":   manyRoots,
		"formats": manyFormats,
		"values of a key around a value that is split": manyValues,
		"deletions in a text without an index":         manyDeletions,
		"pending clients":                              manyPendingClients,
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Linear(t, 6_250, func(n uint64) func() { return prepare(t, int(n)) })
		})
	}
}

func manyRoots(t *testing.T, n int) func() {
	var all []blocks.Block
	for i := range n {
		b := stringBlock("x")
		b.Root = fmt.Append(nil, i)
		all = append(all, b)
	}
	u := chained(all...)
	return func() {
		if got := len(applied(t, u).Roots()); got != n {
			t.Errorf("%d roots", got)
		}
	}
}

func manyFormats(t *testing.T, n int) func() {
	var all []blocks.Block
	for i := range n {
		all = append(all, formatBlock(fmt.Sprint("k", i), "1"))
	}
	for i := range n / 2 {
		all = append(all, formatBlock(fmt.Sprint("k", i), "null"))
	}
	few := chained(append(slices.Clone(all), stringBlock("x"))...)
	for i := range n / 5 {
		all = append(all, formatBlock("n", fmt.Sprint(i)), stringBlock("x"))
	}
	u := chained(all...)
	return func() {
		known := New()
		must(t, second(known.Text("t"))) // formats are cleaned up only in requested roots
		must(t, known.Apply(u, blocks.V1))

		text, err := applied(t, few).Text("t")
		must(t, err)
		if got := len(text.Delta()[0].Attributes); got != n/2 {
			t.Errorf("%d formats are in effect", got)
		}
		must(t, text.Insert(1, "y", nil))
		must(t, text.Insert(2, "z", Object{}))
		must(t, text.Format(0, 3, Object{{fmt.Sprint("k", n-1), NullValue()}}))
		must(t, text.Delete(0, 3))
		if got := text.String(); got != "" {
			t.Errorf("after deleting everything: %q", got)
		}
	}
}

func manyValues(t *testing.T, n int) func() {
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
			b = value(&blocks.ID{Client: 3, Clock: uint64(n) + i}, nil)
		}
		all = append(all, b)
	}
	pair := blocks.Block{
		Kind: blocks.KindAny, Len: 2, Content: []byte{lib0.AnyNull, lib0.AnyNull},
		Root: []byte("t"), HasKey: true, Key: []byte("k"),
	}
	formatted := chained(stringBlock("x"), formatBlock("b", "true"))
	updates := [][]byte{formatted, by(2, 0, pair), by(3, 0, value(&first, &second)), by(3, 1, all...)}
	return func() {
		d := New()
		text, err := d.Text("t") // formats are cleaned up only in requested roots
		must(t, err)
		for _, u := range updates {
			must(t, d.Apply(u, blocks.V1))
		}
		if got := len(text.Attributes()); got != 1 {
			t.Errorf("%d attributes", got)
		}
	}
}

func manyDeletions(t *testing.T, n int) func() {
	var all []blocks.Block
	for range n {
		all = append(all, stringBlock("x"), formatBlock("b", "true"), formatBlock("b", "null"))
	}
	u := chained(all...)
	gone := lib0.AppendUint([]byte{0, 1, 1}, uint64(n))
	for i := range uint64(n) {
		gone = append(lib0.AppendUint(gone, 3*i), 1)
	}
	return func() {
		d := New()
		text, err := d.Text("t")
		must(t, err)
		must(t, d.Apply(u, blocks.V1))
		must(t, d.Apply(gone, blocks.V1))
		if got := text.Len(); got > 0 || text.t.indexed {
			t.Errorf("%d characters are left; indexed: %v", got, text.t.indexed)
		}
	}
}

func manyPendingClients(t *testing.T, n int) func() {
	far := uint64(10 * n)
	out := lib0.AppendUint(nil, 2*uint64(n))
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
	out = append(out, 0)
	return func() {
		d := applied(t, out)
		must(t, d.Apply(testkit.TypedIn("t", 9, 0, "x"), blocks.V1)) // the first of the others depends on this
		text, err := d.Text("t")
		must(t, err)
		if got := text.Len(); got != n+1 {
			t.Errorf("%d of %d elements are integrated", got, n+1)
		}
	}
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
	if err := Try(out); !errors.Is(err, ErrWork) {
		t.Errorf("Try: %v", err)
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
