package prosemirror

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// safeHTML matches what HTML may consist of: text without an opening bracket, and tags
// with attributes that run nothing.
var safeHTML = regexp.MustCompile(`^(?:[^<>]|</?[a-z1-6]+>|<(?:ol start="\d+"|code class="language-[^"<>]*"|input type="checkbox" disabled(?: checked)?` +
	`|(?:div|span) data-(?:node|mark)="[^"<>]*"(?: data-attrs="[^"<>]*")?(?: data-content="inline")?` +
	`|a href="[^"<>]*"(?: title="[^"<>]*")?|img src="[^"<>]*" alt="[^"<>]*"(?: title="[^"<>]*")?)>)*$`)

var addresses = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

func checkSafe(t testing.TB, page []byte) {
	t.Helper()
	if !safeHTML.Match(page) {
		t.Fatalf("the HTML has other tags than those that are safe:\n%s", page)
	}
	for _, m := range addresses.FindAllSubmatch(page, -1) {
		address := strings.ToLower(string(m[1]))
		for _, bad := range []string{"javascript:", "vbscript:", "data:text", "file:"} {
			if strings.HasPrefix(strings.TrimSpace(address), bad) {
				t.Fatalf("the HTML has the address %q", address)
			}
		}
	}
}

func TestHTML(t *testing.T) {
	for _, test := range []struct{ markdown, html string }{
		{"# A & B\n\ntext *em **both*** `<c>`", "<h1>A &amp; B</h1>\n<p>text <em>em <strong>both</strong></em> <code>&lt;c&gt;</code></p>\n"},
		{"- a\n- b\n  1. c", "<ul>\n<li>a</li>\n<li>b<ol>\n<li>c</li>\n</ol>\n</li>\n</ul>\n"},
		{"3. a\n\n   b", "<ol start=\"3\">\n<li><p>a</p>\n<p>b</p>\n</li>\n</ol>\n"},
		{"> q\\\n> r\n\n***", "<blockquote>\n<p>q<br>\nr</p>\n</blockquote>\n<hr>\n"},
		{"```go\nx := \"<\"\n```", "<pre><code class=\"language-go\">x := &#34;&lt;&#34;</code></pre>\n"},
		{"```\na\n\n```", "<pre><code>a\n</code></pre>\n"}, // the line end is the document's
		{"```\n```", "<pre><code></code></pre>\n"},
		{"[a](https://b.c?d=1&e=2 \"f\")", "<p><a href=\"https://b.c?d=1&amp;e=2\" title=\"f\">a</a></p>\n"},
		{"[a](javascript:alert%281%29)", "<p><span data-mark=\"link\" data-attrs=\"{&#34;href&#34;:&#34;javascript:alert%281%29&#34;}\">a</span></p>\n"},
		{"[a](<java&#10;script:x>)", "<p><span data-mark=\"link\" data-attrs=\"{&#34;href&#34;:&#34;java\\nscript:x&#34;}\">a</span></p>\n"},
		{"[a](&#1;javascript:x)", "<p><span data-mark=\"link\" data-attrs=\"{&#34;href&#34;:&#34;\\u0001javascript:x&#34;}\">a</span></p>\n"},
		{"![a](data:image/png;base64,QUJD) ![b](data:text/html,x)", "<p><img src=\"data:image/png;base64,QUJD\" alt=\"a\"> <span data-node=\"image\" data-attrs=\"{&#34;alt&#34;:&#34;b&#34;,&#34;src&#34;:&#34;data:text/html,x&#34;}\">b</span></p>\n"},
		{"<script>alert(1)</script>", "<pre><code class=\"language-html\">&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>\n"},
		{"a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n"},
		{"<div data-node=\"callout\" data-attrs=\"{&quot;a&quot;:&quot;\\&quot;&gt;&quot;}\">\n\nb\n\n</div>", "<div data-node=\"callout\" data-attrs=\"{&#34;a&#34;:&#34;\\&#34;\\u003e&#34;}\"><p>b</p>\n</div>\n"},
	} {
		s := schemaNamed(t, Basic)
		doc, err := s.Parse([]byte(test.markdown))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.HTML(doc)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.html, string(got)); diff != "" {
			t.Errorf("HTML of %q (-want +got):\n%s", test.markdown, diff)
		}
		checkSafe(t, got)
	}
}
