package prosemirror

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"strconv"
	"strings"
)

// MaxMarkdown is the size in bytes of the longest Markdown text that Parse reads, and
// MaxOutput that of the longest text that Markdown and HTML return.
const (
	MaxMarkdown = 1 << 20
	MaxOutput   = 64 << 20
)

// ErrSize means that a text is longer than MaxMarkdown or MaxOutput.
var ErrSize = errors.New("prosemirror: the text is too long")

// Markdown returns a document as Markdown: CommonMark with the tables, task lists and
// strikethrough of GFM. A node that Markdown can't hold becomes an HTML element with its
// name and its attributes, from which Parse makes the node again; so does a mark. Empty
// paragraphs are omitted. The error is ErrSize.
func (s *Schema) Markdown(doc *Node) ([]byte, error) {
	p := markdown{}
	p.blocks(s.common(doc.Content), false)
	if len(p.out) > 0 {
		p.newline()
	}
	return p.out, p.err
}

// markdown prints blocks in the common form.
type markdown struct {
	out    []byte
	prefix []byte // of each line in the containers that are open
	begun  bool   // the current line has its prefix
	depth  int    // of lists
	err    error
}

// write writes a part of the current line.
func (p *markdown) write(text string) {
	if len(p.out)+len(p.prefix)+len(text) > MaxOutput {
		p.err = ErrSize
	}
	if p.err != nil {
		return
	}
	if !p.begun && len(p.out) > 0 {
		p.out = append(p.out, p.prefix...)
	}
	p.begun = true
	p.out = append(p.out, text...)
}

// newline ends the current line.
func (p *markdown) newline() {
	if len(p.out)+len(p.prefix) >= MaxOutput {
		p.err = ErrSize
	}
	if p.err != nil {
		return
	}
	if !p.begun && len(p.out) > 0 {
		p.out = append(p.out, bytes.TrimRight(p.prefix, " ")...)
	}
	p.out = append(p.out, '\n')
	p.begun = false
}

// inside calls f, whose lines have a longer prefix.
func (p *markdown) inside(prefix string, f func()) {
	n := len(p.prefix)
	p.prefix = append(p.prefix, prefix...)
	f()
	p.prefix = p.prefix[:n]
}

// blocks prints blocks one after the other, without blank lines between them if tight is
// set.
func (p *markdown) blocks(blocks []*Node, tight bool) {
	var last *Node
	other := false // the list has another marker than the default one
	for _, b := range blocks {
		if isEmpty(b) || p.err != nil {
			continue
		}
		if last != nil {
			p.newline()
			if !tight {
				p.newline()
			}
		}
		// Without another marker, two lists in a row would be one.
		other = last != nil && isList(b) && isList(last) && (b.Type == nodeNumbers) == (last.Type == nodeNumbers) && !other
		p.block(b, other)
		last = b
	}
}

// isEmpty reports whether a block is an empty paragraph, which Markdown can't hold.
func isEmpty(n *Node) bool { return n.Type == nodeParagraph && len(n.Content) == 0 }

func isList(n *Node) bool {
	return n.Type == nodeBullets || n.Type == nodeNumbers || n.Type == nodeTasks
}

func (p *markdown) block(n *Node, other bool) {
	switch n.Type {
	case nodeParagraph:
		p.line(n.Content, false)
	case nodeHeading:
		level, _ := n.Attrs[attrLevel].(float64)
		p.write(strings.Repeat("#", int(level)))
		if text := headingText(n.Content); text != "" {
			p.write(" " + text)
		}
	case nodeQuote:
		p.write(">")
		if !allEmpty(n.Content) {
			p.write(" ")
		}
		p.inside("> ", func() { p.blocks(n.Content, false) })
	case nodeCode:
		p.code(n)
	case nodeBullets, nodeNumbers, nodeTasks:
		p.list(n, other)
	case nodeRule:
		p.write("***")
	case nodeImageBlock:
		p.line([]*Node{{Type: nodeImage, Attrs: n.Attrs}}, false)
	case nodeTable:
		p.table(n)
	default:
		p.unknown(n)
	}
}

func allEmpty(blocks []*Node) bool {
	for _, b := range blocks {
		if !isEmpty(b) {
			return false
		}
	}
	return true
}

// line prints the lines of a paragraph.
func (p *markdown) line(content []*Node, cell bool) {
	for i, line := range printLines(content, cell) {
		if i > 0 {
			p.newline()
		}
		p.write(line)
	}
}

// headingText returns the text of a heading, which has one line.
func headingText(content []*Node) string {
	text := strings.Join(printLines(content, true), "")
	if strings.HasSuffix(text, "#") { // it would close the heading
		text = text[:len(text)-1] + `\#`
	}
	return text
}

func (p *markdown) code(n *Node) {
	text := ""
	if len(n.Content) > 0 {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(n.Content[0].Text)
	}
	language, _ := n.Attrs[attrLanguage].(string)
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	if strings.Contains(language, "`") {
		fence = strings.Repeat("~", max(3, longestRun(text, '~')+1))
	}
	p.write(fence + escapeInfo(language))
	p.newline()
	if text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" {
				p.write(line)
			}
			p.newline()
		}
	}
	p.write(fence)
}

