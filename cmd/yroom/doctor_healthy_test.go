package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/yroom/yroom/yjs"
)

// healthy adds rooms with varied documents, which two clients have written.
func healthy(t *testing.T, p *patient, rooms int) {
	t.Helper()
	for n := range rooms {
		room := fmt.Sprintf("healthy %04d", n)
		random := rand.New(rand.NewPCG(uint64(n), 0))
		docs := []*yjs.Doc{yjs.NewWith(yjs.Options{ClientID: uint64(2*n + 1)}), yjs.NewWith(yjs.Options{ClientID: uint64(2*n + 2)})}
		for edit := range 1 + random.IntN(12) {
			update, err := docs[edit%2].Transact(func() error { return someEdit(docs[edit%2], random) })
			if err == nil {
				err = docs[1-edit%2].Apply(update, yjs.V1)
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(update) > 2 {
				p.add(t, room, update)
			}
			if random.IntN(8) == 0 {
				p.compact(t, room)
			}
		}
	}
}

// someEdit makes a random edit.
func someEdit(doc *yjs.Doc, random *rand.Rand) error {
	switch random.IntN(5) {
	case 0:
		text, err := doc.Text("text")
		if err != nil {
			return err
		}
		if n := text.Len(); n > 20 {
			return text.Delete(random.IntN(n-10), 10)
		}
		return text.Insert(random.IntN(text.Len()+1), strings.Repeat("words 😀 ", 1+random.IntN(20)), yjs.Object{{Key: "bold", Value: yjs.BoolValue(random.IntN(2) == 0)}})
	case 1:
		list, err := doc.Array("list")
		if err != nil {
			return err
		}
		if list.Len() > 3 {
			return list.Delete(0, 2)
		}
		return list.Insert(0, yjs.NumberValue(random.Float64()), yjs.NullValue(), yjs.StringValue("x"))
	case 2:
		form, err := doc.Map("form")
		if err != nil {
			return err
		}
		return form.Set(fmt.Sprint("key", random.IntN(3)), yjs.StringValue(fmt.Sprint(random.Uint64())))
	}
	page, err := doc.XMLFragment("page")
	if err != nil {
		return err
	}
	if page.Len() > 4 {
		return page.Delete(random.IntN(3), 2)
	}
	paragraph, err := page.InsertElement(page.Len(), "paragraph")
	if err != nil {
		return err
	}
	text, err := paragraph.InsertText(0)
	if err != nil {
		return err
	}
	return text.Insert(0, "a paragraph", nil)
}
