package yjs

import (
	"errors"
	"testing"
)

func TestProseMirror(t *testing.T) {
	d := New()
	f, err := d.XMLFragment("prosemirror")
	must(t, err)
	h, err := f.InsertElement(0, "heading")
	must(t, err)
	must(t, h.SetAttribute("level", NumberValue(1)))
	text, err := h.InsertText(0)
	must(t, err)
	must(t, text.Insert(0, "plain", Object{}))
	must(t, text.Insert(5, "marked", Object{{"strong", ObjectValue()}, {"comment--AbCd0+/=", ObjectValue(Member{"id", NumberValue(7)})}, {"no--mark", BoolValue(true)}}))
	_, err = h.InsertElement(1, "br")
	must(t, err)
	_, err = f.InsertText(1)
	must(t, err)
	got, err := f.ProseMirror()
	must(t, err)
	want := `{"type":"doc","content":[{"type":"heading","attrs":{"level":1},"content":[{"type":"text","text":"plain"},` +
		`{"type":"text","text":"marked","marks":[{"type":"strong","attrs":{}},{"type":"comment","attrs":{"id":7}},{"type":"no--mark","attrs":true}]},{"type":"br"}]},[]]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	must(t, f.Insert(0, TypeValue(KindXMLHook, "h")))
	if _, err := f.ProseMirror(); !errors.Is(err, ErrType) {
		t.Errorf("with a hook: %v", err)
	}
}
