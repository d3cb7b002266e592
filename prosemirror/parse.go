package prosemirror

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Parse returns the document of a Markdown text: CommonMark, with tables, task lists and
// strikethrough as in GFM if the editor has them, and links as in GFM. What the editor has
// no node for remains as text, written as in the Markdown. So does HTML that Markdown of
// this package doesn't have. The error is ErrSize or ErrComplex.
func (s *Schema) Parse(markdown []byte) (*Node, error) {
	blocks, err := s.parse(markdown)
	if err != nil {
		return nil, err
	}
	return s.nativeDoc(blocks), nil
}

// parse returns the blocks of a Markdown text in the common form.
func (s *Schema) parse(markdown []byte) ([]*Node, error) {
	if len(markdown) > MaxMarkdown {
		return nil, ErrSize
	}
	source := bytes.ToValidUTF8(markdown, []byte("\ufffd"))
	source = bytes.ReplaceAll(source, []byte{0}, []byte("\ufffd"))
	source = bytes.ReplaceAll(bytes.ReplaceAll(source, []byte("\r\n"), []byte{'\n'}), []byte{'\r'}, []byte{'\n'})
	p := reader{s, source}
	b := newBudget(len(source))
	root := s.parser.Parse(text.NewReader(source), parser.WithContext(b))
	if b.err != nil {
		return nil, b.err
	}
	return p.blocks(root), nil
}

// reader reads the tree that goldmark has made of a Markdown text.
type reader struct {
	*Schema

	source []byte
}

// blocks returns the blocks in a node.
func (p reader) blocks(parent ast.Node) []*Node {
	frames := []*Node{{}} // the unknown nodes whose elements are open, in the parent
	add := func(n ...*Node) {
		last := frames[len(frames)-1]
		last.Content = append(last.Content, n...)
	}
	for c := parent.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() != ast.KindHTMLBlock {
			add(p.block(c)...)
			continue
		}
		switch text := p.html(c.(*ast.HTMLBlock)); {
		case text == "</div>" && len(frames) > 1:
			frames[len(frames)-1].endElement()
			frames = frames[:len(frames)-1]
		default:
			n, open := readDiv(text)
			switch {
			case text == emptyComment:
			case n == nil || open && len(frames) > maxDepth:
				add(p.otherHTML(text))
			case open:
				add(n)
				frames = append(frames, n)
			default:
				add(n)
			}
		}
	}
	for _, n := range frames[1:] {
		n.endElement()
	}
	return frames[0].Content
}

// html returns the text of an HTML block without the end of its last line.
func (p reader) html(n *ast.HTMLBlock) string {
	text := n.Lines().Value(p.source)
	if n.HasClosure() {
		text = append(text, n.ClosureLine.Value(p.source)...)
	}
	return string(bytes.TrimRight(text, "\n"))
}

// otherHTML returns the block for HTML that represents no node.
func (p reader) otherHTML(text string) *Node {
	if breaks := strings.Count(text, "<br>"); breaks*len("<br>") == len(text) {
		n := &Node{Type: nodeParagraph}
		for range breaks {
			n.Content = append(n.Content, &Node{Type: nodeBreak})
		}
		return n
	}
	return codeBlock(text, "html")
}

func (p reader) block(n ast.Node) []*Node {
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		return p.paragraph(n)
	case *ast.Heading:
		return []*Node{{Type: nodeHeading, Attrs: map[string]any{attrLevel: float64(n.Level)}, Content: p.withoutImageBlocks(p.line(n))}}
	case *ast.ThematicBreak:
		return []*Node{{Type: nodeRule}}
	case *ast.Blockquote:
		return []*Node{{Type: nodeQuote, Content: p.blocks(n)}}
	case *ast.CodeBlock:
		return []*Node{codeBlock(p.code(n), "")}
	case *ast.FencedCodeBlock:
		language := ""
		if n.Info != nil {
			language = unescape(n.Info.Value(p.source))
		}
		return []*Node{codeBlock(p.code(n), language)}
	case *ast.List:
		return []*Node{p.list(n)}
	case *extast.Table:
		return []*Node{p.table(n)}
	}
	return nil // a definition of a link, whose references have it
}

