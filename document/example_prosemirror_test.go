package document_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf16"

	"github.com/yroom/yroom/yjs"
)

// addSection adds a heading and a paragraph at the end of a ProseMirror document.
func addSection(doc *yjs.Doc) error {
	page, err := doc.XMLFragment("prosemirror")
	if err != nil {
		return err
	}
	heading, err := page.InsertElement(page.Len(), "heading")
	if err != nil {
		return err
	}
	if err := heading.SetAttribute("level", yjs.NumberValue(2)); err != nil {
		return err
	}
	title, err := heading.InsertText(0)
	if err != nil {
		return err
	}
	if err := title.Insert(0, "Tasks", nil); err != nil {
		return err
	}
	paragraph, err := page.InsertElement(page.Len(), "paragraph")
	if err != nil {
		return err
	}
	text, err := paragraph.InsertText(0)
	if err != nil {
		return err
	}
	link := yjs.ObjectValue(yjs.Member{Key: "href", Value: yjs.StringValue("https://example.com/plants")})
	return text.ApplyDelta(yjs.Delta{
		{Insert: yjs.StringValue("Ada"), Attributes: yjs.Object{{Key: "strong", Value: yjs.ObjectValue()}}},
		{Insert: yjs.StringValue(" waters ")},
		{Insert: yjs.StringValue("the plants"), Attributes: yjs.Object{{Key: "link", Value: link}}},
	})
}

// replace replaces the first occurrence of old in the texts of nodes and of the nodes in
// them, and reports whether there is one. What is inserted has the marks of what it replaces.
func replace(nodes iter.Seq2[int, yjs.Value], old, with string) (done bool, err error) {
	for _, node := range nodes {
		if element, ok := node.XMLElement(); ok {
			if done, err := replace(element.All(), old, with); done || err != nil {
				return done, err
			}
		} else if text, ok := node.XMLText(); ok {
			at := 0
			for _, run := range text.Delta() {
				part, ok := run.Insert.AsString()
				if !ok { // an embed
					at++
					continue
				}
				before, _, found := strings.Cut(part, old)
				if at += units(before); found {
					return true, text.ApplyDelta(yjs.Delta{
						{Retain: at}, {Insert: yjs.StringValue(with), Attributes: run.Attributes}, {Delete: units(old)},
					})
				}
			}
		}
	}
	return false, nil
}

// units returns the length of a string as texts count it.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// A program writes into a ProseMirror document: nodes are XML elements, their text is in XML
// texts, and marks are formats.
func ExampleDocument_Edit_proseMirror() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()
	minutes := documents.Document("minutes")

	check(minutes.Edit(ctx, addSection))
	check(minutes.Edit(ctx, func(doc *yjs.Doc) error {
		page, err := doc.XMLFragment("prosemirror")
		if err != nil {
			return err
		}
		_, err = replace(page.All(), "Ada", "Zoë")
		return err
	}))

	xml, err := minutes.XMLFragment(ctx, "prosemirror")
	check(err)
	fmt.Println(xml)
	node, err := minutes.ProseMirror(ctx, "prosemirror")
	check(err)
	fmt.Println(string(node))
	// Output:
	// <heading level="2">Tasks</heading><paragraph><strong>Zoë</strong> waters <link href="https://example.com/plants">the plants</link></paragraph>
	// {"type":"doc","content":[{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"Tasks"}]},{"type":"paragraph","content":[{"type":"text","text":"Zoë","marks":[{"type":"strong","attrs":{}}]},{"type":"text","text":" waters "},{"type":"text","text":"the plants","marks":[{"type":"link","attrs":{"href":"https://example.com/plants"}}]}]}]}
}
