package yjs

import (
	"errors"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestRelativePositionsAfterLoading resolves positions in a document that was just
// loaded, whose roots have no kind until they are requested. The start and the end of a
// deleted passage resolve to the same index.
func TestRelativePositionsAfterLoading(t *testing.T) {
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
		t.Errorf("after the root was requested: %+v, %v", from, err)
	}
	must(t, text.Delete(1, 4))
	if from, to, _ = resolved(); from.Index != 1 || to.Index != 1 {
		t.Errorf("after deletion: from %+v to %+v", from, to)
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
		t.Errorf("at a deleted element: %+v, %v", at, err)
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
		{RelativePosition{name: "missing", hasName: true}, ErrPosition},
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
		t.Error("the zero value has an encoding")
	}
}
