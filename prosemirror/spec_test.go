package prosemirror

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

// rendered returns Markdown as HTML, without differences of white space that no reader
// sees.
func rendered(t testing.TB, markdown string) string {
	t.Helper()
	return sameSpaces(render(t, markdown, html.WithUnsafe()))
}

func render(t testing.TB, markdown string, o ...renderer.Option) string {
	t.Helper()
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(append(o, html.WithXHTML())...))
	if err := md.Convert([]byte(markdown), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var preformatted = regexp.MustCompile(`(?s)<pre>.*?</pre>|[^<]+|<[^>]*>`)

func sameSpaces(text string) string {
	return strings.TrimSpace(preformatted.ReplaceAllStringFunc(text, func(part string) string {
		if strings.HasPrefix(part, "<") {
			return part
		}
		return strings.ReplaceAll(part, "\n", " ")
	}))
}

func schemaNamed(t testing.TB, name string) *Schema {
	t.Helper()
	s, err := NewSchema(Config{Schema: name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// throughRoom returns Markdown that went through the update of a document.
func throughRoom(t testing.TB, s *Schema, markdown string) string {
	t.Helper()
	update, err := s.Update(s.Root, []byte(markdown))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Markdown(readUpdate(t, s, update))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func readUpdate(t testing.TB, s *Schema, update []byte) *Node {
	t.Helper()
	doc := yjs.New()
	if err := doc.Apply(update, yjs.V1); err != nil {
		t.Fatal(err)
	}
	f, err := doc.XMLFragment(s.Root)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCommonMark sends the examples of CommonMark's specification through a document of
// each schema, encoded as an update. What comes out must have the same meaning as what went
// in, or be of a kind that no document of these schemas can hold.
func TestCommonMark(t *testing.T) {
	for _, name := range []string{Basic, TipTap, BlockNote} {
		t.Run(name, func(t *testing.T) {
			s := schemaNamed(t, name)
			kinds := map[string]int{}
			for _, e := range testkit.CommonMark(t) {
				got := throughRoom(t, s, e.Markdown)
				kind := difference(rendered(t, e.Markdown), rendered(t, got), render(t, e.Markdown))
				if kind == "other" {
					t.Errorf("example %d, %s:\n%q\ncomes out as\n%q\n%s", e.Example, e.Section, e.Markdown, got, cmp.Diff(rendered(t, e.Markdown), rendered(t, got)))
				}
				kinds[kind]++
			}
			if diff := cmp.Diff(heldExamples[name], kinds); diff != "" {
				t.Errorf("the examples by what the documents can't hold (-want +got):\n%s", diff)
			}
		})
	}
}

// heldExamples has how many examples come out equal, and how many differ because of what the
// documents can't hold.
var heldExamples = map[string]map[string]int{
	Basic: {
		"equal": 539, "raw HTML": 72, "a mark in the same mark": 19, "blank lines in lists": 16,
		"a link without text": 4, "a line break in a mark": 2,
	},
	TipTap: {
		"equal": 516, "raw HTML": 71, "an image": 20, "a mark in the same mark": 19, "blank lines in lists": 16,
		"a link without text": 4, "code in another mark": 4, "a line break in a mark": 2,
	},
	BlockNote: {
		"equal": 533, "raw HTML": 71, "a mark in the same mark": 19, "blank lines in lists": 16,
		"a link without text": 4, "code in another mark": 4, "an image": 2, "a line break in a mark": 2, "two lists in a row": 1,
	},
}

// difference returns "equal", or the kind of what differs between the HTML of a text and
// that of what came out. safe is the HTML of the text without its raw HTML.
func difference(want, got, safe string) string {
	for _, kind := range []struct {
		name  string
		apply func(string) string
	}{
		{"equal", func(text string) string { return text }},
		{"blank lines in lists", withoutParagraphs},
		{"a mark in the same mark", withoutNested},
		{"a line break in a mark", func(text string) string { return breakInMark.ReplaceAllString(text, "<br /> ") }},
	} {
		if kind.apply(want) == kind.apply(got) {
			return kind.name
		}
	}
	for _, kind := range []struct {
		name    string
		pattern *regexp.Regexp
	}{
		{"raw HTML", regexp.MustCompile("<!-- raw HTML omitted -->")},
		{"a link without text", regexp.MustCompile(`<a [^>]*>(<img [^>]*>)?</a>`)},
		{"an image", regexp.MustCompile(`<img `)},
		{"code in another mark", regexp.MustCompile(`</code></(?:strong|em|a)>|<(?:strong|em|a\b)[^/]*<code>`)},
		{"two lists in a row", regexp.MustCompile(`</ul>\s<ul>`)},
	} {
		if kind.pattern.MatchString(safe) {
			return kind.name
		}
	}
	return "other"
}

var breakInMark = regexp.MustCompile(`</(?:em|strong)><br /> <(?:em|strong)>`)

// withoutParagraphs returns HTML without the elements of paragraphs, which those in the
// items of a list have only if the list has blank lines.
func withoutParagraphs(text string) string {
	return besideTags.ReplaceAllString(strings.NewReplacer("<p>", "", "</p>", "").Replace(text), "$1")
}

var besideTags = regexp.MustCompile(`\s*(</?[a-z]+>)\s*`)

// withoutNested returns HTML without em elements inside em elements, and without strong
// elements inside strong elements.
func withoutNested(text string) string {
	depth := map[string]int{}
	return emphasis.ReplaceAllStringFunc(text, func(tag string) string {
		name, end := strings.CutPrefix(strings.Trim(tag, "<>"), "/")
		if !end {
			depth[name]++
		}
		outermost := depth[name] == 1
		if end {
			depth[name]--
		}
		if outermost {
			return tag
		}
		return ""
	})
}

var emphasis = regexp.MustCompile(`</?(?:em|strong)>`)
