package yjs

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yroom/yroom/blocks"
)

// ProseMirror returns the fragment as the JSON of a ProseMirror document: elements become
// nodes, and texts become text nodes with formats as marks.
//
// A document of y-prosemirror has its text in XML texts. ProseMirror returns what
// yXmlFragmentToProsemirrorJSON returns. As there, a text that is a direct child of the
// fragment becomes an array of text nodes.
//
// A document of @y/prosemirror 2 has its text directly in the elements, and nodes can have
// formats, too, which become their marks. The formats of nodes are ignored, as by
// y-prosemirror, if there is no such text in the whole fragment.
//
// The error is ErrType if the fragment contains anything but text, elements and XML texts,
// ErrDepth or ErrSize.
func (f *XMLFragment) ProseMirror() ([]byte, error) {
	if err := printable(f.t); err != nil {
		return nil, err
	}
	p := nodePrinter{direct: f.t.hasDirectText()}
	p.literal(`{"type":"doc"`)
	if p.direct {
		p.attributes(f.t)
	}
	p.literal(`,"content":[`)
	p.nodes(f.t, true)
	p.literal("]}")
	return p.result()
}

// nodePrinter prints the JSON of ProseMirror documents.
type nodePrinter struct {
	printer
	direct bool // the document is one of @y/prosemirror 2
}

// hasDirectText reports whether the list of an XML type, or of an element in it, has text.
func (t *sharedType) hasDirectText() bool {
	for todo := []*sharedType{t}; len(todo) > 0; {
		t, todo = todo[len(todo)-1], todo[:len(todo)-1]
		for it := t.first; it != nil; it = it.right {
			switch {
			case it.deleted():
			case it.kind == blocks.KindString:
				return true
			case it.typ() != nil && it.typ().kind == KindXMLElement:
				todo = append(todo, it.typ())
			}
		}
	}
	return false
}

// nodes prints the list of an element or, at the top, of the fragment.
func (p *nodePrinter) nodes(t *sharedType, top bool) {
	first := true
	t.eachRun(func(text []byte, v Value, formats Object) bool {
		switch {
		case text != nil:
			p.separate(first)
			p.textNode(Value{kind: ValueKindString, str: string(text)}, formats)
		case v.TypeKind() == KindXMLText && top:
			p.separate(first)
			p.byte('[')
			p.textNodes(v.typ, true)
			p.byte(']')
		case v.TypeKind() == KindXMLText:
			first = p.textNodes(v.typ, first)
			return true
		default:
			p.separate(first)
			p.node(v, formats)
		}
		first = false
		return p.err == nil
	})
}

// node prints an element with the formats that it has in its parent.
func (p *nodePrinter) node(v Value, formats Object) {
	if v.TypeKind() != KindXMLElement {
		p.err = fmt.Errorf("%w: a ProseMirror document contains only text, XML elements and XML texts", ErrType)
		return
	}
	t := v.typ
	if t.depth > maxDepth {
		p.err = ErrDepth
		return
	}
	p.literal(`{"type":`)
	p.string(t.name)
	p.attributes(t)
	if t.len > 0 {
		p.literal(`,"content":[`)
		p.nodes(t, false)
		p.byte(']')
	}
	if p.direct {
		p.marks(formats)
	}
	p.byte('}')
}

// attributes prints the attributes of a node, if it has any.
func (p *nodePrinter) attributes(t *sharedType) {
	if attributes := t.object(); len(attributes) > 0 {
		p.literal(`,"attrs":`)
		p.object(attributes)
	}
}

// textNodes prints the runs of an XML text. It reports whether the next node is still the
// first one.
func (p *nodePrinter) textNodes(t *sharedType, first bool) bool {
	for _, op := range t.delta() {
		p.separate(first)
		first = false
		p.textNode(op.Insert, op.Attributes)
	}
	return first
}

// textNode prints a run of text, or an embed.
func (p *nodePrinter) textNode(v Value, formats Object) {
	p.literal(`{"type":"text"`)
	p.member(false, "text", v)
	p.marks(formats)
	p.byte('}')
}

// marks prints formats as marks, if there are any.
func (p *nodePrinter) marks(formats Object) {
	if formats == nil {
		return
	}
	p.literal(`,"marks":[`)
	for i, m := range formats {
		p.separate(i == 0)
		p.literal(`{"type":`)
		p.string(markName(m.Key))
		p.member(false, "attrs", m.Value)
		p.byte('}')
	}
	p.byte(']')
}

// markName returns the name of the mark that a format represents. For marks that may
// overlap with marks of the same name, y-prosemirror appends two hyphens and eight
// base64 digits to the name.
func markName(key string) string {
	const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/="
	cut := len(key) - len("--12345678")
	if cut < 0 || key[cut:cut+2] != "--" || strings.Trim(key[cut+2:], digits) != "" {
		return key
	}
	// The regular expression of y-prosemirror does not match across line ends.
	isEnd := func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }
	if end := strings.LastIndexFunc(key[:cut], isEnd); end >= 0 {
		_, size := utf8.DecodeRuneInString(key[end:])
		return key[end+size : cut]
	}
	return key[:cut]
}
