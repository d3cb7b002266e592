package prosemirror

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzMarkdown checks that the document of any text is the same after it was written as
// Markdown and read again, that it can be stored, and that its HTML is safe.
func FuzzMarkdown(f *testing.F) {
	for _, text := range []string{
		"# a\n\nb *c* **d** `e` [f](g \"h\")\n\n> i\n\n1. j\n2. k\n\n- l\n  - m\n\n***\n\n```go\nn\n```\n",
		"| a | b |\n| --- | --- |\n| c | ~~d~~ |\n\n- [x] e\n- [ ] f\n\n![g](h)\n",
		"<div data-node=\"x\" data-attrs=\"{}\">\n\na <span data-mark=\"y\">b</span><br>\n\n</div>\n\n<u>c</u>",
		"a\\\nb  \nc&#32;&amp;\n\n    d\n",
	} {
		for schema := range uint8(3) {
			f.Add(text, schema)
		}
	}
	var schemas []*Schema
	for _, name := range []string{Basic, TipTap, BlockNote} {
		schemas = append(schemas, schemaNamed(f, name))
	}
	f.Fuzz(func(t *testing.T, text string, schema uint8) {
		s := schemas[int(schema)%len(schemas)]
		update, err := s.Update(s.Root, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		doc := readUpdate(t, s, update)
		markdown, err := s.Markdown(doc)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Parse(markdown)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asJSON(t, s.common(doc.Content)), asJSON(t, s.common(again.Content))); diff != "" {
			t.Fatalf("the document is another one after Markdown (-want +got):\n%s\n%q", diff, markdown)
		}
		page, err := s.HTML(doc)
		if err != nil {
			t.Fatal(err)
		}
		checkSafe(t, page)
	})
}
