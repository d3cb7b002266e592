package yjs_test

import (
	"fmt"

	"github.com/yroom/yroom/yjs"
)

// A document is edited in a transaction, and others hear of the edit by the update
// that it yields.
func ExampleDoc_Transact() {
	d := yjs.New()
	text, err := d.Text("content")
	if err != nil {
		fmt.Println(err)
		return
	}
	update, err := d.Transact(func() error {
		if err := text.Insert(0, "Hello world", nil); err != nil {
			return err
		}
		return text.Format(0, 5, yjs.Object{{Key: "bold", Value: yjs.BoolValue(true)}})
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	other := yjs.New()
	if err := other.Apply(update, yjs.V1); err != nil {
		fmt.Println(err)
		return
	}
	got, err := other.Text("content")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got)
	for _, op := range got.Delta() {
		fmt.Println(op.Insert, op.Attributes)
	}
	// Output:
	// Hello world
	// "Hello" {"bold":true}
	// " world" {}
}

// Positions are in UTF-16 units, as in JavaScript: an emoji takes two.
func ExampleText_Insert() {
	text, err := yjs.New().Text("content")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text.Insert(0, "😀!", nil), text.Len())
	fmt.Println(text.Insert(2, " hi", nil), text)
	// Output:
	// <nil> 3
	// <nil> 😀 hi!
}

func ExampleMap() {
	d := yjs.New()
	m, err := d.Map("tasks")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = d.Transact(func() error {
		if err := m.Set("count", yjs.NumberValue(2)); err != nil {
			return err
		}
		list, err := m.SetArray("open")
		if err != nil {
			return err
		}
		return list.Push(yjs.StringValue("write"), yjs.StringValue("read"))
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := d.MarshalJSON()
	fmt.Println(string(all), err)
	// Output: {"tasks":{"count":2,"open":["write","read"]}} <nil>
}

func ExampleXMLFragment_ProseMirror() {
	f, err := yjs.New().XMLFragment("prosemirror")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := f.InsertElement(0, "paragraph")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := p.InsertText(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text.Insert(0, "Hello", nil))
	fmt.Println(f)
	doc, err := f.ProseMirror()
	fmt.Println(string(doc), err)
	// Output:
	// <nil>
	// <paragraph>Hello</paragraph>
	// {"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Hello"}]}]} <nil>
}

// A comment stays at the word that it is about.
func ExampleDoc_Resolve() {
	d := yjs.New()
	text, err := d.Text("content")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text.Insert(0, "good world", nil))
	place, err := text.RelativePosition(5, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := place.Encode()

	fmt.Println(text.Insert(0, "hello ", nil))
	place, err = yjs.DecodeRelativePosition(stored)
	if err != nil {
		fmt.Println(err)
		return
	}
	now, err := d.Resolve(place)
	fmt.Println(now.Index, err)
	// Output:
	// <nil>
	// <nil>
	// 11 <nil>
}
