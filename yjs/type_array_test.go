package yjs

import (
	"math"
	"testing"
)

func TestArray(t *testing.T) {
	d := New()
	a, err := d.Array("a")
	must(t, err)
	must(t, a.Push(NumberValue(1), StringValue("two"), BytesValue([]byte{3}), NullValue()))
	must(t, a.Insert(1, Value{}, BigIntValue(math.MaxInt64)))
	inner, err := a.InsertArray(0)
	must(t, err)
	must(t, inner.Push(BoolValue(true)))
	text, err := a.InsertText(1)
	must(t, err)
	must(t, text.Insert(0, "x", nil))
	m, err := a.InsertMap(a.Len())
	must(t, err)
	must(t, m.Set("k", NumberValue(-0.5)))
	must(t, a.Push(SubdocumentValue("guid", Object{{"autoLoad", BoolValue(true)}})))
	want := `[[true],"x",1,null,9223372036854775807,"two",{"0":3},null,{"k":-0.5},{}]`
	if got := marshaled(t, a); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	values, err := a.Slice(2, 5)
	must(t, err)
	if got := ListValue(values...).String(); got != `[1,null,9223372036854775807]` {
		t.Errorf("slice %s", got)
	}
	for i, v := range a.All() {
		if got, err := a.Get(i); err != nil || got.String() != v.String() {
			t.Errorf("element %d is %v, %v; and %v", i, got, err, v)
		}
	}
	v, _ := a.Get(a.Len() - 1)
	if guid, options, ok := v.AsSubdocument(); !ok || guid != "guid" || options.Get("autoLoad").String() != "true" {
		t.Errorf("subdocument %q %v %v", guid, options, ok)
	}
	must(t, a.Delete(1, 8))
	if got, want := marshaled(t, a), `[[true],{}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	inspect(t, d)
}
