package yjs

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/yroom/yroom/blocks"
)

func TestErrors(t *testing.T) {
	d := New()
	a, _ := d.Array("a")
	m, _ := d.Map("m")
	text, _ := d.Text("t")
	must(t, a.Push(NumberValue(1)))
	must(t, text.Insert(0, "abc", nil))
	inner, err := m.SetText("x")
	must(t, err)
	held, _ := m.Get("x")
	deep := NullValue()
	for range 600 {
		deep = ListValue(deep)
	}
	before := d.Encode(blocks.V1)
	for i, test := range []struct{ err, want error }{
		{a.Insert(2, NullValue()), ErrRange},
		{a.Insert(-1, NullValue()), ErrRange},
		{a.Delete(0, 2), ErrRange},
		{a.Delete(1, math.MaxInt), ErrRange},
		{a.Delete(0, -1), ErrRange},
		{a.Insert(0, held), ErrValue},
		{a.Insert(0, ListValue(TypeValue(KindMap, ""))), ErrValue},
		{a.Insert(0, TypeValue(KindUnknown, "")), ErrValue},
		{a.Insert(0, TypeValue(99, "")), ErrValue},
		{a.Insert(0, deep), ErrValue},
		{a.Insert(0, SubdocumentValue("g", Object{{"guid", StringValue("other")}})), ErrValue},
		{m.Set("k", ObjectValue(Member{"__proto__", NullValue()})), ErrValue},
		{text.Insert(4, "x", nil), ErrRange},
		{text.Insert(4, "", nil), ErrRange},
		{text.Insert(0, "x", Object{{"a", deep}}), ErrValue},
		{text.Format(2, 2, nil), ErrRange},
		{text.Format(0, 1, Object{{"a", TypeValue(KindMap, "")}}), ErrValue},
		{text.InsertEmbed(0, Value{}, nil), ErrValue},
		{text.Delete(3, 1), ErrRange},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%d: %v, want %v", i, test.err, test.want)
		}
	}
	if _, err := a.Get(1); !errors.Is(err, ErrRange) {
		t.Errorf("Get: %v", err)
	}
	if _, err := a.Slice(1, 0); !errors.Is(err, ErrRange) {
		t.Errorf("Slice: %v", err)
	}
	if _, err := text.RelativePosition(4, 0); !errors.Is(err, ErrRange) {
		t.Errorf("RelativePosition: %v", err)
	}
	if !bytes.Equal(before, d.Encode(blocks.V1)) {
		t.Error("a rejected edit changed the document")
	}

	must(t, m.Delete("x"))
	for i, err := range []error{
		inner.Insert(0, "x", nil), inner.Delete(0, 0), inner.Format(0, 0, nil), inner.ApplyDelta(nil), inner.SetAttribute("x", NullValue()),
		inner.RemoveAttribute("x"),
	} {
		if !errors.Is(err, ErrDeleted) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := inner.RelativePosition(0, 0); !errors.Is(err, ErrDeleted) {
		t.Errorf("RelativePosition: %v", err)
	}
	if inner.Len() != 0 || inner.String() != "" || inner.Delta() != nil {
		t.Errorf("a deleted text contains %q", inner.String())
	}
}