func longestRun(text string, char byte) (longest int) {
	run := 0
	for i := range len(text) {
		if text[i] != char {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func (p *markdown) list(n *Node, other bool) {
	marker, start := "-", 1
	if (p.depth%2 == 1) != other { // "- - -" would be a thematic break
		marker = "+"
	}
	if n.Type == nodeNumbers {
		marker = "."
		if other {
			marker = ")"
		}
		if f, ok := n.Attrs[attrStart].(float64); ok && f >= 0 && f+float64(len(n.Content)) < 1e9 {
			start = int(f)
		}
	}
	tight := isTight(n)
	p.depth++
	for i, item := range n.Content {
		if i > 0 {
			p.newline()
			if !tight {
				p.newline()
			}
		}
		bullet := marker
		if n.Type == nodeNumbers {
			bullet = strconv.Itoa(start+i) + marker
		}
		p.write(bullet)
		p.inside(strings.Repeat(" ", len(bullet)+1), func() { p.item(item, tight) })
	}
	p.depth--
}

func (p *markdown) item(item *Node, tight bool) {
	if item.Type == nodeTask {
		box := " [ ]"
		if item.Attrs[attrChecked] == true {
			box = " [x]"
		}
		p.write(box)
		if len(item.Content) == 0 || item.Content[0].Type != nodeParagraph || isEmpty(item.Content[0]) {
			p.write(" " + escapedTask)
			if !allEmpty(item.Content) {
				p.newline()
				if !tight {
					p.newline()
				}
				p.blocks(item.Content, tight)
			}
			return
		}
	}
	switch {
	case !allEmpty(item.Content):
		p.write(" ")
		p.blocks(item.Content, tight)
	case p.depth > 1: // goldmark would end the list after an item without anything
		p.write(" " + emptyComment)
	}
}

// emptyTask is the text of a task without one, because a box is one only before a text: a
// space without a width.
const (
	emptyTask   = "\u200b"
	escapedTask = "&#8203;"
)

// emptyComment is HTML that stands for nothing.
const emptyComment = "<!-- -->"

// isTight reports whether the items of a list are printed without blank lines between
// them: each is a paragraph at most, before lists that are tight and could interrupt it.
func isTight(list *Node) bool {
	for _, item := range list.Content {
		for i, b := range item.Content {
			switch {
			case b.Type == nodeParagraph && i == 0:
			case isList(b) && interrupts(b) && isTight(b) && (i == 0 || !isList(item.Content[i-1])):
			default:
				return false
			}
		}
	}
	return true
}

// interrupts reports whether a list can follow a paragraph without a blank line.
func interrupts(list *Node) bool {
	return len(list.Content) > 0 && !allEmpty(list.Content[0].Content) && list.Attrs[attrStart] == nil
}

func (p *markdown) table(n *Node) {
	rows, columns := n.Content, len(n.Content[0].Content)
	if rows[0].Content[0].Type == nodeHeader {
		p.row(rows[0].Content)
		rows = rows[1:]
	} else {
		p.write(strings.Repeat("|  ", columns) + "|")
	}
	p.newline()
	p.write(strings.Repeat("| --- ", columns) + "|")
	for _, r := range rows {
		p.newline()
		p.row(r.Content)
	}
}

func (p *markdown) row(cells []*Node) {
	for _, c := range cells {
		p.write("| ")
		p.line(c.Content, true)
		p.write(" ")
	}
	p.write("|")
}

// unknown prints a block that Markdown doesn't have.
func (p *markdown) unknown(n *Node) {
	p.write(openTag("div", n))
	inline := isInline(n.Content)
	switch {
	case inline:
		p.newline()
		p.newline()
		p.line(n.Content, false)
	case !allEmpty(n.Content):
		p.newline()
		p.newline()
		p.blocks(n.Content, false)
	default:
		p.write("</div>")
		return
	}
	p.newline()
	p.newline()
	p.write("</div>")
}

func isInline(content []*Node) bool {
	for _, n := range content {
		if n.Type == typeText || n.Type == nodeBreak || n.Type == nodeImage {
			return true
		}
	}
	return false
}

// openTag returns the HTML tag that names an unknown node.
func openTag(element string, n *Node) string {
	kind := ""
	if element == "div" && isInline(n.Content) {
		kind = ` data-content="inline"`
	}
	return "<" + element + ` data-node="` + attribute(n.Attrs[attrName].(string)) + `"` + membersAttribute(n.Attrs) + kind + ">"
}

// membersAttribute returns an HTML attribute with the attributes of an unknown node or mark.
func membersAttribute(attrs map[string]any) string {
	members, _ := attrs[attrMembers].(map[string]any)
	if len(members) == 0 {
		return ""
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // they were made from JSON
	}
	return ` data-attrs="` + attribute(string(text)) + `"`
}

// attribute escapes a value of an HTML attribute, so that it is in one line and has no
// character that has a meaning in Markdown.
func attribute(text string) string {
	return strings.NewReplacer("\n", "&#10;", "\r", "&#13;", "|", "&#124;").Replace(html.EscapeString(text))
}
