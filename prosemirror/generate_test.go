package prosemirror

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generator makes documents in the common form that a schema can hold.
type generator struct {
	*Schema
	*rand.Rand
}

var words = []string{
	"word", "two words", "*", "**", "_", "snake_case", "`", "``", "[", "]", "(", "![", "<", "<b>", "</u>", "&amp;", "&", "#", "# ", "1.", "1) ", "-", "- ", "+", ">", "=", "---",
	"~", "~~", "|", "\\", "!", ":", "http://a.b", "www.a.b", "a@b.c", "\t", "\n", " ", "  ", "é", "😀", "。", "\u00a0", "\"", "'", "<!--", "```", "[ ] ", "[x](y)", "&#32;", "<div>",
}

func (g generator) text() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(words[g.IntN(len(words))])
	}
	return b.String()
}

func (g generator) marks() (marks []Mark) {
	for _, name := range []string{markStrong, markEm, markStrike, markUnderline, markCode} {
		if g.has(name) && g.IntN(5) == 0 {
			marks = append(marks, Mark{Type: name})
		}
	}
	if g.IntN(6) == 0 {
		attrs := map[string]any{attrHref: g.text()}
		if g.IntN(2) == 0 {
			attrs[attrLinkText] = g.text()
		}
		marks = append(marks, Mark{markLink, attrs})
	}
	if g.IntN(8) == 0 {
		marks = append(marks, Mark{unknown, map[string]any{attrName: "highlight", attrMembers: map[string]any{"color": g.text()}}})
	}
	return g.together(marks)
}

func (g generator) line(single bool) (line []*Node) {
	for range g.IntN(5) {
		switch g.IntN(10) {
		case 0:
			line = append(line, &Node{Type: nodeBreak})
		case 1:
			line = append(line, &Node{Type: unknown, Attrs: map[string]any{attrName: "mention", attrMembers: map[string]any{"id": g.text()}}})
		case 2:
			if g.has(nodeImage) {
				line = append(line, g.picture(nodeImage))
			}
		default:
			line = append(line, &Node{Type: typeText, Text: g.text(), Marks: g.marks()})
		}
	}
	line = trimMarks(joinTexts(line))
	if !single && len(line) == 1 && line[0].Type == nodeImage && g.has(nodeImageBlock) {
		return nil
	}
	return line
}

func (g generator) picture(name string) *Node {
	return &Node{Type: name, Attrs: map[string]any{attrSrc: g.text(), attrAlt: g.text(), attrTitle: g.text()}}
}

