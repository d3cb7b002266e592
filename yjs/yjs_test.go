package yjs

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func marshaled(t *testing.T, v interface{ MarshalJSON() ([]byte, error) }) string {
	t.Helper()
	text, err := v.MarshalJSON()
	must(t, err)
	return string(text)
}

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
		t.Errorf("after the emoji was cut: %q, want %q", got, want)
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

func TestApplyDelta(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	bold := Object{{"bold", BoolValue(true)}}
	must(t, text.ApplyDelta(Delta{{Insert: StringValue("hello"), Attributes: bold}, {Insert: StringValue(" you")}}))
	must(t, text.ApplyDelta(Delta{{Retain: 1}, {Delete: 4}, {Insert: StringValue("i")}, {Retain: 5, Attributes: bold}}))
	if got, want := marshaled(t, text.Delta()), `[{"insert":"h","attributes":{"bold":true}},{"insert":"i"},{"insert":" you\n","attributes":{"bold":true}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	before := d.Encode(blocks.V1)
	for _, bad := range []Delta{
		{{Retain: 9}},
		{{Delete: 8}},
		{{Delete: -1}},
		{{Retain: 4}, {Delete: 4}},
		{{Retain: 8}, {Insert: StringValue("x")}},
	} {
		if err := text.ApplyDelta(bad); !errors.Is(err, ErrRange) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := text.ApplyDelta(Delta{{Insert: StringValue("x")}, {Insert: SubdocumentValue("g", nil)}}); !errors.Is(err, ErrValue) {
		t.Errorf("a document as an embed: %v", err)
	}
	if !bytes.Equal(before, d.Encode(blocks.V1)) {
		t.Error("a delta that is refused changed the text")
	}
}

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

func TestMap(t *testing.T) {
	d := New()
	m, err := d.Map("m")
	must(t, err)
	for _, key := range []string{"b", "", "10", "a", "9", "01", "-1", "4294967295"} {
		must(t, m.Set(key, StringValue(key)))
	}
	must(t, m.Set("b", NumberValue(2)))
	must(t, m.Delete("a"))
	must(t, m.Delete("nobody"))
	must(t, m.Set("__proto__", NumberValue(1)))
	must(t, m.Set("undefined", Value{}))
	inner, err := m.SetMap("map")
	must(t, err)
	must(t, inner.Set("x", ListValue(NullValue(), Value{})))
	_, err = m.SetText("text")
	must(t, err)
	_, err = m.SetArray("array")
	must(t, err)
	want := `{"9":"9","10":"10","b":2,"":"","01":"01","-1":"-1","4294967295":"4294967295","map":{"x":[null,null]},"text":"","array":[]}`
	if got := marshaled(t, m); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var keys []string
	for key := range m.All() {
		keys = append(keys, key)
	}
	if diff := cmp.Diff([]string{"b", "", "10", "9", "01", "-1", "4294967295", "__proto__", "undefined", "map", "text", "array"}, keys); diff != "" || m.Len() != len(keys) {
		t.Errorf("keys, %d of them: %s", m.Len(), diff)
	}
	if v, ok := m.Get("b"); !ok || v.String() != "2" {
		t.Errorf("b is %v, %v", v, ok)
	}
	if v, ok := m.Get("a"); ok {
		t.Errorf("a is %v", v)
	}
}

func TestXML(t *testing.T) {
	d := New()
	e, err := d.XMLElement("xml_element")
	must(t, err)
	if got := e.String(); got != "<xml_element></xml_element>" {
		t.Errorf("empty: %s", got)
	}
	p, err := e.InsertElement(0, "P")
	must(t, err)
	text, err := p.InsertText(0)
	must(t, err)
	must(t, text.Insert(0, "hello", nil))
	tail, err := e.InsertText(1)
	must(t, err)
	must(t, tail.Insert(0, "world", nil))
	if got, want := e.String(), "<xml_element><p>hello</p>world</xml_element>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	must(t, p.SetAttribute("b", NumberValue(math.Inf(-1))))
	must(t, p.SetAttribute("a\U0001f600", StringValue(`"<&`)))
	must(t, p.SetAttribute("a\uffff", ListValue(NumberValue(1), NullValue(), ListValue(StringValue("x")))))
	must(t, text.Format(1, 3, Object{{"i", BoolValue(true)}, {"a", ObjectValue(Member{"href", StringValue("/")}, Member{"alt", NullValue()})}, {"s", StringValue("y😀")}}))
	must(t, text.InsertEmbed(2, ObjectValue(), nil))
	want := `<p a😀=""<&" a` + "\uffff" + `="1,,x" b="-Infinity">h<a alt="null" href="/"><i><s 0="y" 1="` + "\ufffd" + `" 2="` + "\ufffd" + `">e</s></i></a>` +
		`[object Object]<a alt="null" href="/"><i><s 0="y" 1="` + "\ufffd" + `" 2="` + "\ufffd" + `">ll</s></i></a>o</p>`
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := marshaled(t, p); !strings.Contains(got, `1=\"\ud83d\" 2=\"\ude00\"`) {
		t.Errorf("halves of a pair in JSON: %s", got)
	}
	if v, ok := p.Attribute("b"); !ok || v.String() != "null" {
		t.Errorf("attribute b: %v, %v", v, ok)
	}
	must(t, p.RemoveAttribute("b"))
	if got := len(p.Attributes()); got != 2 {
		t.Errorf("%d attributes", got)
	}
	if err := e.Insert(0, StringValue("no node")); !errors.Is(err, ErrValue) {
		t.Errorf("a string as a node: %v", err)
	}
	must(t, e.Insert(2, TypeValue(KindXMLHook, "hook"), TypeValue(KindXMLElement, "İ")))
	if got, want := e.String()[len(e.String())-len("[object Object]<i\u0307></i\u0307></xml_element>"):], "[object Object]<i\u0307></i\u0307></xml_element>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v, _ := e.Get(2)
	if hook, ok := v.XMLHook(); !ok || hook.Name() != "hook" || marshaled(t, hook) != "{}" {
		t.Errorf("%v is no hook", v)
	}
	inspect(t, d)
}

