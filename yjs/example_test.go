package yjs_test

import (
	"fmt"
	"log"

	"github.com/yroom/yroom/yjs"
)

// Two replicas of a document exchange the updates of their edits.
func Example() {
	ada, bob := yjs.New(), yjs.New()
	text, err := ada.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	update, err := ada.Transact(func() error { return text.Insert(0, "Hello", nil) })
	if err != nil {
		log.Fatal(err)
	}
	if err := bob.Apply(update, yjs.V1); err != nil {
		log.Fatal(err)
	}
	copied, err := bob.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(copied)
	// Output: Hello
}

// All edits of a transaction are one update.
func ExampleDoc_Transact() {
	d := yjs.New()
	text, err := d.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	update, err := d.Transact(func() error {
		if err := text.Insert(0, "Hello world", nil); err != nil {
			return err
		}
		return text.Format(0, 5, yjs.Object{{Key: "bold", Value: yjs.BoolValue(true)}})
	})
	if err != nil {
		log.Fatal(err)
	}

	other := yjs.New()
	if err := other.Apply(update, yjs.V1); err != nil {
		log.Fatal(err)
	}
	got, err := other.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	for _, op := range got.Delta() {
		fmt.Println(op.Insert, op.Attributes)
	}
	// Output:
	// "Hello" {"bold":true}
	// " world" {}
}

// A replica that was offline sends its state vector, and receives what it lacks.
func ExampleDoc_Diff() {
	server, client := yjs.New(), yjs.New()
	text, err := server.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "some long text", nil); err != nil {
		log.Fatal(err)
	}
	if err := client.Apply(server.Encode(yjs.V2), yjs.V2); err != nil {
		log.Fatal(err)
	}

	if err := text.Insert(0, "¡", nil); err != nil {
		log.Fatal(err)
	}
	diff, err := server.Diff(client.StateVector(), yjs.V1)
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Apply(diff, yjs.V1); err != nil {
		log.Fatal(err)
	}
	copied, err := client.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(copied, len(diff) < len(server.Encode(yjs.V1)))
	// Output: ¡some long text true
}

// The kind of a root is not part of a document: Roots infers it, until it is requested.
func ExampleDoc_Roots() {
	d := yjs.New()
	settings, err := d.Map("settings")
	if err != nil {
		log.Fatal(err)
	}
	if err := settings.Set("theme", yjs.StringValue("dark")); err != nil {
		log.Fatal(err)
	}
	title, err := d.XMLText("title")
	if err != nil {
		log.Fatal(err)
	}
	if err := title.Insert(0, "Plans", nil); err != nil {
		log.Fatal(err)
	}

	loaded := yjs.New()
	if err := loaded.Apply(d.Encode(yjs.V1), yjs.V1); err != nil {
		log.Fatal(err)
	}
	for _, root := range loaded.Roots() {
		fmt.Println(root.Name, root.Kind)
	}
	if _, err := loaded.XMLText("title"); err != nil {
		log.Fatal(err)
	}
	root, ok := loaded.Root("title")
	fmt.Println(root.Name, root.Kind, ok)
	// Output:
	// settings map
	// title text
	// title xml-text true
}

func ExampleDoc_JSON() {
	d := yjs.New()
	text, err := d.XMLText("title")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "Plans", yjs.Object{{Key: "b", Value: yjs.BoolValue(true)}}); err != nil {
		log.Fatal(err)
	}

	loaded := yjs.New()
	if err := loaded.Apply(d.Encode(yjs.V1), yjs.V1); err != nil {
		log.Fatal(err)
	}
	inferred, err := loaded.JSON(nil)
	if err != nil {
		log.Fatal(err)
	}
	named, err := loaded.JSON(map[string]yjs.Kind{"title": yjs.KindXMLText, "tasks": yjs.KindArray})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(inferred))
	fmt.Println(string(named))
	// Output:
	// {"title":"Plans"}
	// {"title":"<b>Plans</b>","tasks":[]}
}

// A comment stays at the word that it refers to.
func ExampleDoc_Resolve() {
	d := yjs.New()
	text, err := d.Text("content")
	if err != nil {
		log.Fatal(err)
	}
	if err := text.Insert(0, "good world", nil); err != nil {
		log.Fatal(err)
	}
	comment, err := text.RelativePosition(5, 0)
	if err != nil {
		log.Fatal(err)
	}
	stored := comment.Encode()

	if err := text.Insert(0, "hello ", nil); err != nil {
		log.Fatal(err)
	}
	comment, err = yjs.DecodeRelativePosition(stored)
	if err != nil {
		log.Fatal(err)
	}
	now, err := d.Resolve(comment)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(now.Index)
	// Output: 11
}

func ExampleValueOf() {
	d := yjs.New()
	m, err := d.Map("tasks")
	if err != nil {
		log.Fatal(err)
	}
	task, err := yjs.ValueOf(map[string]any{"title": "write", "tags": []string{"a", "b"}, "estimate": 1.5})
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Set("1", task); err != nil {
		log.Fatal(err)
	}
	fmt.Println(task)

	_, err = yjs.ValueOf(map[string]any{"tags": []any{"a", make(chan int)}})
	fmt.Println(err)
	// Output:
	// {"estimate":1.5,"tags":["a","b"],"title":"write"}
	// yjs: invalid value: at ["tags"][1]: a value of type chan int can't be converted
}

func ExampleParseJSON() {
	v, err := yjs.ParseJSON([]byte(`{"title": "write", "done": false}`))
	if err != nil {
		log.Fatal(err)
	}
	task, ok := v.AsObject()
	fmt.Println(task.Get("title"), task.Get("estimate").IsNull(), ok)
	// Output: "write" true true
}
