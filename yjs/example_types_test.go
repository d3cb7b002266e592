package yjs_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/yroom/yroom/yjs"
)

func ExampleText() {
	text, err := yjs.New().Text("content")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "Hello big world", nil); err != nil {
		log.Fatal(err)
	}
	if err := text.Delete(6, 4); err != nil {
		log.Fatal(err)
	}
	if err := text.Format(6, 5, yjs.Object{{Key: "bold", Value: yjs.BoolValue(true)}}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text, text.Len())
	for _, op := range text.Delta() {
		fmt.Println(op.Insert, op.Attributes)
	}
	// Output:
	// Hello world 11
	// "Hello " {}
	// "world" {"bold":true}
}

// Positions are in UTF-16 units, as in JavaScript: an emoji takes two.
func ExampleText_Insert() {
	text, err := yjs.New().Text("content")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "😀!", nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text.Len())
	if err := text.Insert(2, " hi", nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	// Output:
	// 3
	// 😀 hi!
}

func ExampleText_InsertEmbed() {
	text, err := yjs.New().Text("content")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "A cat: ", nil); err != nil {
		log.Fatal(err)
	}
	image := yjs.ObjectValue(yjs.Member{Key: "image", Value: yjs.StringValue("cat.png")})
	if err := text.InsertEmbed(7, image, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text.Len(), text.Delta()[1].Insert)
	// Output: 8 {"image":"cat.png"}
}

// A Delta describes a text, or a change of one.
func ExampleDelta() {
	text, err := yjs.New().Text("content")
	if err != nil {
		log.Fatal(err)
	}
	bold := yjs.Object{{Key: "bold", Value: yjs.BoolValue(true)}}
	for _, change := range []yjs.Delta{
		{{Insert: yjs.StringValue("Hello "), Attributes: bold}, {Insert: yjs.StringValue("World")}},
		{{Retain: 6}, {Delete: 1}, {Insert: yjs.StringValue("w")}},
	} {
		if err := text.ApplyDelta(change); err != nil {
			log.Fatal(err)
		}
	}
	all, err := text.Delta().MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(all))
	// Output: [{"insert":"Hello ","attributes":{"bold":true}},{"insert":"world"}]
}

func ExampleArray() {
	a, err := yjs.New().Array("tasks")
	if err != nil {
		log.Fatal(err)
	}
	if err := a.Push(yjs.StringValue("write"), yjs.StringValue("sleep"), yjs.NumberValue(3)); err != nil {
		log.Fatal(err)
	}
	if err := a.Delete(1, 1); err != nil {
		log.Fatal(err)
	}
	nested, err := a.InsertMap(0)
	if err != nil {
		log.Fatal(err)
	}
	if err := nested.Set("done", yjs.BoolValue(false)); err != nil {
		log.Fatal(err)
	}
	for i, v := range a.All() {
		fmt.Println(i, v)
	}
	// Output:
	// 0 {"done":false}
	// 1 "write"
	// 2 3
}

func ExampleMap() {
	d := yjs.New()
	m, err := d.Map("tasks")
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Set("count", yjs.NumberValue(2)); err != nil {
		log.Fatal(err)
	}
	open, err := m.SetArray("open")
	if err != nil {
		log.Fatal(err)
	}
	if err := open.Push(yjs.StringValue("write"), yjs.StringValue("read")); err != nil {
		log.Fatal(err)
	}

	// A shared type is read from the value that contains it.
	v, ok := m.Get("open")
	fmt.Println(v, ok)
	if list, ok := v.Array(); ok {
		fmt.Println(list.Len())
	}
	all, err := d.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(all))
	// Output:
	// ["write","read"] true
	// 2
	// {"tasks":{"count":2,"open":["write","read"]}}
}

func ExampleXMLElement() {
	f, err := yjs.New().XMLFragment("content")
	if err != nil {
		log.Fatal(err)
	}
	a, err := f.InsertElement(0, "a")
	if err != nil {
		log.Fatal(err)
	}
	if err := a.SetAttribute("href", yjs.StringValue("https://yjs.dev")); err != nil {
		log.Fatal(err)
	}
	text, err := a.InsertText(0)
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "Yjs", yjs.Object{{Key: "b", Value: yjs.ObjectValue()}}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(f)

	v, err := f.Get(0)
	if err != nil {
		log.Fatal(err)
	}
	if e, ok := v.XMLElement(); ok {
		href, _ := e.Attribute("href")
		fmt.Println(e.Name(), href)
	}
	// Output:
	// <a href="https://yjs.dev"><b>Yjs</b></a>
	// a "https://yjs.dev"
}

func ExampleXMLFragment_ProseMirror() {
	f, err := yjs.New().XMLFragment("prosemirror")
	if err != nil {
		log.Fatal(err)
	}
	p, err := f.InsertElement(0, "paragraph")
	if err != nil {
		log.Fatal(err)
	}
	text, err := p.InsertText(0)
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "Hello", yjs.Object{{Key: "strong", Value: yjs.ObjectValue()}}); err != nil {
		log.Fatal(err)
	}
	doc, err := f.ProseMirror()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(doc))
	// Output:
	// {"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Hello","marks":[{"type":"strong","attrs":{}}]}]}]}
}

// The text of a document of @y/prosemirror 2 is directly in the elements.
func ExampleXMLElement_asText() {
	doc := yjs.New()
	page, err := doc.XMLFragment("prosemirror")
	if err != nil {
		log.Fatal(err)
	}
	paragraph, err := page.InsertElement(0, "paragraph")
	if err != nil {
		log.Fatal(err)
	}
	text := paragraph.AsText()
	strong := yjs.Object{{Key: "strong", Value: yjs.ObjectValue()}}
	if err := errors.Join(text.Insert(0, "Hello ", nil), text.Insert(6, "Ada", strong)); err != nil {
		log.Fatal(err)
	}
	all, err := page.ProseMirror()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(all))
	// Output:
	// {"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Hello "},{"type":"text","text":"Ada","marks":[{"type":"strong","attrs":{}}]}]}]}
}
