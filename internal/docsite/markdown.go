package docsite

import (
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown reads and renders what the documentation uses of GitHub's Markdown. HTML in a
// page is kept.
var markdown = goldmark.New(
	goldmark.WithExtensions(
		// The policy of the pages allows no inline styles.
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.Linkify,
	),
	goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(elements{}, 100))),
)

// parse returns a page with an id for each heading.
func parse(source []byte) ast.Node {
	doc := markdown.Parser().Parse(gmtext.NewReader(source))
	var ids IDs
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			h.SetAttributeString("id", []byte(ids.Of(text(h, source))))
		}
	}
	return doc
}

// heading is a heading of a page, with those of the next level below it.
type heading struct {
	ID       string
	Title    string
	Headings []heading
}

// headings returns the title of a page and its headings of levels 2 and 3.
func headings(doc ast.Node, source []byte) (title string, found []heading) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			continue
		}
		this := heading{ID: idOf(h), Title: text(h, source)}
		switch {
		case h.Level == 1:
			title = this.Title
		case h.Level == 2 || len(found) == 0:
			found = append(found, this)
		default:
			last := &found[len(found)-1]
			last.Headings = append(last.Headings, this)
		}
	}
	return title, found
}

func idOf(h *ast.Heading) string {
	id, _ := h.AttributeString("id")
	return string(id.([]byte)) // parse has set it
}

// text returns what is written in a node, without its markup. A space separates blocks,
// cells and lines.
func text(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // returns no error
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(source))
			}
		default:
			if !entering || n.Type() == ast.TypeInline {
				break
			}
			if n.IsRaw() {
				b.Write(n.Lines().Value(source))
			}
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// redirect makes links to Markdown pages links to the site's pages, and links to the rest
// of the repository links to the forge. A link that names a file, such as
// [scaling.md](scaling.md), names the page instead.
func (s *Site) redirect(doc ast.Node, source []byte, list *contents) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // returns no error
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		to, anchor, found := strings.Cut(string(link.Destination), "#")
		if to == "" || strings.Contains(to, ":") {
			return ast.WalkContinue, nil
		}
		if found {
			anchor = "#" + anchor
		}
		i, ok := list.byFile[fileOf(to)]
		switch {
		case ok && text(link, source) == to:
			link.RemoveChildren(link)
			link.AppendChild(link, ast.NewString([]byte(list.pages[i].Title)))
			fallthrough
		case ok:
			link.Destination = []byte(list.pages[i].file + anchor)
		case strings.HasPrefix(to, "../"):
			link.Destination = []byte(s.onForge(path.Clean("docs/"+to)) + anchor)
		}
		return ast.WalkContinue, nil
	})
}

// elements renders the elements that the site has in another form than goldmark.
type elements struct{}

func (elements) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, renderHeading)
	r.Register(ast.KindFencedCodeBlock, renderCode)
	r.Register(extast.KindTable, renderTable)
}

// renderHeading adds a link to the heading, for those who want to pass it on.
func renderHeading(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	h := n.(*ast.Heading)
	tag := "h" + string('0'+rune(h.Level))
	id := string(util.EscapeHTML([]byte(idOf(h))))
	if entering {
		_, _ = w.WriteString("<" + tag + ` id="` + id + `">`)
		return ast.WalkContinue, nil
	}
	if h.Level > 1 {
		_, _ = w.WriteString(` <a class="anchor" href="#` + id + `" aria-hidden="true" tabindex="-1">#</a>`)
	}
	_, _ = w.WriteString("</" + tag + ">\n")
	return ast.WalkContinue, nil
}

// renderCode makes a block focusable, because its lines may be longer than the window is
// wide.
func renderCode(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.FencedCodeBlock)
	_, _ = w.WriteString(`<pre tabindex="0"><code>`)
	_, _ = w.Write(util.EscapeHTML(block.Lines().Value(source)))
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

// renderTable puts a table into a box that scrolls.
func renderTable(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(`<div class="table" tabindex="0"><table>` + "\n")
	} else {
		_, _ = w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}
