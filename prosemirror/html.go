package prosemirror

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// HTML returns a document as a piece of HTML, which is safe to put into a page: all text is
// escaped, and no address can run a script. What Markdown doesn't have becomes a div or a
// span with the editor's name in data-node or data-mark, and with the attributes as JSON in
// data-attrs. So does a link or an image whose address is not one of the web, of mail or of
// a phone. The error is ErrSize.
func (s *Schema) HTML(doc *Node) ([]byte, error) {
	p := htmlPrinter{}
	p.blocks(s.common(doc.Content), false)
	return p.out, p.err
}

// htmlPrinter prints nodes in the common form.
type htmlPrinter struct {
	out []byte
	err error
}

func (p *htmlPrinter) write(parts ...string) {
	for _, text := range parts {
		if len(p.out)+len(text) > MaxOutput {
			p.err = ErrSize
		}
		if p.err != nil {
			return
		}
		p.out = append(p.out, text...)
	}
}

// blocks prints blocks. Paragraphs of a tight list are printed without an element.
func (p *htmlPrinter) blocks(blocks []*Node, tight bool) {
	for _, b := range blocks {
		if p.err != nil {
			return
		}
		if tight && b.Type == nodeParagraph {
			p.line(b.Content)
			continue
		}
		p.block(b)
	}
}

func (p *htmlPrinter) block(n *Node) {
	switch n.Type {
	case nodeParagraph:
		p.element("p", n)
	case nodeHeading:
		level, _ := n.Attrs[attrLevel].(float64)
		p.element("h"+strconv.Itoa(int(level)), n)
	case nodeQuote:
		p.write("<blockquote>\n")
		p.blocks(n.Content, false)
		p.write("</blockquote>\n")
	case nodeCode:
		p.write("<pre><code")
		if language, _ := n.Attrs[attrLanguage].(string); language != "" {
			p.write(` class="language-`, html.EscapeString(strings.Fields(language + " -")[0]), `"`)
		}
		p.write(">")
		for _, c := range n.Content {
			p.write(html.EscapeString(c.Text)) // a line end after the code would belong to it when an editor reads this
		}
		p.write("</code></pre>\n")
	case nodeBullets, nodeNumbers, nodeTasks:
		p.list(n)
	case nodeRule:
		p.write("<hr>\n")
	case nodeImageBlock:
		p.write("<p>")
		p.image(n)
		p.write("</p>\n")
	case nodeTable:
		p.table(n)
	default:
		p.write(openTag("div", n))
		if isInline(n.Content) {
			p.line(n.Content)
		} else {
			p.blocks(n.Content, false)
		}
		p.write("</div>\n")
	}
}

func (p *htmlPrinter) element(name string, n *Node) {
	p.write("<", name, ">")
	p.line(n.Content)
	p.write("</", name, ">\n")
}

func (p *htmlPrinter) list(n *Node) {
	name := "ul"
	if n.Type == nodeNumbers {
		name = "ol"
	}
	p.write("<", name)
	if start, ok := n.Attrs[attrStart].(float64); ok {
		p.write(` start="`, strconv.FormatFloat(start, 'f', 0, 64), `"`)
	}
	p.write(">\n")
	tight := isTight(n)
	for _, item := range n.Content {
		p.write("<li>")
		if item.Type == nodeTask {
			p.write(`<input type="checkbox" disabled`)
			if item.Attrs[attrChecked] == true {
				p.write(" checked")
			}
			p.write("> ")
		}
		p.blocks(item.Content, tight)
		p.write("</li>\n")
	}
	p.write("</", name, ">\n")
}

func (p *htmlPrinter) table(n *Node) {
	p.write("<table>\n")
	for _, r := range n.Content {
		p.write("<tr>")
		for _, c := range r.Content {
			name := "td"
			if c.Type == nodeHeader {
				name = "th"
			}
			p.write("<", name, ">")
			p.line(c.Content)
			p.write("</", name, ">")
		}
		p.write("</tr>\n")
	}
	p.write("</table>\n")
}

// line prints text. Several marks on the same text become nested elements, in the order in
// which the text has the marks.
func (p *htmlPrinter) line(content []*Node) {
	var open []Mark
	for _, n := range content {
		keep := 0
		for keep < len(open) && hasMark(n.Marks, open[keep]) {
			keep++
		}
		open = p.end(open, keep)
		for _, m := range n.Marks {
			if !hasMark(open, m) {
				p.write(markTag(m))
				open = append(open, m)
			}
		}
		switch n.Type {
		case typeText:
			p.write(html.EscapeString(n.Text))
		case nodeBreak:
			p.write("<br>\n")
		case nodeImage:
			p.image(n)
		default:
			p.write(openTag("span", n))
			p.line(n.Content)
			p.write("</span>")
		}
	}
	p.end(open, 0)
}

func (p *htmlPrinter) end(open []Mark, keep int) []Mark {
	for _, m := range slices.Backward(open[keep:]) {
		p.write("</", markElement(m), ">")
	}
	return open[:keep]
}

func markElement(m Mark) string {
	href, _ := m.Attrs[attrHref].(string)
	switch {
	case m.Type == markLink && isSafe(href, "http", "https", "mailto", "tel"):
		return "a"
	case elements[m.Type] != "":
		return elements[m.Type]
	}
	return "span"
}

func markTag(m Mark) string {
	element := markElement(m)
	switch {
	case m.Type == unknown:
		return `<span data-mark="` + attribute(m.Attrs[attrName].(string)) + `"` + membersAttribute(m.Attrs) + ">"
	case m.Type == markLink && element == "span":
		return `<span data-mark="link"` + membersAttribute(map[string]any{attrMembers: members(m.Attrs)}) + ">"
	case m.Type != markLink:
		return "<" + element + ">"
	}
	href, _ := m.Attrs[attrHref].(string)
	tag := `<a href="` + html.EscapeString(href) + `"`
	if title, _ := m.Attrs[attrLinkText].(string); title != "" {
		tag += ` title="` + html.EscapeString(title) + `"`
	}
	return tag + ">"
}

// members returns attributes by their names in this package, without the names of their
// nodes and marks.
func members(attrs map[string]any) map[string]any {
	short := map[string]any{}
	for name, value := range attrs {
		short[name[strings.LastIndex(name, ".")+1:]] = value
	}
	return short
}

func (p *htmlPrinter) image(n *Node) {
	src, _ := n.Attrs[attrSrc].(string)
	alt, _ := n.Attrs[attrAlt].(string)
	if !isSafe(src, "http", "https") && !pictureData.MatchString(src) {
		p.write(`<span data-node="image"`, membersAttribute(map[string]any{attrMembers: members(n.Attrs)}), ">", html.EscapeString(alt), "</span>")
		return
	}
	p.write(`<img src="`, html.EscapeString(src), `" alt="`, html.EscapeString(alt), `"`)
	if title, _ := n.Attrs[attrTitle].(string); title != "" {
		p.write(` title="`, html.EscapeString(title), `"`)
	}
	p.write(">")
}

var (
	scheme      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	pictureData = regexp.MustCompile(`^data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$`)
)

// isSafe reports whether an address is relative, or has one of the schemes. Browsers skip
// control characters and spaces in a scheme, so isSafe does, too.
func isSafe(address string, schemes ...string) bool {
	compact := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, address)
	found := scheme.FindString(compact)
	return found == "" || slices.Contains(schemes, strings.ToLower(strings.TrimSuffix(found, ":")))
}
