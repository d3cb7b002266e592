package yjs

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
)

func TestRoots(t *testing.T) {
	made := NewWith(Options{ClientID: 1})
	text, _ := made.Text("text")
	must(t, text.Insert(0, "x", Object{{"b", BoolValue(true)}}))
	array, _ := made.Array("2")
	must(t, array.Push(NumberValue(1)))
	m, _ := made.Map("map")
	must(t, m.Set("k", NullValue()))
	f, _ := made.XMLFragment("fragment")
	_, err := f.InsertElement(0, "p")
	must(t, err)
	e, _ := made.XMLElement("element")
	must(t, e.SetAttribute("a", StringValue("b")))
	_, err = e.InsertText(0)
	must(t, err)
	types, _ := made.Array("types")
	_, err = types.InsertMap(0)
	must(t, err)
	empty, _ := made.Array("emptied")
	must(t, empty.Push(NumberValue(1)))
	must(t, empty.Delete(0, 1))

	d := New()
	must(t, d.Apply(made.Encode(blocks.V2), blocks.V2))
	want := []Root{
		{"text", KindText},
		{"2", KindArray},
		{"map", KindMap},
		{"fragment", KindXMLFragment},
		{"element", KindXMLElement},
		{"types", KindArray},
		{"emptied", KindUnknown},
	}
	if diff := cmp.Diff(want, d.Roots()); diff != "" {
		t.Errorf("roots: %s", diff)
	}
	if got, want := marshaled(t, d), `{"2":[1],"text":"x","map":{"k":null},"fragment":"<p></p>","element":"<element a=\"b\"></element>","types":[{}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got, err := d.JSON(map[string]Kind{"text": KindXMLText, "emptied": KindArray, "none": KindMap, "gone": KindUnknown})
	want2 := `{"2":[1],"text":"<b>x</b>","map":{"k":null},"fragment":"<p></p>","element":"<element a=\"b\"></element>","types":[{}],"emptied":[],"none":{}}`
	if err != nil || string(got) != want2 {
		t.Errorf("got %s, %v, want %s", got, err, want2)
	}
	if r, ok := d.Root("text"); !ok || r.Kind != KindText {
		t.Errorf("root %v, %v", r, ok)
	}
	if r, ok := d.Root("none"); ok {
		t.Errorf("root %v", r)
	}

	// A root can be requested as any kind, whatever its content is, but only once.
	ask := map[Kind]func(string) error{
		KindText:        func(name string) error { _, err := d.Text(name); return err },
		KindXMLText:     func(name string) error { _, err := d.XMLText(name); return err },
		KindArray:       func(name string) error { _, err := d.Array(name); return err },
		KindMap:         func(name string) error { _, err := d.Map(name); return err },
		KindXMLFragment: func(name string) error { _, err := d.XMLFragment(name); return err },
		KindXMLElement:  func(name string) error { _, err := d.XMLElement(name); return err },
	}
	holds := map[string][]Kind{
		"text":     {KindText, KindXMLText},
		"2":        {KindArray},
		"map":      {KindMap, KindXMLElement},
		"fragment": {KindArray, KindXMLFragment, KindXMLElement},
		"element":  {KindArray, KindMap, KindXMLFragment, KindXMLElement},
		"types":    {KindArray},
		"emptied":  {KindText, KindXMLText, KindArray, KindMap, KindXMLFragment, KindXMLElement},
		"new":      {KindText, KindXMLText, KindArray, KindMap, KindXMLFragment, KindXMLElement},
	}
	for name, kinds := range holds {
		for k, f := range ask {
			d = New()
			must(t, d.Apply(made.Encode(blocks.V1), blocks.V1))
			if got, want := d.Holds(name, k), slices.Contains(kinds, k); got != want {
				t.Errorf("%s holds something of %s: %v, want %v", name, k, got, want)
			}
			if err := f(name); err != nil {
				t.Errorf("%s as %s: %v", name, k, err)
			}
			for other, g := range ask {
				if err := g(name); other != k && !errors.Is(err, ErrType) {
					t.Errorf("%s as %s and then as %s: %v", name, k, other, err)
				}
			}
		}
	}
}

// TestRootsOfMixedContent infers the kinds of roots with content of several kinds.
func TestRootsOfMixedContent(t *testing.T) {
	number, object := block(blocks.KindAny, "\x7d\x01"), block(blocks.KindEmbed, "\x02{}")
	bold, plain := formatBlock("b", "true"), formatBlock("b", "null")
	element, array := block(blocks.KindType, "\x03\x01p"), block(blocks.KindType, "\x00")
	fragment := block(blocks.KindType, "\x04")
	for _, test := range []struct {
		want Kind
		all  []blocks.Block
	}{
		{KindText, []blocks.Block{number, stringBlock("x")}},
		{KindText, []blocks.Block{array, object}},
		{KindText, []blocks.Block{element, stringBlock("x")}},
		{KindText, []blocks.Block{bold, array, plain}},
		{KindText, []blocks.Block{bold, plain}},
		{KindXMLFragment, []blocks.Block{bold, element, plain}},
		{KindArray, []blocks.Block{array, element}},
		{KindArray, []blocks.Block{number, element}},
		{KindArray, []blocks.Block{bold, number, plain}},
		{KindArray, []blocks.Block{fragment, fragment}},
	} {
		d := applied(t, chained(test.all...))
		if got := d.Roots(); len(got) != 1 || got[0].Kind != test.want {
			t.Errorf("%v: got %v, want %s", test.all, got, test.want)
		}
	}
}
