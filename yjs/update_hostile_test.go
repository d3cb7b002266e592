package yjs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// exercise applies an update to a Doc if a Store accepts it. It compares the two and
// reads the whole document.
func exercise(t *testing.T, d *Doc, store *blocks.Store, holes *bool, update []byte) {
	t.Helper()
	before := d.Encode(blocks.V1)
	// Load, because a store takes no such update from a client.
	if err := store.Load(update, blocks.V1); err != nil {
		if d.Apply(update, blocks.V1) != nil && !bytes.Equal(before, d.Encode(blocks.V1)) {
			t.Fatal("a rejected update changed the document")
		}
		return
	}
	if err := d.Apply(update, blocks.V1); err != nil {
		t.Fatalf("rejected an update that the store accepts: %v", err)
	}
	inspect(t, d)
	encoded := d.Encode(blocks.V1)
	again := blocks.New()
	if err := again.Load(encoded, blocks.V1); err != nil {
		t.Fatalf("the encoding of a Doc does not load: %v\n%s", err, show(encoded))
	}
	if !bytes.Equal(d.StateVector(), store.StateVector()) || !bytes.Equal(again.StateVector(), store.StateVector()) {
		t.Fatalf("state vectors: Doc %x, store %x, encoded %x\n%s", d.StateVector(), store.StateVector(), again.StateVector(), show(update))
	}
	read(t, d)

	// A Doc that loads everything at once has the same elements.
	second := New()
	if err := second.Apply(encoded, blocks.V1); err != nil {
		t.Fatal(err)
	}
	inspect(t, second)
	if !bytes.Equal(second.StateVector(), d.StateVector()) {
		t.Fatalf("state vector after loading: %x, before %x", second.StateVector(), d.StateVector())
	}
	if *holes = *holes || filledHoles(d) || filledHoles(second); *holes {
		return // in which order a forged client's blocks are at one place depends on which is integrated first
	}
	if diff := cmp.Diff(shape(d), shape(second)); diff != "" {
		t.Fatalf("different lists after loading: %s\n%s", diff, show(encoded))
	}
}

// filledHoles reports whether the last Apply has filled holes.
func filledHoles(d *Doc) bool {
	return slices.ContainsFunc(d.clients, func(c *client) bool { return c.missing > 0 || len(c.filled) > 0 })
}

// shape describes the elements of all lists of roots, and which of them are deleted. It
// omits deletions in lists of keys: if the value of a key is a run of values, which no
// client writes, they depend on where the run was split.
func shape(d *Doc) map[string]string {
	all := make(map[string]string)
	list := func(name string, it *item) {
		var b strings.Builder
		for it != nil {
			first, last, gone := it, it, it.deleted() && !it.is(hasKey)
			for it = it.right; it != nil && it.client() == last.client() && it.clock == last.end() && gone == (it.deleted() && !it.is(hasKey)); it = it.right {
				last = it
			}
			fmt.Fprintf(&b, "%d:%d-%d %v, ", first.client().id, first.clock, last.end(), gone)
		}
		if b.Len() > 0 {
			all[name] = b.String()
		}
	}
	for _, root := range d.rootOrder {
		list(root.name, root.first)
		for _, e := range root.entryOrder {
			list(root.name+"/"+e.key, e.first)
		}
	}
	return all
}

