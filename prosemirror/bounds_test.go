package prosemirror

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// depthOf returns how deep nodes are nested.
func depthOf(nodes []*Node) (deepest int) {
	for _, n := range nodes {
		deepest = max(deepest, 1+depthOf(n.Content))
	}
	return deepest
}

// hostileParts are parts of texts for which a parser without bounds needs time or memory
// that grows with the square of their size, or a stack that grows with their size.
var hostileParts = []string{
	">", "> a\n\n", "- ", "- a\n", "1. ", "> - ", "[", "![", "[a](", "[a]: b\n", "[a](b)", "*a_ ", "*a **a ", "`a``b", "<a ", "<u>", "<!-- ", "&a", "~a~~ ", "a@b.", "www.a.b ",
	"<div data-node=\"a\">\n\n", "<span data-node=\"a\">", "<span data-mark=\"a\">", "a\\\n", "|a", "|a|b|\n|-|-|\n",
}

// hostileTexts make other such texts of some size.
var hostileTexts = map[string]func(size int) string{
	"codes that don't end": func(size int) string {
		var b strings.Builder
		for n := 1; b.Len() < size/2; n++ {
			b.WriteString(strings.Repeat("`", n) + "a")
		}
		return b.String() + strings.Repeat("a\n", size/4)
	},
	"titles that don't end":     func(size int) string { return strings.Repeat("[a](b \"", 900) + strings.Repeat("a\n", size/2) },
	"attributes that don't end": func(size int) string { return strings.Repeat("<a b=\"", 900) + strings.Repeat("a\n", size/2) },
	"rows without cells":        func(size int) string { return tableHead(size/8) + strings.Repeat("|\n", size/4) },
	"references to a long title": func(size int) string {
		return "[a]: " + strings.Repeat("b", size/2) + "\n\n" + strings.Repeat("[a]\n\n", size/10)
	},
	"empty lines in lists": func(size int) string { return strings.Repeat("- ", maxDepth-1) + "a\n" + strings.Repeat("\n", size) },
	"lists in lists":       func(size int) string { return strings.Repeat(strings.Repeat("- ", maxDepth-1)+"a\n", size/100) },
}

// tableHead returns the first two lines of a table.
func tableHead(columns int) string {
	return strings.Repeat("|a", columns) + "\n" + strings.Repeat("|-", columns) + "\n"
}

func TestHostileMarkdown(t *testing.T) {
	s := schemaNamed(t, BlockNote)
	const size = 64 << 10
	for _, part := range hostileParts {
		doc, err := s.Parse([]byte(strings.Repeat(part, size/len(part))))
		if errors.Is(err, ErrComplex) {
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", part, err)
		}
		// In BlockNote, a list and its item are a container and a group.
		if depth := depthOf(doc.Content); depth > 4*maxDepth {
			t.Errorf("%q: the nodes are nested %d deep", part, depth)
		}
		if _, err := s.Markdown(doc); err != nil {
			t.Errorf("%q: %v", part, err)
		}
		if _, err := s.HTML(doc); err != nil {
			t.Errorf("%q: %v", part, err)
		}
	}
}

// TestTimeIsLinear reads hostile texts of several sizes.
func TestTimeIsLinear(t *testing.T) {
	testkit.SkipUnderRace(t)
	s := schemaNamed(t, BlockNote)
	linear := func(name string, text func(size int) string) {
		t.Run(name, func(t *testing.T) {
			testkit.Linear(t, 16<<10, func(size uint64) func() {
				markdown := []byte(text(int(size)))
				return func() { _, _ = s.Parse(markdown) }
			})
		})
	}
	for _, part := range hostileParts {
		linear(fmt.Sprintf("%q", part), func(size int) string { return strings.Repeat(part, size/len(part)) })
	}
	for name, text := range hostileTexts {
		linear(name, text)
	}
}

