package prosemirror

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/util"
)

var (
	divTag  = regexp.MustCompile(`^<div data-node="([^"]+)"(?: data-attrs="([^"]+)")?( data-content="inline")?>(</div>)?$`)
	spanTag = regexp.MustCompile(`^<span data-(node|mark)="([^"]+)"(?: data-attrs="([^"]+)")?>$`)
	marksOf = map[string]string{
		"strong": markStrong, "b": markStrong, "em": markEm, "i": markEm, "code": markCode,
		"del": markStrike, "s": markStrike, "u": markUnderline,
	}
)

// inlineContent is an attribute of an unknown node until its element ends: its content is
// one line of text.
const inlineContent = "inline"

// readDiv returns the unknown node that an HTML block represents, or nil if it represents
// none. open reports that the content of the node follows.
func readDiv(text string) (n *Node, open bool) {
	m := divTag.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	if n = unknownNode(m[1], m[2]); n == nil {
		return nil, false
	}
	if m[3] != "" {
		n.Attrs[inlineContent] = true
	}
	if m[4] != "" {
		n.endElement()
	}
	return n, m[4] == ""
}

// endElement completes an unknown node after the end of its element.
func (n *Node) endElement() {
	if n.Attrs[inlineContent] == true {
		var line []*Node
		for _, b := range n.Content {
			line = append(line, b.Content...)
		}
		n.Content = joinTexts(line)
	}
	delete(n.Attrs, inlineContent)
}

// unknownNode returns an unknown node with the attributes in an HTML attribute, or nil if
// they can't be read.
func unknownNode(name, members string) *Node {
	attrs, ok := unknownAttrs(name, members)
	if !ok {
		return nil
	}
	return &Node{Type: unknown, Attrs: attrs}
}

func unknownAttrs(name, members string) (attrs map[string]any, ok bool) {
	var object map[string]any
	if members != "" && json.Unmarshal([]byte(html.UnescapeString(members)), &object) != nil {
		return nil, false
	}
	return unknownMembers(html.UnescapeString(name), attrsOf(object)), true
}

// readTag returns the tag that represents a mark, a node or a line break, or nil.
func (s *Schema) readTag(text string) *tag {
	if m := spanTag.FindStringSubmatch(text); m != nil {
		attrs, ok := unknownAttrs(m[2], m[3])
		switch {
		case !ok:
			return nil
		case m[1] == "node":
			return &tag{element: "span", node: &Node{Type: unknown, Attrs: attrs}}
		}
		return &tag{element: "span", mark: Mark{unknown, attrs}}
	}
	name, end := strings.CutPrefix(strings.Trim(text, "<>"), "/")
	name = strings.ToLower(name)
	switch {
	case end && name == "span":
		return &tag{element: name, end: true}
	case marksOf[name] != "" && s.has(marksOf[name]):
		return &tag{element: name, end: end, mark: Mark{Type: marksOf[name]}}
	case !end && strings.TrimRight(name, " /") == "br" && s.has(nodeBreak):
		return &tag{element: "br"}
	}
	return nil
}

// unescape returns a part of a Markdown text without its backslashes before punctuation,
// and with characters in place of entities.
func unescape(text []byte) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && util.IsPunct(text[i+1]):
			i++
			b.WriteByte(text[i])
			continue
		case text[i] == '&':
			if m := entity.Find(text[i:min(len(text), i+maxEntity)]); m != nil {
				if char, ok := readEntity(string(m)); ok {
					b.WriteString(char)
					i += len(m) - 1
					continue
				}
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

var entity = regexp.MustCompile(`^&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]*);`)

// maxEntity is longer than the longest name of an entity.
const maxEntity = 40

func readEntity(text string) (string, bool) {
	if text[1] != '#' {
		e, ok := util.LookUpHTML5EntityByName(text[1 : len(text)-1])
		if !ok {
			return "", false
		}
		return string(e.Characters), true
	}
	return string(util.ResolveNumericReferences([]byte(text))), true
}
