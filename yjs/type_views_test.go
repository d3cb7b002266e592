package yjs

import "testing"

// TestViews reads and edits XML types as yjs 14 uses them: as texts, arrays and maps.
func TestViews(t *testing.T) {
	d := NewWith(Options{ClientID: 1<<53 - 2})
	f, err := d.XMLFragment("doc")
	must(t, err)
	p, err := f.InsertElement(0, "p")
	must(t, err)
	text := p.AsText()
	bold := Object{{"strong", ObjectValue()}}
	must(t, text.Insert(0, "hello ", nil))
	must(t, text.Insert(6, "world", bold))
	must(t, text.InsertEmbed(11, TypeValue(KindXMLElement, "img"), Object{{"em", ObjectValue()}}))
	must(t, p.SetAttribute("level", NumberValue(2)))
	must(t, text.Delete(0, 1))
	if got, want := text.String(), "ello world"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got, want := marshaled(t, text.Delta()), `[{"insert":"ello "},{"insert":"world","attributes":{"strong":{}}},{"insert":"<img></img>","attributes":{"em":{}}}]`; got != want {
		t.Errorf("delta %s, want %s", got, want)
	}
	if got, want := f.String(), `<p level="2">ello world<img></img></p>`; got != want {
		t.Errorf("XML %s, want %s", got, want)
	}
	pm, err := f.ProseMirror()
	must(t, err)
	want := `{"type":"doc","content":[{"type":"p","attrs":{"level":2},"content":[{"type":"text","text":"ello "},` +
		`{"type":"text","text":"world","marks":[{"type":"strong","attrs":{}}]},{"type":"img","marks":[{"type":"em","attrs":{}}]}]}]}`
	if got := string(pm); got != want {
		t.Errorf("ProseMirror\n%s, want\n%s", got, want)
	}

	rows, err := d.Array("rows")
	must(t, err)
	must(t, rows.Push(TypeValue(KindXMLFragment, ""), TypeValue(KindXMLFragment, ""), TypeValue(KindXMLElement, "e"), TypeValue(KindXMLFragment, "")))
	fragment := func(i int) *XMLFragment {
		v, err := rows.Get(i)
		must(t, err)
		f, ok := v.XMLFragment()
		if !ok {
			t.Fatalf("%v is no fragment", v)
		}
		return f
	}
	must(t, fragment(0).AsMap().Set("name", StringValue("Ada")))
	must(t, fragment(0).AsMap().Set("empty", TypeValue(KindXMLFragment, "")))
	must(t, fragment(1).AsArray().Push(NumberValue(1), TypeValue(KindXMLElement, "b")))
	must(t, fragment(1).AsText().Insert(0, "two", nil))
	must(t, fragment(3).AsText().Insert(0, "text", bold))
	if got, want := marshaled(t, d), `{"doc":"<p level=\"2\">ello world<img></img></p>","rows":[{"attrs":{"name":"Ada","empty":{}}},{"children":["two",1,{"name":"b"}]},"<e></e>","text"]}`; got != want {
		t.Errorf("JSON\n%s, want\n%s", got, want)
	}
	if got := marshaled(t, reread(t, d)); got != marshaled(t, d) {
		t.Errorf("read again: %s", got)
	}
}