// read calls all methods that read a document.
func read(t *testing.T, d *Doc) {
	t.Helper()
	valid := func(what string, text []byte, err error) {
		if err == nil && !json.Valid(text) {
			t.Fatalf("%s is no JSON: %.200s", what, text)
		}
	}
	all, err := d.MarshalJSON()
	valid("the document", all, err)
	d.Roots()
	var walk func(ty *sharedType)
	walk = func(ty *sharedType) {
		ty.delta()
		ty.xml()
		delta, err := ty.delta().MarshalJSON()
		valid("a delta", delta, err)
		nodes, err := (&XMLFragment{children{list{ty}}}).ProseMirror()
		valid("a ProseMirror document", nodes, err)
		p := printer{}
		p.shape(ty)
		valid("a type of yjs 14", p.dst, p.err)
		(&Map{ty}).Len()
		if n := int(ty.len); n < 1000 {
			values, err := list{ty}.Slice(0, n)
			if err != nil || len(values) != n {
				t.Fatalf("%d elements of %d, %v", len(values), n, err)
			}
		}
		for _, assoc := range []int{0, -1} {
			p, err := ty.relativePosition(int(ty.len)/2, assoc)
			if err != nil && !ty.isDeleted() {
				t.Fatal(err)
			}
			_, _ = d.Resolve(p)
		}
		for it := ty.first; it != nil; it = it.right {
			if it.typ() != nil {
				walk(it.typ())
			}
		}
	}
	for _, root := range d.rootOrder {
		walk(root)
	}
}

// transcribed returns the updates of each transcript.
func transcribed(t testing.TB) (all [][][]byte) {
	t.Helper()
	for _, tr := range transcripts(t) {
		var updates [][]byte
		for _, step := range tr.Steps {
			for _, u := range [][]byte{step.Apply, step.Update} {
				if u != nil {
					updates = append(updates, u)
				}
			}
		}
		all = append(all, updates)
	}
	return all
}

func FuzzApply(f *testing.F) {
	for _, updates := range transcribed(f) {
		for i := 1; i < len(updates); i += 5 {
			f.Add(updates[i-1], updates[i])
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(hostileUpdate(random), hostileUpdate(random))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d, store, holes := New(), blocks.New(), false
		exercise(t, d, store, &holes, a)
		exercise(t, d, store, &holes, b)
	})
}

