package yjs

import (
	"testing"
)

func TestText(t *testing.T) {
	d := New()
	text, err := d.Text("t")
	must(t, err)
	bold := Object{{"bold", BoolValue(true)}}
	must(t, text.Insert(0, "hello", nil))
	must(t, text.Insert(5, " 😀!", bold))
	must(t, text.Format(0, 2, Object{{"2", NumberValue(1)}, {"1", StringValue("x")}}))
	must(t, text.InsertEmbed(1, ObjectValue(Member{"image", StringValue("a.png")}), nil))
	must(t, text.InsertEmbed(9, TypeValue(KindMap, ""), Object{}))
	if got, want := text.Len(), 11; got != want {
		t.Errorf("length %d, want %d", got, want)
	}
	if got, want := text.String(), "hello 😀!"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	want := `[{"insert":"h","attributes":{"1":"x","2":1}},{"insert":{"image":"a.png"}},{"insert":"e","attributes":{"1":"x","2":1}},` +
		`{"insert":"llo"},{"insert":" 😀","attributes":{"bold":true}},{"insert":{}},{"insert":"!","attributes":{"bold":true}}]`
	if got := marshaled(t, text.Delta()); got != want {
		t.Errorf("delta\n%s\nwant\n%s", got, want)
	}
	must(t, text.Delete(1, 1))
	must(t, text.Delete(6, 1)) // half of the emoji
	if got, want := text.String(), "hello \ufffd!"; got != want {
		t.Errorf("after the emoji was split: %q, want %q", got, want)
	}
	must(t, text.SetAttribute("dir", StringValue("rtl")))
	if v, ok := text.Attribute("dir"); !ok || v.String() != `"rtl"` {
		t.Errorf("attribute %v, %v", v, ok)
	}
	must(t, text.RemoveAttribute("dir"))
	must(t, text.RemoveAttribute("dir"))
	if got := text.Attributes(); len(got) != 0 {
		t.Errorf("attributes %v", got)
	}
	inspect(t, d)
}
