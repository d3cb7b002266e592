package blocks

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/lib0"
)

// everyKind returns blocks of one client, of each kind and with each kind of
// reference.
func everyKind() []Block {
	str := func(s string) []byte { return lib0.AppendString(nil, s) }
	all := []Block{
		{Kind: KindGC, Len: 2},
		{Kind: KindDeleted, Len: 3, Root: []byte("r")},
		{Kind: KindJSON, Len: 2, HasOrigin: true, Content: append(str(`{"a":1}`), str("undefined")...)},
		{Kind: KindBinary, Len: 1, HasRight: true, Content: str("\x00\xff")},
		{Kind: KindString, Len: 3, HasOrigin: true, HasRight: true, Content: []byte("a😀")},
		{Kind: KindEmbed, Len: 1, InType: true, Content: str("{}")},
		{Kind: KindFormat, Len: 1, Root: []byte("r"), Content: append(str("b"), str("null")...)},
		{Kind: KindType, Len: 1, InType: true, HasKey: true, Key: []byte(""), Content: append([]byte{typeXMLElement}, str("p")...)},
		{Kind: KindAny, Len: 2, Root: []byte(""), HasKey: true, Key: []byte("k"), Content: []byte{126, 127}},
		{Kind: KindDoc, Len: 1, HasOrigin: true, Content: append(str("guid"), 118, 0)},
		{Kind: KindSkip, Len: 4},
		{Kind: KindString, Len: 1, HasOrigin: true, Content: []byte("z")},
	}
	clock := uint64(5)
	for i := range all {
		b := &all[i]
		b.ID = ID{7, clock}
		b.Left = uint64(len(all) - i - 1)
		if b.HasOrigin {
			b.Origin = ID{7, clock - 1}
		}
		if b.HasRight {
			b.Right = ID{9, 1}
		}
		if b.InType {
			b.Parent = ID{3, 4}
		}
		clock += b.Len
	}
	return all
}

func TestParse(t *testing.T) {
	want := everyKind()
	update := lib0.AppendUint([]byte{1}, uint64(len(want)))
	update = append(update, 7, 5)
	for i := range want {
		update = want[i].AppendTo(update)
	}
	update = append(update, 2, 9, 1, 0, 3, 7, 2, 1, 1, 4, 2)

	var got []Block
	deleted, err := Parse(update, V1, func(b *Block) {
		c := *b
		// Fields that the block doesn't have may still have the values of the last
		// block.
		if !c.HasOrigin {
			c.Origin = ID{}
		}
		if !c.HasRight {
			c.Right = ID{}
		}
		if !c.InType {
			c.Parent = ID{}
		}
		got = append(got, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Errorf("blocks: %s", diff)
	}
	var spans []uint64
	for first, n := range deleted {
		spans = append(spans, first.Client, first.Clock, n)
	}
	if diff := cmp.Diff([]uint64{9, 0, 3, 7, 1, 1, 7, 4, 2}, spans); diff != "" {
		t.Errorf("deletions: %s", diff)
	}

	// Parse must refuse what a Store refuses, and what Convert changes.
	random := rand.New(rand.NewPCG(1, 1))
	refused := 0
	for range 20_000 {
		bad := bytes.Clone(update)
		bad[random.IntN(len(bad))] = byte(random.IntN(256))
		if random.IntN(4) == 0 {
			bad = bad[:random.IntN(len(bad))]
		}
		_, err := Parse(bad, V1, func(*Block) {})
		storeErr := New().Load(bad, V1)
		if tidy, _ := Convert(V1, V1, bad); storeErr == nil && !bytes.Equal(tidy, bad) {
			_, storeErr = Parse(tidy, V1, func(*Block) {})
			if storeErr != nil {
				t.Fatalf("%x: Convert returns %x: %v", bad, tidy, storeErr)
			}
			storeErr = ErrMalformed
		}
		if (err == nil) != (storeErr == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("%x: %v, a store says %v", bad, err, storeErr)
		}
		if err != nil {
			refused++
		}
	}
	if refused < 1000 || refused > 19_000 {
		t.Errorf("%d of 20000 refused", refused)
	}
}