// TestHostileUpdates applies updates that no client writes: blocks of all kinds that
// refer to arbitrary elements.
func TestHostileUpdates(t *testing.T) {
	for seed := range uint64(1500) {
		random := rand.New(rand.NewPCG(seed, 7))
		d, store, holes := New(), blocks.New(), false
		if random.IntN(4) == 0 {
			d = NewWith(Options{History: true})
		}
		if random.IntN(2) == 0 {
			for _, root := range []string{"a", "b"} {
				if _, err := d.root(root, Kind(1+random.IntN(7))); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 1 + random.IntN(5) {
			exercise(t, d, store, &holes, hostileUpdate(random))
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			edit(t, d, store, random)
		}
	}
}

// edit edits a document at random positions, and applies the update to another Doc and
// to the store.
func edit(t *testing.T, d *Doc, store *blocks.Store, random *rand.Rand) {
	t.Helper()
	other := New()
	if err := other.Apply(d.Encode(blocks.V1), blocks.V1); err != nil {
		t.Fatal(err)
	}
	update, err := d.Transact(func() error {
		for _, root := range d.rootOrder {
			n := int(root.len)
			at := random.IntN(n + 1)
			switch random.IntN(5) {
			case 0:
				return text{root}.Insert(at, "x😀", nil)
			case 1:
				return list{root}.Delete(at, random.IntN(n-at+1))
			case 2:
				return text{root}.Format(at, random.IntN(n-at+1), Object{{"k", NumberValue(1)}})
			case 3:
				return root.set("k", StringValue("v"))
			case 4:
				return root.insertAt(at, []Value{NumberValue(1), TypeValue(KindText, "")})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	inspect(t, d)
	if update == nil {
		return
	}
	if err := other.Apply(update, blocks.V1); err != nil {
		t.Fatalf("%v\n%s", err, show(update))
	}
	if err := store.Load(update, blocks.V1); err != nil {
		t.Fatalf("%v\n%s", err, show(update))
	}
	inspect(t, other)
	if !bytes.Equal(other.StateVector(), d.StateVector()) {
		t.Fatalf("state vectors %x and %x", other.StateVector(), d.StateVector())
	}
}

// hostileUpdate returns a random update of a few clients that refer to each other.
func hostileUpdate(random *rand.Rand) []byte {
	clients := []uint64{9, 5, 2}
	ref := func() blocks.ID {
		return blocks.ID{Client: clients[random.IntN(3)], Clock: uint64(random.IntN(12))}
	}
	var sections []byte
	count := uint64(0)
	for _, client := range clients {
		if random.IntN(5) == 0 {
			continue
		}
		count++
		clock := uint64(random.IntN(6))
		if random.IntN(2) == 0 {
			clock = 0
		}
		start, n := clock, uint64(1+random.IntN(8))
		var section []byte
		for range n {
			b := hostileBlock(random, ref)
			b.ID = blocks.ID{Client: client, Clock: clock}
			for _, r := range []*blocks.ID{&b.Origin, &b.Right, &b.Parent} {
				if r.Client == client && r.Clock >= clock {
					r.Client = clients[(random.IntN(2)+1+index(clients, client))%3]
				}
			}
			section = b.AppendTo(section)
			clock += b.Len
		}
		sections = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(sections, n), client), start)
		sections = append(sections, section...)
	}
	out := append(lib0.AppendUint(nil, count), sections...)
	out = lib0.AppendUint(out, 1)
	out = lib0.AppendUint(lib0.AppendUint(out, clients[random.IntN(3)]), 1)
	return lib0.AppendUint(lib0.AppendUint(out, uint64(random.IntN(10))), uint64(1+random.IntN(4)))
}

func index(clients []uint64, client uint64) int {
	for i, c := range clients {
		if c == client {
			return i
		}
	}
	return -1
}

// hostileBlock returns a random block with references that ref returns.
func hostileBlock(random *rand.Rand, ref func() blocks.ID) (b blocks.Block) {
	b.Len = 1
	switch random.IntN(3) {
	case 0:
		b.Origin, b.HasOrigin = ref(), true
		fallthrough
	case 1:
		b.Right, b.HasRight = ref(), random.IntN(2) == 0
	}
	if !b.HasOrigin && !b.HasRight {
		if b.InType = random.IntN(2) == 0; b.InType {
			b.Parent = ref()
		} else {
			b.Root = []byte([]string{"a", "b"}[random.IntN(2)])
		}
	}
	if random.IntN(3) == 0 {
		b.HasKey, b.Key = true, []byte([]string{"", "k", "__proto__", "7"}[random.IntN(4)])
	}
	switch b.Kind = blocks.Kind(random.IntN(11)); b.Kind {
	case blocks.KindGC, blocks.KindSkip:
		b.Len = uint64(1 + random.IntN(3))
		b.HasOrigin, b.HasRight, b.HasKey = false, false, false
	case blocks.KindDeleted:
		b.Len = uint64(1 + random.IntN(3))
	case blocks.KindJSON:
		b.Len = 2
		b.Content = lib0.AppendString(lib0.AppendString(nil, `{"a":"\ud83d"}`), "undefined")
	case blocks.KindBinary:
		b.Content = []byte{2, 1, 255}
	case blocks.KindString:
		b.Content = []byte([]string{"ab", "é😀", "😀😀", "xyz"}[random.IntN(4)])
		b.Len = lib0.UTF16Len(b.Content)
	case blocks.KindEmbed:
		b.Content = lib0.AppendString(nil, `[1,{"x":null}]`)
	case blocks.KindFormat:
		b.Content = lib0.AppendString(lib0.AppendString(nil, []string{"k", "ychange", ""}[random.IntN(3)]), []string{"null", "1", ` "x"`, `{"a":{}}`}[random.IntN(4)])
	case blocks.KindType:
		b.Content = typeContent(Kind(1+random.IntN(7)), "n")
	case blocks.KindAny:
		b.Len = 3
		b.Content = []byte{127, 126, 118, 1, 9, '_', '_', 'p', 'r', 'o', 't', 'o', '_', '_', 125, 1}
	case blocks.KindDoc:
		b.Content = []byte{1, 'g', 118, 0}
	}
	return b
}
