package prosemirror

import (
	"errors"
	"strings"
	"testing"
)

// depthOf returns how deep nodes are nested.
func depthOf(nodes []*Node) (deepest int) {
	for _, n := range nodes {
		deepest = max(deepest, 1+depthOf(n.Content))
	}
	return deepest
}

// TestHostileMarkdown reads texts for which a parser without bounds needs time or memory
// that grows with the square of their size, or a stack that grows with their size.
func TestHostileMarkdown(t *testing.T) {
	s := schemaNamed(t, BlockNote)
	const size = 64 << 10
	for _, part := range []string{
		">", "> a\n\n", "- ", "- a\n", "1. ", "> - ", "[", "![", "[a](", "[a]: b\n", "[a](b)", "*a_ ", "*a **a ", "`a``b", "<a ", "<u>", "<!-- ", "&a", "~a~~ ", "a@b.", "www.a.b ",
		"<div data-node=\"a\">\n\n", "<span data-node=\"a\">", "<span data-mark=\"a\">", "a\\\n", "|a", "|a|b|\n|-|-|\n",
	} {
		markdown := strings.Repeat(part, size/len(part))
		doc, err := s.Parse([]byte(markdown))
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
	update, err := s.Update("", []byte("![a](https://b.c/d.png)\n\n~~e~~"))
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
