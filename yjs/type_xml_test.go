package yjs

import (
	"errors"
	"math"
	"strings"
	"testing"
)

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
		t.Errorf("unpaired surrogates in JSON: %s", got)
	}
	if v, ok := p.Attribute("b"); !ok || v.String() != "null" {
		t.Errorf("attribute b: %v, %v", v, ok)
	}
	must(t, p.RemoveAttribute("b"))
	if got := len(p.Attributes()); got != 2 {
		t.Errorf("%d attributes", got)
	}
	if err := e.Insert(0, StringValue("text")); !errors.Is(err, ErrValue) {
		t.Errorf("a string as a node: %v", err)
	}
	must(t, e.Insert(2, TypeValue(KindXMLHook, "hook"), TypeValue(KindXMLElement, "İ")))
	if got, want := e.String()[len(e.String())-len("[object Object]<i\u0307></i\u0307></xml_element>"):], "[object Object]<i\u0307></i\u0307></xml_element>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v, _ := e.Get(2)
	if hook, ok := v.XMLHook(); !ok || hook.Name() != "hook" || marshaled(t, hook) != "{}" {
		t.Errorf("%v is not a hook", v)
	}
	inspect(t, d)
}

// TestUnpairedSurrogateInFormat prints a format whose value is not valid UTF-8.
func TestUnpairedSurrogateInFormat(t *testing.T) {
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