// TestComplexMarkdown reads texts that would take too long, and others with as much of the
// same that people may write.
func TestComplexMarkdown(t *testing.T) {
	s := schemaNamed(t, BlockNote)
	for name, want := range map[string]error{
		"codes that don't end": errWork, "titles that don't end": errWork, "attributes that don't end": errWork,
		"rows without cells": errCells, "references to a long title": errRepeated, "empty lines in lists": errLines,
	} {
		if _, err := s.Parse([]byte(hostileTexts[name](512 << 10))); !errors.Is(err, want) || !errors.Is(err, ErrComplex) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	const size = MaxMarkdown / 2
	for name, part := range map[string]string{
		"a table":                tableHead(20) + strings.Repeat(strings.Repeat("| a ", 20)+"|\n", 1000) + "\n",
		"a table of short rows":  tableHead(20) + strings.Repeat("| a | b | c | d | e | f | g | h | i |\n", 300) + "\n",
		"marks in a paragraph":   strings.Repeat("some *words*, **more**, `code`, [a link](https://example.com/a), <u>this</u> and <https://a.b>; ", 100) + "\n\n",
		"spans in a paragraph":   strings.Repeat("text with a <span data-mark=\"highlight\">mark</span> ", 200) + "\n\n",
		"brackets without links": strings.Repeat("as in [1], and (a < b), and at last [x]! ", 20) + "\n\n",
		"nested lists":           strings.Repeat("  - a\n", 1) + strings.Repeat(strings.Repeat(" ", 20)+"- an item of a list\n\n", 20),
		"definitions":            strings.Repeat("[a]: https://example.com/a \"title\"\n", 900) + "\n[a] and [a]\n\n",
	} {
		if _, err := s.Parse([]byte(strings.Repeat(part, size/len(part)))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	s := schemaNamed(t, Basic)
	n := &Node{Type: "code_block", Content: []*Node{{Type: typeText, Text: strings.Repeat("\n", 1<<20)}}}
	for range 100 {
		n = &Node{Type: "blockquote", Content: []*Node{n}}
	}
	if _, err := s.Markdown(&Node{Type: nodeDoc, Content: []*Node{n}}); !errors.Is(err, ErrSize) {
		t.Errorf("Markdown of more than MaxOutput: %v, want ErrSize", err)
	}
	text := &Node{Type: typeText, Text: strings.Repeat("&", MaxOutput/4)}
	if _, err := s.HTML(&Node{Type: nodeDoc, Content: []*Node{{Type: "paragraph", Content: []*Node{text}}}}); !errors.Is(err, ErrSize) {
		t.Errorf("HTML of more than MaxOutput: %v, want ErrSize", err)
	}
	if _, err := s.Parse(make([]byte, MaxMarkdown+1)); !errors.Is(err, ErrSize) {
		t.Errorf("Markdown of more than MaxMarkdown: %v, want ErrSize", err)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []Config{{Schema: "word"}, {Names: map[string]string{"paragraf": "p"}}} {
		if _, err := NewSchema(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
	s, err := NewSchema(Config{Schema: TipTap, Root: "page", Names: map[string]string{"image_block": "figure", "image.src": "url", "strike": ""}})
	if err != nil {
		t.Fatal(err)
	}
	const markdown = "![a](https://b.c/d.png)\n\n\\~\\~e\\~\\~\n"
	update, err := s.Update(s.Root, []byte("![a](https://b.c/d.png)\n\n~~e~~"))
	if err != nil {
		t.Fatal(err)
	}
	doc := readUpdate(t, s, update)
	if doc.Content[0].Type != "figure" || doc.Content[0].Attrs["url"] != "https://b.c/d.png" {
		t.Errorf("the image is %+v", doc.Content[0])
	}
	if got, err := s.Markdown(doc); err != nil || string(got) != markdown {
		t.Errorf("Markdown: %q, %v, want %q", got, err, markdown)
	}
}