func (g generator) blocks(depth int) (blocks []*Node) {
	for range 1 + g.IntN(4) {
		if b := g.block(depth); !isEmpty(b) {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func (g generator) block(depth int) *Node {
	kinds := []string{nodeParagraph, nodeParagraph, nodeHeading, nodeCode, nodeRule, nodeImageBlock, nodeTable}
	if depth > 0 {
		kinds = append(kinds, nodeQuote, nodeBullets, nodeNumbers, nodeTasks, unknown)
	}
	kind := kinds[g.IntN(len(kinds))]
	if kind != unknown && !g.has(kind) {
		return &Node{Type: nodeParagraph, Content: g.line(false)}
	}
	switch n := (&Node{Type: kind}); kind {
	case nodeHeading:
		n.Attrs, n.Content = map[string]any{attrLevel: float64(1 + g.IntN(6))}, g.line(true)
		return n
	case nodeCode:
		language := ""
		if g.IntN(2) == 0 {
			language = g.text()
		}
		return codeBlock(codeLines.ReplaceAllString(g.text()+"\n"+g.text(), "x$0x"), language)
	case nodeImageBlock:
		return g.picture(kind)
	case nodeTable:
		return g.table()
	case nodeQuote:
		n.Content = g.blocks(depth - 1)
		return n
	case nodeBullets, nodeNumbers, nodeTasks:
		return g.list(n, depth)
	case unknown:
		n.Attrs = map[string]any{attrName: "callout", attrMembers: map[string]any{"title": g.text()}}
		if g.IntN(2) == 0 {
			n.Content = g.blocks(depth - 1)
		} else {
			n.Content = slices.DeleteFunc(g.line(true), func(c *Node) bool { return c.Type != typeText })
		}
		return n
	case nodeParagraph:
		n.Content = g.line(false)
		return n
	default:
		return n
	}
}

// codeLines matches lines of code that are only spaces, which goldmark drops.
var codeLines = regexp.MustCompile(`(?m)^\s*$`)

func (g generator) list(n *Node, depth int) *Node {
	if n.Type == nodeNumbers && g.IntN(2) == 0 {
		n.Attrs = map[string]any{attrStart: float64(2 + g.IntN(100))}
	}
	for range 1 + g.IntN(3) {
		item := &Node{Type: nodeItem}
		if n.Type == nodeTasks {
			item.Type, item.Attrs = nodeTask, map[string]any{attrChecked: g.IntN(2) == 0}
			item.Content = []*Node{{Type: nodeParagraph, Content: []*Node{{Type: typeText, Text: "task"}}}}
		}
		item.Content = append(item.Content, g.blocks(depth-1)...)
		n.Content = append(n.Content, item)
	}
	return n
}

func (g generator) table() *Node {
	n, columns, header := &Node{Type: nodeTable}, 1+g.IntN(3), g.IntN(2) == 0
	for i := range 1 + g.IntN(3) {
		row := &Node{Type: nodeRow}
		for range columns {
			cell := &Node{Type: nodeCell, Content: slices.DeleteFunc(g.line(true), func(c *Node) bool { return c.Type == nodeImage })}
			if header && i == 0 {
				cell.Type, cell.Content = nodeHeader, []*Node{{Type: typeText, Text: "head"}}
			}
			row.Content = append(row.Content, cell)
		}
		n.Content = append(n.Content, row)
	}
	return n
}

// withoutEmpty returns blocks without what Markdown doesn't hold: empty paragraphs, the
// order of marks, and the marks strong and em on spaces at the ends of a text.
func withoutEmpty(blocks []*Node) (kept []*Node) {
	for _, b := range blocks {
		if isEmpty(b) {
			continue
		}
		c := *b
		c.Content = withoutEmpty(b.Content)
		c.Marks = slices.Clone(b.Marks)
		slices.SortFunc(c.Marks, func(a, b Mark) int { return strings.Compare(a.Type, b.Type) })
		kept = append(kept, &c)
	}
	return trimMarks(joinTexts(kept))
}

func asJSON(t testing.TB, nodes []*Node) string {
	t.Helper()
	data, err := json.MarshalIndent(withoutEmpty(nodes), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestGeneratedDocumentsSurvive(t *testing.T) {
	for _, name := range []string{Basic, TipTap, BlockNote} {
		t.Run(name, func(t *testing.T) {
			s := schemaNamed(t, name)
			for seed := range uint64(200) {
				g := generator{s, rand.New(rand.NewPCG(seed, 0))}
				doc := s.nativeDoc(g.blocks(3))
				markdown, err := s.Markdown(doc)
				if err != nil {
					t.Fatal(err)
				}
				update, err := s.Update(s.Root, markdown)
				if err != nil {
					t.Fatal(err)
				}
				got := readUpdate(t, s, update)
				if diff := cmp.Diff(asJSON(t, s.common(doc.Content)), asJSON(t, s.common(got.Content))); diff != "" {
					t.Fatalf("seed %d: a document is another one after Markdown (-want +got):\n%s\n%s", seed, diff, markdown)
				}
				if again, err := s.Markdown(got); err != nil || !bytes.Equal(again, markdown) {
					t.Fatalf("seed %d: the Markdown of a document is another after a room: %v\n%s", seed, err, cmp.Diff(string(markdown), string(again)))
				}
			}
		})
	}
}
