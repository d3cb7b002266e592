package prosemirror

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// lineReader reads the text of a block.
type lineReader struct {
	reader

	tags  map[*ast.RawHTML]*tag // those that belong together
	open  []*tag                // of marks
	nodes []*Node               // the unknown nodes whose elements are open
	out   []*Node
	outer [][]*Node // the lines around the unknown nodes
}

// tag is an HTML tag that represents a mark, a node or a line break.
type tag struct {
	element string
	end     bool
	mark    Mark  // "": it is the element of a node, or a line break
	node    *Node // of the beginning of an element
	pair    *tag  // of an end: the beginning
}

// line returns the text in a node.
func (p reader) line(n ast.Node) []*Node {
	l := &lineReader{reader: p, tags: p.pairs(n)}
	l.children(n, nil)
	return joinTexts(l.out)
}

// pairs returns the tags in a block that represent something: line breaks, and pairs of
// tags. A pair may be nested, and is within one emphasis or link.
func (p reader) pairs(n ast.Node) map[*ast.RawHTML]*tag {
	found := map[*ast.RawHTML]*tag{}
	type begun struct {
		at  *ast.RawHTML
		tag *tag
	}
	open := map[string][]begun{} // by element
	var order []begun
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		raw, ok := c.(*ast.RawHTML)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		t := p.readTag(string(raw.Segments.Value(p.source)))
		switch {
		case t == nil:
		case t.element == "br":
			found[raw] = t
		case !t.end && len(order) >= maxDepth:
		case !t.end:
			b := begun{raw, t}
			open[t.element], order = append(open[t.element], b), append(order, b)
		case len(open[t.element]) > 0:
			last := open[t.element][len(open[t.element])-1]
			if last.at.Parent() != raw.Parent() {
				return ast.WalkContinue, nil
			}
			for len(order) > 0 { // elements that end only after this one began outside of it
				b := order[len(order)-1]
				order = order[:len(order)-1]
				open[b.tag.element] = open[b.tag.element][:len(open[b.tag.element])-1]
				if b == last {
					break
				}
			}
			t.pair = last.tag
			found[last.at], found[raw] = last.tag, t
		}
		return ast.WalkContinue, nil
	})
	return found
}

func (l *lineReader) text(text string, marks []Mark) {
	if text == "" {
		return
	}
	n := &Node{Type: typeText, Text: text}
	for _, m := range marks {
		n.Marks = withMark(n.Marks, m)
	}
	for _, t := range l.open {
		n.Marks = withMark(n.Marks, t.mark)
	}
	l.out = append(l.out, n)
}

// withMark adds a mark, in place of one of the same type: an editor allows one of each type.
func withMark(marks []Mark, m Mark) []Mark {
	same := func(other Mark) bool {
		return other.Type == m.Type && (m.Type != unknown || other.Attrs[attrName] == m.Attrs[attrName])
	}
	return append(slices.DeleteFunc(slices.Clone(marks), same), m)
}

func (l *lineReader) children(n ast.Node, marks []Mark) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		l.node(c, marks)
	}
}

func (l *lineReader) node(n ast.Node, marks []Mark) {
	switch n := n.(type) {
	case *ast.Text:
		switch {
		case n.HardLineBreak():
			l.text(unescape(bytes.TrimRight(n.Value(l.source), " ")), marks)
			l.out = append(l.out, &Node{Type: nodeBreak})
		case n.SoftLineBreak():
			l.text(l.value(n)+" ", marks)
		default:
			l.text(l.value(n), marks)
		}
	case *ast.String:
		l.text(string(n.Value), marks)
	case *ast.CodeSpan:
		l.text(l.codeSpan(n), withMark(marks, Mark{Type: markCode}))
	case *ast.Emphasis:
		mark := markEm
		if n.Level == 2 {
			mark = markStrong
		}
		l.children(n, withMark(marks, Mark{Type: mark}))
	case *extast.Strikethrough:
		l.children(n, withMark(marks, Mark{Type: markStrike}))
	case *ast.AutoLink:
		address := string(n.URL(l.source))
		if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(address), "mailto:") {
			address = "mailto:" + address
		}
		l.text(string(n.Label(l.source)), withMark(marks, Mark{markLink, map[string]any{attrHref: address}}))
	case *ast.Link:
		l.link(n, marks)
	case *ast.Image:
		l.image(n, marks)
	case *ast.RawHTML:
		l.rawHTML(n, marks)
	}
}

func (l *lineReader) value(n *ast.Text) string {
	if n.IsRaw() {
		return string(n.Value(l.source))
	}
	return unescape(n.Value(l.source))
}

func (l *lineReader) codeSpan(n *ast.CodeSpan) string {
	var text []byte
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			text = append(text, t.Value(l.source)...)
		}
	}
	return string(bytes.ReplaceAll(text, []byte{'\n'}, []byte{' '}))
}

func (l *lineReader) link(n *ast.Link, marks []Mark) {
	attrs := map[string]any{attrHref: unescape(n.Destination)}
	if title := unescape(n.Title); title != "" {
		attrs[attrLinkText] = title
	}
	before := len(l.out)
	l.children(n, withMark(marks, Mark{markLink, attrs}))
	if !slices.ContainsFunc(l.out[before:], func(c *Node) bool { return c.Type == typeText }) {
		// No editor has a link without a text. A link on an image isn't stored.
		l.out = append(l.out[:before:before], &Node{Type: typeText, Marks: marks, Text: l.linkSource(l.out[before:], attrs)})
	}
}

// linkSource returns the Markdown of a link.
func (l *lineReader) linkSource(content []*Node, attrs map[string]any) string {
	href, _ := attrs[attrHref].(string)
	title, _ := attrs[attrLinkText].(string)
	return "[" + printLine(content, true) + "]" + destination(href, title)
}

func (l *lineReader) image(n *ast.Image, marks []Mark) {
	alt := &lineReader{reader: l.reader}
	alt.children(n, nil)
	attrs := map[string]any{attrSrc: unescape(n.Destination)}
	var text strings.Builder
	for _, c := range alt.out {
		nested, _ := c.Attrs[attrAlt].(string)
		text.WriteString(nested)
		text.WriteString(c.Text)
	}
	if text.Len() > 0 {
		attrs[attrAlt] = text.String()
	}
	if title := unescape(n.Title); title != "" {
		attrs[attrTitle] = title
	}
	image := &Node{Type: nodeImage, Attrs: attrs}
	if !l.has(nodeImage) && !l.has(nodeImageBlock) {
		l.text(printLine([]*Node{image}, true), marks)
		return
	}
	l.out = append(l.out, image)
}

func (l *lineReader) rawHTML(n *ast.RawHTML, marks []Mark) {
	t := l.tags[n]
	switch {
	case t == nil:
		l.text(string(n.Segments.Value(l.source)), marks)
	case t.element == "br":
		l.out = append(l.out, &Node{Type: nodeBreak})
	case !t.end && t.node != nil:
		l.outer, l.out = append(l.outer, l.out), nil
		l.nodes = append(l.nodes, t.node)
	case !t.end:
		l.open = append(l.open, t)
	case t.pair.node != nil:
		t.pair.node.Content = joinTexts(l.out)
		last := len(l.outer) - 1
		l.out, l.outer = l.outer[last], l.outer[:last]
		l.out = append(l.out, t.pair.node)
	default:
		l.open = slices.DeleteFunc(l.open, func(o *tag) bool { return o == t.pair })
	}
}
