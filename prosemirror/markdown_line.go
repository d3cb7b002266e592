package prosemirror

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece is a part of a line: its text, or the beginning or the end of a mark that is
// printed with delimiters or as an HTML element.
type piece struct {
	text string
	span *span // nil for a text
	end  bool
}

// span is a mark on a part of a line.
type span struct {
	mark       Mark
	delimiter  string // "" if the mark is printed as an element
	begin, end int    // in pieces
}

// delimiters are those of the marks that have some, and elements the names of the others.
var (
	delimiters = map[string]string{markStrong: "**", markEm: "*", markStrike: "~~"}
	elements   = map[string]string{markStrong: "strong", markEm: "em", markStrike: "del", markUnderline: "u", markCode: "code"}
)

// printLines returns the lines of a text. If single is set, it returns one line: a heading
// or the cell of a table has no line breaks.
func printLines(content []*Node, single bool) []string {
	trailing := len(content) // a line break at the end of a paragraph has no meaning in Markdown
	for trailing > 0 && content[trailing-1].Type == nodeBreak {
		trailing--
	}
	var lines []string
	last := 0
	for i, n := range content {
		if n.Type != nodeBreak || single || i >= trailing {
			continue
		}
		line := escapeLine(printLine(content[last:i], single))
		if strings.HasSuffix(line, `\`) { // goldmark would not see the line break
			line = line[:len(line)-len(`\\`)] + "&#92;"
		}
		lines = append(lines, line+`\`)
		last = i + 1
	}
	return append(lines, escapeLine(printLine(content[last:], single)))
}

// printLine returns one line.
func printLine(content []*Node, single bool) string {
	l := liner{single: single}
	l.nodes(trimMarks(content))
	for i := range l.pieces {
		l.check(i)
	}
	var b strings.Builder
	for i := range l.pieces {
		b.WriteString(l.print(i))
	}
	return b.String()
}

// trimMarks removes the marks strong and em from spaces at the beginning and the end of
// what they mark, where they can't be seen and Markdown can't hold them.
func trimMarks(content []*Node) []*Node {
	for _, mark := range []string{markStrong, markEm} {
		if !slices.ContainsFunc(content, func(n *Node) bool { return hasType(n.Marks, mark) }) {
			continue
		}
		content = trimMark(content, mark, func(text string) (outside, rest string) {
			rest = strings.TrimLeftFunc(text, unicode.IsSpace)
			return text[:len(text)-len(rest)], rest
		})
		slices.Reverse(content)
		content = trimMark(content, mark, func(text string) (outside, rest string) {
			rest = strings.TrimRightFunc(text, unicode.IsSpace)
			return text[len(rest):], rest
		})
		slices.Reverse(content)
		content = joinTexts(content)
	}
	return content
}

// trimMark removes a mark from the part of a text that split returns as outside, in each
// text with which the mark begins.
func trimMark(content []*Node, mark string, split func(text string) (outside, rest string)) (trimmed []*Node) {
	marked := false // the last node has the mark
	for _, n := range content {
		if !marked && n.Type == typeText && hasType(n.Marks, mark) {
			outside, rest := split(n.Text)
			if outside != "" {
				without := slices.DeleteFunc(slices.Clone(n.Marks), func(m Mark) bool { return m.Type == mark })
				trimmed = append(trimmed, &Node{Type: typeText, Text: outside, Marks: without})
				n = &Node{Type: typeText, Text: rest, Marks: n.Marks}
			}
			if rest == "" {
				continue
			}
		}
		marked = hasType(n.Marks, mark)
		trimmed = append(trimmed, n)
	}
	return trimmed
}

func hasType(marks []Mark, name string) bool {
	return slices.ContainsFunc(marks, func(m Mark) bool { return m.Type == name })
}

// liner collects the pieces of a line.
type liner struct {
	pieces []piece
	single bool
}

func (l *liner) nodes(content []*Node) {
	content = joinTexts(content)
	var open []*span
	for i, n := range content {
		marks := n.Marks
		if n.Type == typeText && isCodeSpan(n, l.single) && !(i > 0 && isAddress(content[i-1].Text, n.Text)) {
			marks = slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Type == markCode })
		}
		address := autolink(content, i)
		if address != "" {
			marks = slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return m.Type == markLink })
		}
		keep := 0
		for keep < len(open) && hasMark(marks, open[keep].mark) {
			keep++
		}
		open = l.close(open, keep)
		open = l.open(open, marks, content[i:])
		switch {
		case n.Type != typeText:
			l.node(n)
		case address != "":
			l.add("<" + address + ">")
		case len(marks) < len(n.Marks):
			l.add(codeSpan(n.Text))
		default:
			l.add(escapeText(n.Text))
		}
	}
	l.close(open, 0)
}

func (l *liner) add(text string) { l.pieces = append(l.pieces, piece{text: text}) }

// close ends all but the first spans.
func (l *liner) close(open []*span, keep int) []*span {
	for i := len(open) - 1; i >= keep; i-- {
		open[i].end = len(l.pieces)
		l.pieces = append(l.pieces, piece{span: open[i], end: true})
	}
	return open[:keep]
}

// open begins spans for the marks that are not open yet, first those that reach furthest.
func (l *liner) open(open []*span, marks []Mark, rest []*Node) []*span {
	type reach struct {
		Mark
		n int
	}
	var missing []reach
	for _, m := range marks {
		if slices.ContainsFunc(open, func(s *span) bool { return sameMark(s.mark, m) }) {
			continue
		}
		n := 0
		for n < len(rest) && n < maxReach && hasMark(rest[n].Marks, m) {
			n++
		}
		missing = append(missing, reach{m, n})
	}
	slices.SortStableFunc(missing, func(a, b reach) int {
		return cmp.Or(b.n-a.n, slices.Index(outermost, a.Type)-slices.Index(outermost, b.Type))
	})
	for _, m := range missing {
		s := &span{mark: m.Mark, begin: len(l.pieces), delimiter: delimiters[m.Type]}
		l.pieces = append(l.pieces, piece{span: s})
		open = append(open, s)
	}
	return open
}

// outermost orders marks that reach equally far: the first one is outermost.
var outermost = []string{markLink, unknown, markUnderline, markStrike, markStrong, markEm, markCode}

// maxReach bounds the work of open.
const maxReach = 16

func (l *liner) node(n *Node) {
	switch n.Type {
	case nodeBreak:
		l.add("<br>")
	case nodeImage:
		alt, _ := n.Attrs[attrAlt].(string)
		src, _ := n.Attrs[attrSrc].(string)
		title, _ := n.Attrs[attrTitle].(string)
		l.add("![" + escapeText(alt) + "]" + destination(src, title))
	default:
		l.add(openTag("span", n))
		l.nodes(n.Content)
		l.add("</span>")
	}
}

// print returns the text of a piece.
func (l *liner) print(i int) string {
	p := l.pieces[i]
	if p.span == nil {
		if text, ok := strings.CutSuffix(p.text, `\!`); ok && (i+1 == len(l.pieces) || !strings.HasPrefix(l.print(i+1), "[")) {
			return text + "!" // it would begin an image only before a link
		}
		return p.text
	}
	m := p.span.mark
	switch {
	case p.span.delimiter != "":
		return p.span.delimiter
	case m.Type == markLink && !p.end:
		return "["
	case m.Type == markLink:
		href, _ := m.Attrs[attrHref].(string)
		title, _ := m.Attrs[attrLinkText].(string)
		return "]" + destination(href, title)
	case m.Type == unknown && !p.end:
		return `<span data-mark="` + attribute(m.Attrs[attrName].(string)) + `"` + membersAttribute(m.Attrs) + ">"
	case m.Type == unknown:
		return "</span>"
	case p.end:
		return "</" + elements[m.Type] + ">"
	}
	return "<" + elements[m.Type] + ">"
}

// check prints the marks that begin or end at a piece as elements if Markdown would not
// read their delimiters as such. It follows the rules of CommonMark for delimiter runs,
// and is stricter where they depend on what is further away.
func (l *liner) check(i int) {
	for work := []int{i}; len(work) > 0; {
		i, work = work[len(work)-1], work[:len(work)-1]
		if l.pieces[i].span == nil || l.pieces[i].span.delimiter == "" || l.reads(i) {
			continue
		}
		s := l.pieces[i].span
		s.delimiter = ""
		for _, at := range []int{s.begin, s.end} { // it now has other neighbours
			for n := at - 1; n >= 0 && l.pieces[n].span != nil; n-- {
				work = append(work, n)
			}
			for n := at + 1; n < len(l.pieces) && l.pieces[n].span != nil; n++ {
				work = append(work, n)
			}
		}
	}
}

// reads reports whether Markdown reads the delimiter at a piece as the beginning or the end
// that it is.
func (l *liner) reads(i int) bool {
	p := l.pieces[i]
	char := p.span.delimiter[0]
	same := func(n int) bool {
		return n >= 0 && n < len(l.pieces) && l.pieces[n].span != nil && strings.HasPrefix(l.pieces[n].span.delimiter, string(char))
	}
	first, last := i, i
	for same(first - 1) {
		first--
	}
	for same(last + 1) {
		last++
	}
	if char == '~' && first != last {
		return false
	}
	for n := first; n <= last; n++ {
		if l.pieces[n].end != p.end { // a delimiter run that ends marks and begins others
			return p.end // the end is read if the beginning is an element
		}
	}
	before, after := rune(' '), rune(' ')
	if first > 0 {
		before, _ = utf8.DecodeLastRuneInString(l.print(first - 1))
	}
	if last+1 < len(l.pieces) {
		after, _ = utf8.DecodeRuneInString(l.print(last + 1))
	}
	if char == '~' && (before == '~' || after == '~') {
		return false
	}
	if p.end {
		before, after = after, before
	}
	return !unicode.IsSpace(after) && (!isPunctuation(after) || unicode.IsSpace(before) || isPunctuation(before))
}

func isPunctuation(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

// autolink returns the text of a link that is its own address, or "".
func autolink(content []*Node, i int) string {
	n := content[i]
	at := slices.IndexFunc(n.Marks, func(m Mark) bool { return m.Type == markLink })
	if at < 0 || hasType(n.Marks, markCode) || !absolute.MatchString(n.Text) {
		return ""
	}
	link := n.Marks[at]
	for _, beside := range []int{i - 1, i + 1} {
		if beside >= 0 && beside < len(content) && hasMark(content[beside].Marks, link) {
			return ""
		}
	}
	if len(link.Attrs) != 1 || link.Attrs[attrHref] != n.Text {
		return ""
	}
	return n.Text
}

var absolute = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.+-]{1,31}:[^\pZ\pC<>|\\]*$`)

// isCodeSpan reports whether a text has the mark code and can be printed between
// backticks.
func isCodeSpan(n *Node, single bool) bool {
	return hasType(n.Marks, markCode) && !strings.ContainsFunc(n.Text, unicode.IsControl) && !(single && strings.Contains(n.Text, "|"))
}

// isAddress reports whether goldmark may read a text and the code after it as an address of
// mail.
func isAddress(before, code string) bool {
	return strings.Contains(code, "@") && strings.TrimRightFunc(before, unicode.IsSpace) == before
}

func codeSpan(text string) string {
	taken := map[int]bool{}
	for _, run := range backticks.FindAllString(text, -1) {
		taken[len(run)] = true
	}
	n := 1
	for taken[n] {
		n++
	}
	fence := strings.Repeat("`", n)
	spaces := strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") && strings.Trim(text, " ") != ""
	if spaces || strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

var backticks = regexp.MustCompile("`+")