// TestHalfAPairAsAFormat has the value of a format that is no text in UTF-8.
func TestHalfAPairAsAFormat(t *testing.T) {
	d := applied(t, chained(formatBlock("b", `"x\ud83d"`), stringBlock("x")))
	text, err := d.XMLText("t")
	must(t, err)
	if got, want := text.String(), `<b 0="x" 1="`+"\ufffd"+`">x</b>`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := marshaled(t, text), `"<b 0=\"x\" 1=\"\ud83d\">x</b>"`; got != want {
		t.Errorf("in JSON: got %s, want %s", got, want)
	}
}

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

func TestValuesAsJSON(t *testing.T) {
	for _, test := range []struct {
		value Value
		want  string
	}{
		{Value{}, "null"},
		{NumberValue(math.NaN()), "null"},
		{NumberValue(math.Copysign(0, -1)), "0"},
		{NumberValue(1e21), "1e+21"},
		{NumberValue(1e-7), "1e-7"},
		{NumberValue(123456789012345680000), "123456789012345680000"},
		{NumberValue(0.1), "0.1"},
		{BigIntValue(math.MinInt64), "-9223372036854775808"},
		{StringValue("a\"\\\n\x01\u2028é\xff"), `"a\"\\\n\u0001` + "\u2028é\ufffd\""},
		{ObjectValue(Member{"b", NumberValue(1)}, Member{"2", Value{}}, Member{"1", BoolValue(false)}, Member{"b", StringValue("x")}), `{"1":false,"b":"x"}`},
		{SubdocumentValue("g", nil), "{}"},
		{TypeValue(KindArray, ""), "[]"},
		{TypeValue(KindXMLElement, "P"), `"<p></p>"`},
	} {
		if got := test.value.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestParseJSON(t *testing.T) {
	for in, want := range map[string]string{
		` [1.50, 1e3, -0, 1e999, true , null, {}, [ ] ] `:      `[1.5,1000,0,null,true,null,{},[]]`,
		`{"a":1, "2" : 2,"a": {"__proto__": 3}}`:               `{"2":2,"a":{"__proto__":3}}`,
		`"\ud83d\ude00 \ud83d \ude00x \u00e9\/\b\f\n\r\t\"\\"`: "\"😀 \\ud83d \\ude00x é/\\b\\f\\n\\r\\t\\\"\\\\\"",
		`"plain"`: `"plain"`,
	} {
		v, err := ParseJSON([]byte(in))
		if got := v.String(); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "{", "undefined", "1 2", "[1,]", strings.Repeat("[", 513) + strings.Repeat("]", 513)} {
		if _, err := ParseJSON([]byte(bad)); !errors.Is(err, ErrValue) {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
	v, _ := ParseJSON([]byte(`"\ud800x"`))
	if s, ok := v.AsString(); !ok || s != "\ufffdx" {
		t.Errorf("half a pair is %q", s)
	}
}

func TestAccessors(t *testing.T) {
	values := []Value{
		{},
		NullValue(), BoolValue(true), NumberValue(1), BigIntValue(1), StringValue("x"), BytesValue([]byte("x")),
		ListValue(NullValue()), ObjectValue(), TypeValue(KindMap, ""), SubdocumentValue("x", nil),
	}
	for i, v := range values {
		if v.Kind() != ValueKind(i) {
			t.Errorf("value %d is of kind %d", i, v.Kind())
		}
		var yes []bool
		for _, ok := range []func() bool{
			func() bool { return v.Kind() == ValueKindUndefined },
			func() bool { return v.Kind() == ValueKindNull },
			func() bool { _, ok := v.AsBool(); return ok },
			func() bool { _, ok := v.AsNumber(); return ok },
			func() bool { _, ok := v.AsBigInt(); return ok },
			func() bool { _, ok := v.AsString(); return ok },
			func() bool { _, ok := v.AsBytes(); return ok },
			func() bool { _, ok := v.AsList(); return ok },
			func() bool { _, ok := v.AsObject(); return ok },
			func() bool { return v.TypeKind() == KindMap },
			func() bool { _, _, ok := v.AsSubdocument(); return ok },
		} {
			yes = append(yes, ok())
		}
		if slices.Index(yes, true) != i || slices.Contains(yes[i+1:], true) {
			t.Errorf("value %d is %v", i, yes)
		}
		if _, ok := v.Map(); ok {
			t.Error("a type that is in no document was given out")
		}
	}
}

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
		t.Error("an edit that is refused changed the document")
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
		t.Errorf("a deleted text holds %q", inner.String())
	}
}

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

	// What a root holds must not contradict what it is asked for as.
	ask := map[Kind]func(string) error{
		KindText:        func(name string) error { _, err := d.Text(name); return err },
		KindXMLText:     func(name string) error { _, err := d.XMLText(name); return err },
		KindArray:       func(name string) error { _, err := d.Array(name); return err },
		KindMap:         func(name string) error { _, err := d.Map(name); return err },
		KindXMLFragment: func(name string) error { _, err := d.XMLFragment(name); return err },
		KindXMLElement:  func(name string) error { _, err := d.XMLElement(name); return err },
	}
	fits := map[string][]Kind{
		"text":     {KindText, KindXMLText},
		"2":        {KindArray},
		"map":      {KindText, KindXMLText, KindMap, KindXMLElement},
		"fragment": {KindText, KindXMLText, KindArray, KindXMLFragment, KindXMLElement},
		"element":  {KindText, KindXMLText, KindArray, KindXMLFragment, KindXMLElement},
		"types":    {KindText, KindXMLText, KindArray},
		"emptied":  {KindText, KindXMLText, KindArray, KindMap, KindXMLFragment, KindXMLElement},
		"new":      {KindText, KindXMLText, KindArray, KindMap, KindXMLFragment, KindXMLElement},
	}
	for name, kinds := range fits {
		for k, f := range ask {
			d = New()
			must(t, d.Apply(made.Encode(blocks.V1), blocks.V1))
			switch err := f(name); {
			case slices.Contains(kinds, k) && err != nil:
				t.Errorf("%s as %s: %v", name, k, err)
			case !slices.Contains(kinds, k) && !errors.Is(err, ErrType):
				t.Errorf("%s as %s: %v", name, k, err)
			}
		}
	}
	d = New()
	if err := ask[KindMap]("new"); err != nil {
		t.Error(err)
	}
	if err := ask[KindText]("new"); !errors.Is(err, ErrType) {
		t.Errorf("asked for as a map before: %v", err)
	}
}