func (p reader) code(n ast.Node) string {
	return string(bytes.TrimSuffix(n.Lines().Value(p.source), []byte{'\n'}))
}

// paragraph returns a paragraph. If images are blocks, it returns the images and the
// paragraphs between them.
func (p reader) paragraph(n ast.Node) (blocks []*Node) {
	line := p.line(n)
	if len(line) == 1 && line[0].Type == nodeImage && p.has(nodeImageBlock) {
		return []*Node{{Type: nodeImageBlock, Attrs: line[0].Attrs}}
	}
	if p.has(nodeImage) {
		return []*Node{{Type: nodeParagraph, Content: line}}
	}
	begin := 0
	add := func(end int) {
		if begin < end || end == len(line) && len(blocks) == 0 {
			blocks = append(blocks, &Node{Type: nodeParagraph, Content: line[begin:end]})
		}
	}
	for i, c := range line {
		if c.Type == nodeImage {
			add(i)
			blocks, begin = append(blocks, &Node{Type: nodeImageBlock, Attrs: c.Attrs}), i+1
		}
	}
	add(len(line))
	return blocks
}

// withoutImageBlocks returns a line that can't have blocks: an image in it is text, unless
// the editor has images in lines.
func (p reader) withoutImageBlocks(line []*Node) []*Node {
	if p.has(nodeImage) {
		return line
	}
	for i, n := range line {
		if n.Type == nodeImage {
			line[i] = &Node{Type: typeText, Text: printLine([]*Node{n}, true)}
		}
	}
	return joinTexts(line)
}

func (p reader) list(n *ast.List) *Node {
	list := &Node{Type: nodeBullets}
	if n.IsOrdered() {
		list.Type = nodeNumbers
		if n.Start != 1 {
			list.Attrs = map[string]any{attrStart: float64(n.Start)}
		}
	}
	tasks := !n.IsOrdered()
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		tasks = tasks && checkbox(c) != nil
	}
	if tasks {
		list.Type = nodeTasks
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		item := &Node{Type: nodeItem, Content: p.blocks(c)}
		if box := checkbox(c); box != nil {
			switch {
			case tasks:
				item.Type, item.Attrs = nodeTask, map[string]any{attrChecked: box.IsChecked}
				if first := item.Content; len(first) > 0 && len(first[0].Content) == 1 && first[0].Content[0].Text == emptyTask {
					first[0].Content = nil
				}
			case len(item.Content) > 0:
				text := "[ ] "
				if box.IsChecked {
					text = "[x] "
				}
				first := item.Content[0]
				first.Content = joinTexts(append([]*Node{{Type: typeText, Text: text}}, first.Content...))
			}
		}
		list.Content = append(list.Content, item)
	}
	return list
}

// checkbox returns the box of an item in a task list.
func checkbox(item ast.Node) *extast.TaskCheckBox {
	if item.FirstChild() == nil || item.FirstChild().FirstChild() == nil {
		return nil
	}
	box, _ := item.FirstChild().FirstChild().(*extast.TaskCheckBox)
	return box
}

func (p reader) table(n *extast.Table) *Node {
	table := &Node{Type: nodeTable}
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		row, name, text := &Node{Type: nodeRow}, nodeCell, false
		if r.Kind() == extast.KindTableHeader {
			name = nodeHeader
		}
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			cell := &Node{Type: name, Content: p.withoutImageBlocks(p.line(c))}
			text = text || len(cell.Content) > 0
			row.Content = append(row.Content, cell)
		}
		if name == nodeCell || text || n.ChildCount() == 1 { // a header without text is that of a table that has none
			table.Content = append(table.Content, row)
		}
	}
	return table
}
